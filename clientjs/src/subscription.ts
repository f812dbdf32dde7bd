// A subscription keeps one topic's replica in step: what to ask for, which frames to believe, when to ask again.
//
//   toAsk    the server is to be asked
//   asked    it has been asked; what comes before its answer belongs to an older cursor
//   follow   frames are applied as they come
//
//            | ask → want        | subscribed            | other frame          | lost
//   toAsk    | asked, want       | follow                | ignored              | toAsk
//   asked    | asked, none       | follow                | ignored              | toAsk
//   follow   | follow, none      | follow                | applied; gap → toAsk | toAsk

import { type Effect, Replica } from "./replica.ts";
import type { Position, ReplicaFrame } from "./wire.ts";

export class Subscription {
  readonly replica: Replica = new Replica();
  state: "toAsk" | "asked" | "follow" = "toAsk";
  // Where the last repair asked to go on. A second gap at the same place means that going on does not help.
  #repaired: Position | undefined;

  /** Where the replica is, as text. */
  get cursor(): string {
    return `${this.replica.position.epoch}-${this.replica.position.version}`;
  }

  /** Returns where to ask from, once after each time it is due; an empty object asks for a snapshot. */
  ask(): Partial<Position> | undefined {
    if (this.state !== "toAsk") return undefined;
    this.state = "asked";
    return this.replica.position.version > 0 ? this.replica.position : {};
  }

  /** Says that the line is gone, or an answer overdue: the server has to be asked again. */
  lost(): void {
    this.state = "toAsk";
  }

  /** Takes in one frame of the topic. After a gap the server has to be asked again, which ask says. */
  apply(frame: ReplicaFrame): Effect {
    if (frame.type === "subscribed") {
      this.state = "follow";
      if (this.replica.position.version === 0) this.replica.restart(frame.epoch); // all rows come, were there any before
    }
    if (this.state !== "follow") return "ignored";
    const effect = this.replica.apply(frame);
    if (effect === "gap") this.#repair();
    return effect;
  }

  #repair(): void {
    const at = this.replica.position;
    const again = this.#repaired?.epoch === at.epoch && this.#repaired.version === at.version;
    if (again) this.replica.restart("");
    this.#repaired = again ? undefined : at;
    this.state = "toAsk";
  }
}

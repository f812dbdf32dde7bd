// A replica is one topic's rows and position. It shows only states that the server had (P4): while a run is incomplete,
// the rows that came with it are staged. Resuming starts from what has been taken in, so nothing is sent twice.

import type { Deltas } from "./layer.ts";
import type { Events, Mark, Position, ReplicaFrame, Snapshot, Subscribed, WireEvent, WireRow } from "./wire.ts";

/**
 * What a frame did: `shown`: what is shown is now the state at its position; `staged`: taken in, nothing new is shown
 * until the run ends; `ignored`: it was known; `gap`: something is missing, subscribe again with the position; `reset`:
 * start over, a run from 0 follows.
 */
export type Effect = "shown" | "staged" | "ignored" | "gap" | "reset";

export const nowhere: Position = { epoch: "", version: 0 };

export class Replica {
  /** What has been taken in, and where to resume. */
  position: Position = nowhere;
  /** What is shown. */
  shown: Position = nowhere;
  /** Whether anything has been shown yet. */
  loaded = false;
  /** What is shown comes from several moments; the next state shown is whole again. */
  mixed = false;

  /** How to complete events that came as patches; without it none are asked for. */
  deltas: Deltas | undefined;

  readonly rows: Map<string, WireRow> = new Map();
  /** Ids of shown rows that are new since the owner last cleared it; `all` after a load. */
  readonly changed: Set<string> = new Set();
  all = false;

  readonly #staged = new Map<string, WireRow | null>(); // null: deleted
  #fresh = true; // the staged rows replace all that is shown
  // Where the newest run is to end. What its pieces have left out comes with versions up to there, whether it is gone on
  // with or another one begins.
  #target = 0;

  /** Whether a load or a catch-up is incomplete. */
  get running(): boolean {
    return this.#fresh || this.position.version < this.#target;
  }

  /** Starts from rows kept elsewhere, complete at a position. */
  restore(at: Position, rows: Iterable<WireRow>): void {
    for (const row of rows) this.rows.set(row.entity_id, row);
    this.position = this.shown = at;
    this.loaded = this.all = true;
    this.#fresh = false;
  }

  apply(frame: ReplicaFrame): Effect {
    switch (frame.type) {
      case "snapshot":
        return this.#snapshot(frame);
      case "events":
        return this.#events(frame);
      case "mark":
        return this.#mark(frame);
      case "resync":
        return this.restart(frame.epoch);
      case "subscribed":
        return this.#subscribed(frame);
    }
  }

  /** Forgets the position. What is shown stays until the run from 0 is complete. */
  restart(epoch: string): Effect {
    this.position = { epoch, version: 0 };
    this.#staged.clear();
    this.#fresh = true;
    this.#target = 0;
    return "reset";
  }

  /** Forgets everything, as for another user. */
  clear(): void {
    this.restart("");
    this.rows.clear();
    this.shown = nowhere;
    this.loaded = false;
    this.all = true;
  }

  // A run from 0 that begins anew drops what it has staged: rows that went meanwhile are not in the second one.
  #subscribed(frame: Subscribed): Effect {
    return this.#fresh && frame.version < this.position.version ? this.restart(frame.epoch) : "ignored";
  }

  // Version 0 belongs to every epoch and takes that of the frame.
  #adopt(epoch: string): boolean {
    if (this.position.version === 0) this.position = { epoch, version: 0 };
    return this.position.epoch === epoch;
  }

  #snapshot(frame: Snapshot): Effect {
    const { epoch, version, from = 0, to, entities } = frame;
    const at = this.position.version;
    if (at === 0) this.restart(epoch); // it holds nothing, whether or not that has been shown
    else if (this.position.epoch !== epoch) return "gap";
    else if (!this.#fresh) return "ignored";
    else if (version !== this.#target && from === 0) this.restart(epoch); // another run: what this one lists no more is gone
    else if (version !== this.#target) return "gap";
    else if (to < at) return "ignored";
    if (from > this.position.version) return "gap";
    for (const row of entities) this.#staged.set(row.entity_id, row);
    return this.#moved(frame);
  }

  #events(frame: Events): Effect {
    const at = this.position.version;
    if (!this.#adopt(frame.epoch) || frame.from > at) return "gap";
    if (frame.to < at || (frame.to === at && !frame.mixed)) return "ignored";
    const fresh = frame.events.filter(({ version }) => version > at);
    if (this.deltas?.(fresh, (id) => this.#held(id)) === false) return "gap";
    const direct = !frame.more && this.#staged.size === 0 && !this.running;
    for (const event of fresh) {
      if (event.op === "none") continue;
      if (direct) this.#show(event.data.entity_id, toRow(event));
      else this.#staged.set(event.data.entity_id, toRow(event));
    }
    return this.#moved(frame);
  }

  // The value at the replica's position.
  #held(id: string): unknown {
    const staged = this.#staged.get(id);
    return (staged === undefined && !this.#fresh ? this.rows.get(id) : staged)?.payload;
  }

  #show(id: string, row: WireRow | null): void {
    if (row) this.rows.set(id, row);
    else this.rows.delete(id);
    this.changed.add(id);
  }

  // Goes to the frame's end, and shows what is staged when the run is complete: no sooner than where it was to end, for
  // one that broke off has brought rows of different moments.
  #moved({ epoch, version = 0, to, more, mixed = false }: Snapshot | Events): Effect {
    this.position = { epoch, version: to };
    if (more) this.#target = Math.max(this.#target, version);
    if (more || (to < this.#target && !mixed)) return "staged";
    if (this.#fresh) this.#replace(epoch === this.shown.epoch);
    else for (const [id, row] of this.#staged) this.#show(id, row);
    this.#staged.clear();
    this.shown = this.position;
    this.mixed = mixed;
    this.loaded = true;
    return "shown";
  }

  // Shows exactly the staged rows; one at the version that it had keeps its identity.
  #replace(sameEpoch: boolean): void {
    const before = new Map(sameEpoch ? this.rows : []);
    this.rows.clear();
    for (const [id, row] of this.#staged) {
      const old = before.get(id);
      if (row) this.rows.set(id, old?.version === row.version ? old : row);
    }
    this.#fresh = false;
    this.all = true;
  }

  // A mark ahead of the replica means that the end of the log was lost on the way, and one before anything has been
  // loaded that the load was.
  #mark({ epoch, version }: Mark): Effect {
    return !this.#adopt(epoch) || version > this.position.version || this.#fresh ? "gap" : "ignored";
  }
}

// The parsed event's data becomes the row: nothing is copied.
function toRow({ op, version, data }: WireEvent): WireRow | null {
  if (op === "delete") return null;
  data.version = version;
  return data as WireRow;
}

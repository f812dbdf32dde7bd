// A mutation is one wish for changes, from the moment it is made until what is shown holds it. Its stage is one of
//
//   queued     kept here, not sent on the present line
//   sent       on its way, without an answer
//   accepted   decided and durable at `position`; what is shown may be behind it
//   observed   what is shown holds it
//   rejected   refused for good; `error` says why
//
// and moves only as drawn:   queued ⇄ sent → accepted → observed,   queued | sent → rejected.

import type { LockstepError } from "./errors.ts";
import { Listeners, type Unsubscribe } from "./listeners.ts";
import type { Mutate, Position } from "./wire.ts";

export type Stage = "queued" | "sent" | "accepted" | "observed" | "rejected";

export type Op = "put" | "patch" | "json_patch" | "delete" | "none";

/** What a change asks of its row: a version (0: that it does not exist), or that nobody has touched it since `after`. */
export type Guard = number | { readonly after: PendingMutation };

/** One change as it is kept until it is sent. */
export interface Change {
  readonly op: Op;
  readonly id?: string | undefined;
  readonly payload?: unknown | undefined;
  readonly event?: string | undefined;
  readonly guard?: Guard | undefined;
}

/** What a mutation does: changes, or the name of a mutator that makes them on the server. */
export interface Wish {
  readonly changes: readonly Change[];
  readonly name?: string | undefined;
  readonly args?: unknown | undefined;
  readonly ifTopicVersion?: number | undefined;
}

/** A mutation as the application sees it. */
export interface Mutation {
  readonly topic: string;
  readonly stage: Stage;
  /** Set exactly when the stage is `rejected`. */
  readonly error: LockstepError | undefined;
  /** The topic's position right after it; set from `accepted` on. */
  readonly position: Position | undefined;
  /** Fulfilled when the server has decided and stored it; rejected with its LockstepError. Made when first asked for. */
  readonly accepted: Promise<Position>;
  /** Fulfilled when what is shown holds it; rejected with its LockstepError. Made when first asked for. */
  readonly observed: Promise<void>;
  subscribe(listener: () => void): Unsubscribe;
  getSnapshot(): Stage;
}

export class PendingMutation implements Mutation {
  readonly topic: string;
  readonly wish: Wish;
  /** What was shown when it was made; the epoch is empty where nothing was. */
  readonly made: Position;
  /** The newest earlier mutation, undecided when this one was made, that changes a row which this one changes too. */
  readonly needs: PendingMutation | undefined;

  stage: Stage = "queued";
  error: LockstepError | undefined;
  position: Position | undefined;

  /** The bytes it is known by: they stay the same in every resend. Set when first sent; owned by its lane. */
  frame: Mutate | undefined;
  /** How often it has been sent under its frame; owned by its lane. */
  attempts = 0;

  readonly #listeners = new Listeners();
  #accepted: Promise<Position> | undefined;
  #observed: Promise<void> | undefined;

  constructor(topic: string, wish: Wish, made: Position, needs?: PendingMutation) {
    this.topic = topic;
    this.wish = wish;
    this.made = made;
    this.needs = needs;
  }

  get decided(): boolean {
    return this.stage !== "queued" && this.stage !== "sent";
  }

  get accepted(): Promise<Position> {
    return (this.#accepted ??= this.#reaching(() => this.position));
  }

  get observed(): Promise<void> {
    return (this.#observed ??= this.#reaching(() => this.stage === "observed" || undefined).then(() => undefined));
  }

  subscribe(listener: () => void): Unsubscribe {
    return this.#listeners.add(listener);
  }

  getSnapshot(): Stage {
    return this.stage;
  }

  touches(id: string): boolean {
    return this.wish.changes.some((change) => change.id === id);
  }

  /** Moves to a stage. The owner keeps to the drawing above. */
  move(stage: Stage, outcome?: Position | LockstepError): void {
    if (this.stage === stage) return;
    this.stage = stage;
    if (outcome instanceof Error) this.error = outcome;
    else if (outcome) this.position = outcome;
    this.#listeners.tell();
  }

  // A promise that nobody looks at must not become an unhandled rejection, so one is made only on access, and watched.
  #reaching<V>(reached: () => V | undefined): Promise<V> {
    const promise = new Promise<V>((resolve, reject) => {
      const look = (): void => {
        const value = reached();
        if (value !== undefined) resolve(value);
        else if (this.error) reject(this.error);
        else return;
        stop();
      };
      const stop = this.#listeners.add(look);
      look();
    });
    promise.catch(() => undefined);
    return promise;
  }
}

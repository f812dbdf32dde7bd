// A layer is one mutation as its user sees it before what is shown holds it. Replaying gives what it writes over the
// rows below; as long as what it has read stays the same, so does every value that it has written, identity included.

import { mergePatch } from "./patch.ts";
import type { PendingMutation } from "./mutation.ts";
import type { Position, WireEvent } from "./wire.ts";

/** What a mutator's local twin may do: the same as on the server, to the rows as its user sees them. */
export interface Draft {
  get(id: string): unknown;
  put(id: string, value: unknown): void;
  /** Throws where there is no such row; the mutation is then not shown until the server has decided. */
  patch(id: string, patch: unknown): void;
  delete(id: string): void;
}

/** A mutator's local twin. It must be pure: it runs again whenever rows below it change. */
export type Twin = (draft: Draft, args: never) => void;

/** How to show what is not built in. */
export interface Extras {
  readonly twins?: Readonly<Record<string, Twin>> | undefined;
  /** JSON Patch, from the entry lockstep-client/json-patch. */
  readonly jsonPatch?: ((value: unknown, patch: unknown) => unknown) | undefined;
  /** From the entry lockstep-client/deltas: asks for patches without the row that they make. */
  readonly deltas?: Deltas | undefined;
}

/** Completes events that came as patches; false where the rows they were made for are not held. */
export type Deltas = (events: readonly WireEvent[], held: (id: string) => unknown) => boolean;

type Below = (id: string) => unknown;

class Recorder implements Draft {
  readonly reads = new Map<string, unknown>();
  readonly writes = new Map<string, unknown>();
  readonly #below: Below;

  constructor(below: Below) {
    this.#below = below;
  }

  get(id: string): unknown {
    if (this.writes.has(id)) return this.writes.get(id);
    const value = this.#below(id);
    this.reads.set(id, value);
    return value;
  }

  put(id: string, value: unknown): void {
    this.writes.set(id, value);
  }

  patch(id: string, patch: unknown): void {
    this.apply(id, (value) => mergePatch(value, patch));
  }

  delete(id: string): void {
    this.writes.set(id, undefined);
  }

  apply(id: string, change: (value: unknown) => unknown): void {
    const value = this.get(id);
    if (value === undefined) throw new Error("not_found");
    this.put(id, change(value));
  }
}

/** The position of an ack, and the epochs that the replica showed and followed when it came. */
export interface Acked {
  readonly at: Position;
  readonly during: readonly string[];
}

export class Layer {
  readonly mutation: PendingMutation;
  /** An event of its own has been taken in, and shows with the next state. */
  seen = false;
  acked: Acked | undefined;
  #last: Recorder | undefined;
  #failed = false;

  constructor(mutation: PendingMutation) {
    this.mutation = mutation;
  }

  /** Every id that the last replay depended on or wrote. */
  *ids(): Iterable<string> {
    yield* this.#last?.reads.keys() ?? [];
    yield* this.#last?.writes.keys() ?? [];
  }

  /** Returns what the mutation writes over rows, undefined for what it deletes: all of it, or nothing where it fails. */
  replay(below: Below, extras: Extras): ReadonlyMap<string, unknown> {
    const same = this.#last && [...this.#last.reads].every(([id, value]) => below(id) === value);
    if (!this.#last || !same) {
      this.#last = new Recorder(below);
      try {
        run(this.mutation, this.#last, extras);
        this.#failed = false;
      } catch {
        this.#failed = true;
      }
    }
    return this.#failed ? new Map() : this.#last.writes;
  }
}

function run({ wish }: PendingMutation, draft: Recorder, { twins, jsonPatch }: Extras): void {
  if (wish.name !== undefined) {
    const twin = twins && Object.hasOwn(twins, wish.name) ? twins[wish.name] : undefined;
    twin?.(draft, wish.args as never);
    return;
  }
  for (const { op, id = "", payload } of wish.changes) {
    if (op === "put") draft.put(id, payload);
    else if (op === "delete") draft.delete(id);
    else if (op === "patch") draft.patch(id, payload);
    else if (op === "json_patch" && jsonPatch) draft.apply(id, (value) => jsonPatch(value, payload));
  }
}

// An overlay shows a replica with the mutations that it does not hold yet replayed on top: what a user who made them
// expects to see.
//
// The layer of a mutation goes in the very batch that brings what is shown to the version of its ack or past it, or that
// holds an event of its own; or with its rejection. So nothing flickers, whichever of ack and event comes first.

import { type Acked, type Extras, Layer } from "./layer.ts";
import type { PendingMutation } from "./mutation.ts";
import type { Effect, Replica } from "./replica.ts";
import { type Row, Rows } from "./rows.ts";
import type { Mark, Position, WireEvent } from "./wire.ts";

export class Overlay {
  /** What is shown. Its identity changes exactly when a row does. */
  rows: Rows = Rows.of([]);
  readonly #replica: Replica;
  readonly #extras: Extras;
  #layers: Layer[] = [];
  #written: ReadonlyMap<string, Row | undefined> = new Map(); // by layers, over the replica's rows
  #stale = false; // the layers are others than those that made #written

  constructor(replica: Replica, extras: Extras) {
    this.#replica = replica;
    this.#extras = extras;
  }

  /** Mutations that are shown on top, in order. */
  get layers(): readonly PendingMutation[] {
    return this.#layers.map((layer) => layer.mutation);
  }

  /** The newest mutation on top that changes the row. */
  latest(id: string): PendingMutation | undefined {
    return this.#layers.findLast((layer) => layer.mutation.touches(id))?.mutation;
  }

  add(mutation: PendingMutation, at: number = this.#layers.length): void {
    this.#layers.splice(at, 0, new Layer(mutation));
    this.#stale = true;
  }

  /** Takes in what a frame did to the replica. */
  applied(effect: Effect, events: readonly WireEvent[]): void {
    if (effect !== "staged" && effect !== "shown") return;
    if (this.#layers.length > 0) this.#see(events);
    // A state of several moments may lack what is before its version.
    if (effect === "shown" && !this.#replica.mixed)
      this.#keep((layer) => !layer.seen && (!layer.acked || this.#waits(layer.acked)));
  }

  /** Takes a mark. At what is shown nothing follows that what is decided could wait for. */
  marked(mark: Mark): void {
    if (this.#replica.running || mark.version !== this.#replica.shown.version) return;
    this.#keep(
      ({ seen, acked }) => !seen && (!acked || (acked.at.epoch === mark.epoch && acked.at.version > mark.version)),
    );
  }

  /** Takes the decision of a mutation; its layer stays until what is shown holds it, where anything follows the topic.
   * So do those of earlier ones of its lane whose answers were lost: a lane is decided in order. */
  accepted(mutation: PendingMutation, at: Position, following: boolean): void {
    const { shown, position } = this.#replica;
    const acked = { at, during: [shown.epoch, position.epoch] };
    for (const layer of this.#layers)
      if (layer.mutation === mutation || sentBefore(layer.mutation, mutation)) layer.acked ??= acked;
    if (!following || !this.#waits(acked)) this.#keep((layer) => layer.acked !== acked);
    if (!this.layers.includes(mutation)) mutation.move("observed");
  }

  /** Takes the rejection of a mutation: its layer goes, and with it those that build on it. */
  rejected(mutation: PendingMutation): void {
    const gone = new Set([mutation]);
    for (const { mutation: other } of this.#layers) if (other.needs && gone.has(other.needs)) gone.add(other);
    this.#keep((layer) => !gone.has(layer.mutation));
  }

  /** Says that nothing follows the topic any more: nothing will replace what is accepted. */
  unfollowed(): void {
    this.#keep((layer) => !layer.acked);
  }

  /** Brings rows up to date and reports whether any changed. It costs what has changed, not what there is. */
  refresh(): boolean {
    const { changed, all, rows: base } = this.#replica;
    const replay = this.#stale || all || this.#disturbed(changed);
    const before = this.rows;
    const written = replay ? this.#replay() : this.#written;
    const ids = new Set(changed);
    if (replay) for (const id of [...this.#written.keys(), ...written.keys()]) ids.add(id);
    this.#written = written;
    if (all) this.rows = Rows.of(base);
    const edits: [string, Row | undefined][] = [];
    for (const id of all ? written.keys() : ids) {
      const row = written.has(id) ? written.get(id) : base.get(id);
      if (row !== this.rows.get(id)) edits.push([id, row]);
    }
    if (edits.length > 0) this.rows = this.rows.with(edits);
    changed.clear();
    this.#replica.all = this.#stale = false;
    return this.rows !== before;
  }

  // A lane is decided in order, so the event of one mutation holds whatever became of those before it: where runs leave
  // superseded events out, they have none of their own.
  #see(events: readonly WireEvent[]): void {
    for (const { client, seq = 0 } of events) {
      if (seq === 0) continue;
      for (const layer of this.#layers) {
        const { frame } = layer.mutation;
        if (frame && frame.client === client && frame.seq <= seq) layer.seen = true;
      }
    }
  }

  // Epochs do not compare, but they follow each other: when the ack's epoch is not shown, it is yet to come only while
  // what is shown is of one that was shown or loaded at the ack. A topic at version 0 is empty in any epoch.
  #waits({ at, during }: Acked): boolean {
    const { shown, mixed } = this.#replica;
    const same = shown.epoch === at.epoch || (shown.version === 0 && at.version === 0);
    return same ? shown.version < at.version || mixed : during.includes(shown.epoch);
  }

  #keep(wanted: (layer: Layer) => boolean): void {
    const kept = this.#layers.filter(wanted);
    if (kept.length === this.#layers.length) return;
    const gone = this.#layers.filter((layer) => !kept.includes(layer));
    this.#layers = kept;
    this.#stale = true;
    for (const { mutation } of gone) if (mutation.stage === "accepted") mutation.move("observed");
  }

  #disturbed(changed: ReadonlySet<string>): boolean {
    if (changed.size === 0 || this.#layers.length === 0) return false;
    return this.#layers.some((layer) => [...layer.ids()].some((id) => changed.has(id)));
  }

  #replay(): Map<string, Row | undefined> {
    const written = new Map<string, Row | undefined>();
    const below = (id: string): unknown => (written.has(id) ? written.get(id) : this.#replica.rows.get(id))?.payload;
    for (const layer of this.#layers) {
      for (const [id, payload] of layer.replay(below, this.#extras)) {
        const row = this.#replica.rows.get(id);
        const old = this.#written.get(id);
        const version = row?.version ?? 0;
        const same = old && old.payload === payload && old.version === version;
        written.set(id, payload === undefined ? undefined : same ? old : { payload, version, pending: true });
      }
    }
    return written;
  }
}

function sentBefore({ frame: a }: PendingMutation, { frame: b }: PendingMutation): boolean {
  return !!a && !!b && a.client === b.client && a.seq < b.seq;
}

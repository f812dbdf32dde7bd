// One topic of the server in memory: an ordered log, its last list, and lanes that decide each mutation once. It keeps
// the rules of the real one as plainly as can be.

import { mergePatch } from "../patch.ts";
import type { Draft } from "../layer.ts";
import type { Ack, Mutate, Reject, WireChange, WireEvent } from "../wire.ts";

/** A named mutator, as the real server has them in Go. Throwing an Error refuses the mutation as `rejected`. */
export type TestMutator = (draft: Draft, args: unknown) => void;

export type Answer = Ack | Reject;

interface Lane {
  last: number;
  readonly outcomes: Map<number, { readonly bytes: string; readonly answer: Answer }>;
}

const outcomesKept = 64;

class Refusal extends Error {
  readonly code: string;
  readonly row: WireEvent | undefined;

  constructor(code: string, row?: WireEvent) {
    super(code);
    this.code = code;
    this.row = row;
  }
}

export interface Decision {
  readonly answer: Answer;
  readonly from: number;
  readonly events: readonly WireEvent[];
}

export class TestTopic {
  readonly name: string;
  epoch: string;
  readonly genesis: string;
  version = 0;
  /** `client/seq` of every mutation that was applied, to find doubles. */
  readonly applied: string[] = [];
  readonly #last = new Map<string, WireEvent>();
  readonly #lanes = new Map<string, Lane>();

  constructor(name: string, genesis: string, epoch: string) {
    this.name = name;
    this.genesis = genesis;
    this.epoch = genesis;
    this.#next = epoch;
  }

  readonly #next: string; // the epoch from the first commit on

  /** The rows, by entity_id. */
  get rows(): ReadonlyMap<string, unknown> {
    const rows = [...this.#last.values()].filter((event) => event.op !== "delete");
    return new Map(rows.map((event) => [event.data.entity_id, event.data.payload]));
  }

  /** The last event of each row after a version, in the order of versions. */
  after(version: number): WireEvent[] {
    const events = [...this.#last.values()].filter((event) => event.version > version);
    return events.toSorted((a, b) => a.version - b.version);
  }

  decide(user: string, m: Mutate, mutators: Readonly<Record<string, TestMutator>>, busy: boolean): Decision {
    const from = this.version;
    const answer = { client: m.client, seq: m.seq, topic: this.name, epoch: this.epoch };
    const refuse = (code: string, retry: Reject["retry"], more: Partial<Reject> = {}): Decision => {
      return { answer: { ...answer, type: "reject", code, message: code, retry, ...more }, from, events: [] };
    };
    if (m.epoch !== undefined && m.epoch !== this.epoch && m.epoch !== this.genesis)
      return refuse("epoch_changed", "never");
    const key = `${user}/${m.client}`;
    const lane: Lane = this.#lanes.get(key) ?? { last: 0, outcomes: new Map() };
    if (m.seq <= lane.last) return this.#again(lane, m, refuse);
    if (m.seq > lane.last + 1 && lane.last === 0) return refuse("expired", "never");
    if (m.seq > lane.last + 1) return refuse("gap", "later", { expected: lane.last + 1 });
    if (busy) return refuse("overloaded", "later", { retry_after_ms: 200 });
    const decision = this.#evaluate(user, m, lane, mutators, refuse);
    lane.last = m.seq;
    lane.outcomes.set(m.seq, { bytes: JSON.stringify(m), answer: decision.answer });
    lane.outcomes.delete(m.seq - outcomesKept);
    this.#lanes.set(key, lane);
    return decision;
  }

  /** What was decided of a lane from a number on. */
  decided(user: string, client: string, from: number): Answer[] {
    const { outcomes } = this.#lanes.get(`${user}/${client}`) ?? { outcomes: new Map() };
    const late = [...outcomes].filter(([seq]) => seq >= from);
    return late.map(([, { answer }]) => Object.assign({}, answer, { epoch: this.epoch }));
  }

  /** Forgets all lanes, as after a long time. */
  forgetLanes(): void {
    this.#lanes.clear();
  }

  #again(lane: Lane, m: Mutate, refuse: (code: string, retry: "never") => Decision): Decision {
    const kept = lane.outcomes.get(m.seq);
    if (!kept) return refuse("expired", "never");
    if (kept.bytes !== JSON.stringify(m)) return refuse("seq_reused", "never");
    const answer = { ...kept.answer, epoch: this.epoch };
    const again = answer.type === "ack" && answer.status === "applied" ? { ...answer, status: "duplicate" } : answer;
    return { answer: again, from: this.version, events: [] };
  }

  #evaluate(
    user: string,
    m: Mutate,
    lane: Lane,
    mutators: Readonly<Record<string, TestMutator>>,
    refuse: (code: string, retry: "never", more?: Partial<Reject>) => Decision,
  ): Decision {
    const from = this.version;
    const answer = { client: m.client, seq: m.seq, topic: this.name };
    try {
      if (m.needs && lane.outcomes.get(m.needs)?.answer.type === "reject") throw new Refusal("needs_rejected");
      if (m.if_topic_version !== undefined && m.if_topic_version !== this.version) throw new Refusal("conflict");
      const changes = m.name === undefined ? (m.changes ?? []) : this.#run(m, mutators);
      const events = this.#changed(user, m, lane, changes);
      for (const event of events) if (event.op !== "none") this.#last.set(event.data.entity_id, event);
      this.version += events.length;
      if (events.length > 0) {
        this.epoch = this.#next;
        this.applied.push(`${m.client}/${m.seq}`);
      }
      const status = events.length > 0 ? "applied" : "unchanged";
      return { answer: { ...answer, type: "ack", epoch: this.epoch, version: this.version, status }, from, events };
    } catch (error) {
      if (!(error instanceof Refusal)) return refuse("rejected", "never", { message: String(error) });
      const { code, row } = error;
      return refuse(code, "never", row && { current: row.data, current_version: row.version });
    }
  }

  #run(m: Mutate, mutators: Readonly<Record<string, TestMutator>>): WireChange[] {
    const mutator = mutators[m.name ?? ""];
    if (!mutator) throw new Refusal("not_found");
    const changes: WireChange[] = [];
    const values = new Map<string, unknown>();
    const get = (id: string): unknown => (values.has(id) ? values.get(id) : this.rows.get(id));
    const put = (entity_id: string, payload: unknown): void => {
      values.set(entity_id, payload);
      changes.push({ op: "put", entity_id, payload });
    };
    const patch = (id: string, change: unknown): void => {
      if (get(id) === undefined) throw new Refusal("not_found");
      put(id, mergePatch(get(id), change));
    };
    const remove = (entity_id: string): void => {
      values.set(entity_id, undefined);
      changes.push({ op: "delete", entity_id });
    };
    mutator({ get, put, patch, delete: remove }, m.args);
    return changes;
  }

  #changed(user: string, m: Mutate, lane: Lane, changes: readonly WireChange[]): WireEvent[] {
    const events: WireEvent[] = [];
    const rows = new Map(this.#last);
    for (const change of changes) {
      const { op = "put", entity_id = "", if_version } = change;
      const last = rows.get(entity_id);
      const row = last?.op === "delete" ? undefined : last;
      this.#expect(if_version, row, last, lane);
      if (op === "delete" && !row) continue;
      if (op === "patch" && !row) throw new Refusal("not_found");
      const before = row?.data.payload;
      const payload = op === "patch" ? mergePatch(before, change.payload) : op === "delete" ? null : change.payload;
      if (op !== "none" && op !== "delete" && row && JSON.stringify(payload) === JSON.stringify(before)) continue;
      const event: WireEvent = {
        version: this.version + events.length + 1,
        event: change.event ?? (op === "delete" ? "DELETED" : row ? "UPDATED" : "ADDED"),
        data: { entity_id, payload, user_id: user, timestamp: "2026-11-21T10:00:00.000Z" },
        ...(op !== "put" && { op }),
        client: m.client,
        seq: m.seq,
      };
      events.push(event);
      if (op !== "none") rows.set(entity_id, event);
    }
    return events;
  }

  #expect(wanted: WireChange["if_version"], row: WireEvent | undefined, last: WireEvent | undefined, lane: Lane): void {
    if (wanted === undefined) return;
    if (typeof wanted === "number") {
      if (wanted !== (row?.version ?? 0)) throw new Refusal("conflict", row);
      return;
    }
    const outcome = lane.outcomes.get(wanted.seq)?.answer;
    if (!outcome) throw new Refusal("invalid");
    if (outcome.type === "reject" || (last?.version ?? 0) > outcome.version) throw new Refusal("conflict", row);
  }
}

// An outbox holds one topic's mutations from the wish to the sight: until each is refused, or what is shown contains it.
// Its lane (client, topic) numbers them from 1 without holes; the server decides and answers them in that order, and a
// resend under the same number finds the first outcome. So nothing is lost and nothing happens twice, however often the
// line drops (P3).
//
// A mutation's stage is one of
//   "queued"    not sent on this line; it gets its number when it is first sent
//   "sent"      sent on this line, unanswered
//   "accepted"  decided; its layer stays until what is shown has reached `accepted`, and then it leaves the outbox
//   "rejected"  refused for good, and out of the outbox
//
// The lane's state is one of
//   { phase: "closed" }               no line, or the topic is not subscribed
//   { phase: "open" }                 mutations are sent as they come
//   { phase: "rewinding", wait }      one was not decided: the answers to those behind it are awaited, none is sent
//   { phase: "waiting" }              the server asked for time; then the lane opens

import { mergePatch } from "./patch.js";

const patience = 1_000; // ms to wait where the server says later and not when

export class Outbox {
  #topic;
  #send;
  #newClient;
  #onRejected;
  #clock;
  #lane = { phase: "closed" };
  #client;
  #lastSeq = 0;
  #pending = []; // in the order of seq
  #unanswered = []; // seqs sent on this line, in order; one answer is due for each
  #limit = 64; // of #unanswered
  #timer = 0;

  /**
   * @param {object} options
   * @param {string} options.topic
   * @param {(frame: object) => void} options.send
   * @param {() => string} options.newClient makes a client id never used before
   * @param {(rejection: {mutation: object, code: string, message: string, current?: object}) => void} options.onRejected
   * @param {{setTimeout: Function, clearTimeout: Function}} options.clock
   */
  constructor({ topic, send, newClient, onRejected, clock }) {
    this.#topic = topic;
    this.#send = send;
    this.#newClient = newClient;
    this.#onRejected = onRejected;
    this.#clock = clock;
    this.#client = newClient();
  }

  get client() {
    return this.#client;
  }

  /** How many mutations are neither observed nor rejected. */
  get size() {
    return this.#pending.length;
  }

  /** The first seq given out that has no answer; undefined when all are answered. */
  get oldestUnanswered() {
    return this.#undecided()[0]?.seq;
  }

  /**
   * Adds a mutation, to be sent as soon as the lane allows.
   * A change with `guard` asks that its row be as it was seen: `true` means as shown, or as a pending mutation of ours
   * left it, and a number means at that version.
   * @param {object[]} changes as on the wire
   * @param {{epoch: string, rows: Map}} shown what the wish was made on
   */
  add(changes, shown) {
    const guarded = changes.map(({ guard, ...change }) => ({
      change,
      seen: guard === true ? this.#seen(change.entity_id, shown) : (guard ?? null),
    }));
    const mutation = { epoch: shown.epoch, guarded, stage: "queued", attempts: 0 };
    this.#pending.push(mutation);
    this.#pump();
    return mutation;
  }

  /** The rows as hoped for: those shown, with every pending mutation's layer on top. Touched rows say `pending`. */
  overlay(shown) {
    if (this.#pending.length === 0) return shown.rows;
    const rows = new Map(shown.rows);
    for (const { change } of this.#pending.flatMap((mutation) => mutation.guarded)) lay(rows, change);
    return rows;
  }

  /** Says that the topic is subscribed on a new line: everything undecided is sent again, in order. */
  open(limit = this.#limit) {
    this.#limit = limit;
    this.#reopen();
  }

  /** Says that the line is gone, or the subscription is being asked for again. */
  close() {
    this.#clock.clearTimeout(this.#timer);
    this.#lane = { phase: "closed" };
    this.#unanswered = [];
  }

  /** Takes an ack or a reject. */
  answer(frame) {
    if (frame.client !== this.#client) return; // of a lane given up
    this.#unanswered = this.#unanswered.filter((seq) => seq !== frame.seq);
    const mutation = this.#pending.find(({ seq, stage }) => seq === frame.seq && stage !== "accepted");
    if (mutation) this.#decide(mutation, frame);
    if (this.#lane.phase === "rewinding" && this.#unanswered.length === 0) this.#rewound();
    this.#pump();
  }

  /** Takes the (client, seq) of an event: the mutation behind it is decided, whether or not its ack has come. */
  recognize({ client, seq, version }, epoch) {
    const mutation = client === this.#client && this.#pending.find((pending) => pending.seq === seq);
    if (mutation) accept(mutation, epoch, Math.max(version, mutation.accepted?.version ?? 0));
  }

  /** Drops the layers that what is shown contains. Called in the very batch that shows it, so nothing flickers. */
  observe(shown) {
    this.#pending = this.#pending.filter(({ stage, accepted }) => stage !== "accepted" || !contains(shown, accepted));
  }

  #decide(mutation, frame) {
    if (frame.type === "ack") accept(mutation, frame.epoch, frame.version);
    else if (frame.code === "expired" && this.oldestUnanswered > 1) this.#renew(frame);
    else if (frame.code === "expired" && frame.seq > 1) this.#rewind(0); // the lane waits for its first mutation
    else if (frame.code === "gap") this.#rewind(0, frame.expected);
    else if (frame.retry === "never") this.#reject(mutation, frame);
    else this.#rewind(frame.retry_after_ms ?? patience);
  }

  #reject(mutation, { code, message, current, current_version }) {
    this.#pending = this.#pending.filter((other) => other !== mutation);
    mutation.stage = "rejected";
    this.#onRejected({ mutation, code, message, current: current && { ...current, version: current_version } });
  }

  // The lane is gone. What went out once, on this line, was refused for that and has not happened: it gets a new number.
  // What had gone out before may have happened, and only the person who wished it can tell.
  #renew(frame) {
    const doubtful = this.#undecided().filter(({ attempts }) => attempts > 1);
    this.#pending = this.#pending.filter((mutation) => !doubtful.includes(mutation));
    this.#renumber();
    for (const mutation of doubtful) this.#reject(mutation, frame);
  }

  // Begins a new lane. The layers of decided mutations stay, but no answer can be meant for them any more.
  #renumber() {
    this.#client = this.#newClient();
    this.#unanswered = [];
    this.#lastSeq = 0;
    for (const mutation of this.#pending) Object.assign(mutation, { seq: undefined, frame: undefined, attempts: 0 });
    this.#reopen();
  }

  #undecided() {
    return this.#pending.filter(({ stage }) => stage !== "accepted");
  }

  #rewind(wait, expected = Infinity) {
    if (expected < (this.oldestUnanswered ?? 0)) {
      // The lane wants a number that we no longer have. It has decided none of ours, so they may have others.
      this.#renumber();
      return;
    }
    this.#lane = { phase: "rewinding", wait: Math.max(wait, this.#lane.wait ?? 0) };
  }

  #rewound() {
    const { wait } = this.#lane;
    if (wait === 0) {
      this.#reopen();
      return;
    }
    this.#lane = { phase: "waiting" };
    this.#timer = this.#clock.setTimeout(() => this.#reopen(), wait);
  }

  #reopen() {
    this.#clock.clearTimeout(this.#timer);
    for (const mutation of this.#undecided()) mutation.stage = "queued";
    this.#lane = { phase: "open" };
    this.#pump();
  }

  #pump() {
    for (const mutation of this.#undecided()) {
      if (this.#lane.phase !== "open" || this.#unanswered.length >= this.#limit) return;
      if (mutation.stage === "queued") this.#sendOne(mutation);
    }
  }

  #sendOne(mutation) {
    if (!mutation.frame && mutation.guarded.some(({ seen }) => seen?.stage === "rejected")) {
      this.#reject(mutation, { code: "needs_rejected", message: "the edit that it builds on was refused" });
      return;
    }
    // The bytes stay the same in every resend: another content under the same number would be refused.
    mutation.frame ??= this.#frame(mutation);
    mutation.stage = "sent";
    mutation.attempts++;
    this.#unanswered.push(mutation.seq);
    this.#send(mutation.frame);
  }

  #frame(mutation) {
    const changes = mutation.guarded.map(({ change, seen }) =>
      seen === null ? change : { ...change, if_version: ifVersion(seen) },
    );
    const ids = new Set(changes.map(({ entity_id }) => entity_id));
    const needs = this.#undecided().findLast((other) => other.seq && touches(other, ids));
    mutation.seq = ++this.#lastSeq;
    const frame = { type: "mutate", client: this.#client, seq: mutation.seq, topic: this.#topic, changes };
    if (mutation.epoch !== "") frame.epoch = mutation.epoch;
    if (needs) frame.needs = needs.seq;
    return frame;
  }

  #seen(id, shown) {
    const latest = this.#pending.findLast((mutation) => touches(mutation, new Set([id])));
    return latest ?? shown.rows.get(id)?.version ?? 0;
  }
}

function accept(mutation, epoch, version) {
  mutation.stage = "accepted";
  mutation.accepted = { epoch, version };
}

function touches({ guarded }, ids) {
  return guarded.some(({ change }) => ids.has(change.entity_id));
}

// What a guard says on the wire: a version, or "as my mutation left it".
function ifVersion(seen) {
  if (typeof seen === "number") return seen;
  return seen.stage === "accepted" ? seen.accepted.version : { seq: seen.seq };
}

// Another epoch than the accepted one means that the log began anew; an empty topic's epoch means nothing yet.
function contains(shown, accepted) {
  return shown.epoch === accepted.epoch ? shown.version >= accepted.version : shown.version > 0;
}

function lay(rows, { op = "put", entity_id, payload }) {
  const row = rows.get(entity_id);
  if (op === "delete") rows.delete(entity_id);
  else if (op === "put") rows.set(entity_id, { entity_id, version: row?.version ?? 0, payload, pending: true });
  else if (op === "patch" && row)
    rows.set(entity_id, { ...row, payload: mergePatch(row.payload, payload), pending: true });
}

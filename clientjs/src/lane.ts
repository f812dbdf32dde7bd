// A lane holds one topic's mutations from the wish to the decision. It numbers them from 1 without holes when they are
// first sent; the server decides and answers them in that order, and a resend under the same number finds the first
// outcome. So nothing is lost and nothing happens twice, however often the line drops (P3).
//
//              | open    | close  | answer: decided     | answer: gap, later     | last answer due | time
//   closed     | open    | closed | taken               | closed                 | closed          | closed
//   open       | open    | closed | taken, sends more   | rewinding              | open            | open
//   rewinding  | open    | closed | taken               | rewinding, longer wait | open or waiting | rewinding
//   waiting    | open    | closed | taken               | waiting                | waiting         | open
//
// Rewinding sends nothing: the answers to what followed the refused one are all gaps, and are let pass first.

import { LockstepError } from "./errors.ts";
import type { PendingMutation } from "./mutation.ts";
import type { Ack, Mutate, Position, Reject, WireChange, WireEvent } from "./wire.ts";

/** How many mutations may be without an answer; the server's welcome may say another number. */
export const inFlight = 64;

const patienceMs = 1_000; // where the server says later and not when

export type LaneState =
  | { readonly phase: "closed" }
  | { readonly phase: "open" }
  | { readonly phase: "rewinding"; readonly wait: number }
  | { readonly phase: "waiting"; readonly until: number };

/** Whether a frame was sent: `never` where no message can hold it. */
export type Fit = "now" | "later" | "never";

/** Whom a lane tells what became of its mutations. */
export interface LaneOwner {
  newClient(): string;
  accepted(mutation: PendingMutation, at: Position): void;
  rejected(mutation: PendingMutation, error: LockstepError): void;
  /** The server wants a new token. */
  unauthorized(): void;
}

export class Lane {
  state: LaneState = { phase: "closed" };
  /** Undecided mutations, in order. */
  readonly pending: PendingMutation[] = [];
  client: string;
  /** Numbers sent on this line; one answer is due for each. */
  readonly unanswered: Set<number> = new Set();
  /** The last number given out. */
  last = 0;

  readonly #topic: string;
  readonly #owner: LaneOwner;
  #known: string | undefined; // the epoch in which the server has decided something of it on this line

  constructor(topic: string, owner: LaneOwner) {
    this.#topic = topic;
    this.#owner = owner;
    this.client = owner.newClient();
  }

  /** The first number given out that has no answer. */
  get oldest(): number | undefined {
    return this.pending[0]?.frame?.seq;
  }

  /** When a wait ends. */
  get due(): number | undefined {
    return this.state.phase === "waiting" ? this.state.until : undefined;
  }

  add(mutation: PendingMutation, at: number = this.pending.length): void {
    this.pending.splice(at, 0, mutation);
  }

  /** Says that the topic is asked for on a live line: everything undecided is sent again, in order. */
  open(): void {
    this.close();
    this.#reopen();
  }

  /** Says that the line is gone. */
  close(): void {
    this.unanswered.clear();
    this.#known = undefined;
    this.state = { phase: "closed" };
    for (const mutation of this.pending) mutation.move("queued");
  }

  /** Hands send what may be sent now, counts it as sent, and returns how many frames that were. */
  take(now: number, window: number, send: (frame: Mutate) => Fit): number {
    if (this.state.phase === "waiting" && now >= this.state.until) this.#reopen();
    let sent = 0;
    for (const mutation of this.pending.slice()) {
      if (this.state.phase !== "open" || this.unanswered.size >= window) break;
      if (mutation.stage !== "queued" || this.#refuseEarly(mutation)) continue;
      const frame = mutation.frame ?? this.#frame(mutation);
      const fit = send(frame);
      if (fit === "later") break;
      if (fit === "never") {
        this.#reject(mutation, new LockstepError({ code: "too_large" }));
        continue;
      }
      mutation.frame = frame;
      this.last = Math.max(this.last, frame.seq);
      mutation.attempts++;
      this.unanswered.add(frame.seq);
      mutation.move("sent");
      sent++;
    }
    return sent;
  }

  /** Takes an ack or a reject. */
  answer(frame: Ack | Reject, now: number): void {
    if (frame.client !== this.client) return; // of a lane given up
    this.unanswered.delete(frame.seq);
    const mutation = this.#sent(frame.seq);
    if (mutation) this.#decide(mutation, frame);
    if (this.state.phase !== "rewinding" || this.unanswered.size > 0) return;
    if (this.state.wait > 0) this.state = { phase: "waiting", until: now + this.state.wait };
    else this.#reopen();
  }

  /** Takes an event: a mutation of mine behind it is decided, whether or not its answer has come. */
  recognize(event: WireEvent, epoch: string): void {
    if (event.client !== this.client) return;
    const mutation = this.#sent(event.seq);
    if (mutation) this.#accept(mutation, { epoch, version: event.version });
  }

  /** Refuses everything undecided that wanted holds for. */
  refuse(error: LockstepError, wanted: (mutation: PendingMutation) => boolean = () => true): void {
    for (const mutation of this.pending.filter(wanted)) this.#reject(mutation, error);
  }

  /** Begins a new lane: no answer to the old one is meant for what is pending any more. */
  renew(): void {
    this.client = this.#owner.newClient();
    this.last = 0;
    this.unanswered.clear();
    for (const mutation of this.pending) {
      mutation.frame = undefined;
      mutation.attempts = 0;
    }
    if (this.state.phase !== "closed") this.#reopen();
  }

  #sent(seq: number | undefined): PendingMutation | undefined {
    return this.pending.find(({ frame }) => frame?.seq === seq);
  }

  #decide(mutation: PendingMutation, frame: Ack | Reject): void {
    if (frame.type === "ack") return this.#accept(mutation, { epoch: frame.epoch, version: frame.version });
    if (frame.code === "expired") return this.#expired(frame);
    if (frame.code === "gap") return this.#gap(frame);
    if (frame.retry === "never") this.#reject(mutation, refusal(frame));
    if (frame.code === "seq_reused") return this.#over({ ...frame, code: "expired" }, 0);
    if (frame.retry === "never") return;
    if (frame.retry === "auth") this.#owner.unauthorized();
    this.#rewind(frame.retry_after_ms ?? patienceMs);
  }

  #accept(mutation: PendingMutation, at: Position): void {
    this.#known = at.epoch;
    this.#remove(mutation);
    mutation.move("accepted", at);
    this.#owner.accepted(mutation, at);
  }

  #reject(mutation: PendingMutation, error: LockstepError): void {
    if (!this.#remove(mutation)) return;
    mutation.move("rejected", error);
    this.#owner.rejected(mutation, error);
  }

  #remove(mutation: PendingMutation): boolean {
    const at = this.pending.indexOf(mutation);
    if (at >= 0) this.pending.splice(at, 1);
    return at >= 0;
  }

  // The server knows nothing of this lane. Where the first number is still to be decided, the lane only has to begin
  // with it. What went out once, on this line, was refused for that and has not happened: it gets a new number. What had
  // gone out before may have happened, and only the application can tell; and so may everything that went out on a line
  // on which the server has known the lane in this epoch, for then this answer is old, or the server has forgotten in between.
  #expired(frame: Reject): void {
    if (this.oldest === 1 && frame.seq > 1) return this.#rewind(0);
    this.#over(frame, this.#known === frame.epoch ? 0 : 1);
  }

  // Goes on where the server is. That it expects a number which has its answer here means that it has lost the lane.
  #gap(frame: Reject): void {
    if (frame.seq === this.oldest && (frame.expected ?? 1) < frame.seq) this.#over({ ...frame, code: "expired" }, 0);
    else this.#rewind(0);
  }

  // The lane is over. What has been sent more often than that may have happened; the rest goes on under new numbers.
  #over(frame: Reject, sent: number): void {
    this.refuse(refusal(frame, true), ({ attempts }) => attempts > sent);
    this.renew();
  }

  #rewind(wait: number): void {
    if (this.state.phase === "open") this.state = { phase: "rewinding", wait };
    else if (this.state.phase === "rewinding")
      this.state = { phase: "rewinding", wait: Math.max(wait, this.state.wait) };
  }

  #reopen(): void {
    this.state = { phase: "open" };
    for (const mutation of this.pending) mutation.move("queued");
  }

  // What builds on a refused mutation of mine is refused here, unless the server has to be asked because it was sent.
  #refuseEarly(mutation: PendingMutation): boolean {
    const lost = mutation.needs?.stage === "rejected" && !mutation.frame;
    if (lost) this.#reject(mutation, new LockstepError({ code: "needs_rejected" }));
    return lost;
  }

  #frame({ wish, made, needs }: PendingMutation): Mutate {
    return {
      type: "mutate",
      client: this.client,
      seq: this.last + 1,
      topic: this.#topic,
      epoch: made.epoch || undefined,
      changes: wish.name === undefined ? wish.changes.map((change) => this.#change(change)) : undefined,
      name: wish.name,
      args: wish.args,
      if_topic_version: wish.ifTopicVersion,
      needs: needs && !needs.decided ? needs.frame?.seq : undefined,
    };
  }

  #change({ op, id, payload, event, guard }: PendingMutation["wish"]["changes"][number]): WireChange {
    const if_version = typeof guard === "object" ? this.#after(guard.after) : guard;
    return { op, entity_id: id, payload, event, if_version };
  }

  #after({ frame, position }: PendingMutation): number | { seq: number } {
    return frame?.client === this.client ? { seq: frame.seq } : (position?.version ?? 0);
  }
}

function refusal(frame: Reject, unknown = false): LockstepError {
  const { current, current_version: version } = frame;
  return new LockstepError(
    frame,
    current && version !== undefined ? { id: current.entity_id, value: current.payload, version } : undefined,
    unknown,
  );
}

// A room is all that a client has of one topic: the subscription with its replica, the lane, the overlay of what is
// pending, presence, and who listens. It decides what is to be said of its topic; the client says it.

import { LockstepError } from "./errors.ts";
import { Lane, type LaneOwner } from "./lane.ts";
import type { Extras } from "./layer.ts";
import { Listeners } from "./listeners.ts";
import { type Guard, PendingMutation, type Wish } from "./mutation.ts";
import { Overlay } from "./overlay.ts";
import { Subscription } from "./subscription.ts";
import { RowsView, type View, type ViewStatus } from "./view.ts";
import type { Position, Problem, ReplicaFrame, ServerFrame, Want, WireEvent } from "./wire.ts";

/** What a room needs of its client. */
export interface House {
  readonly extras: Extras;
  /** Whether there is a live line. */
  readonly live: boolean;
  newClient(): string;
  rejected(mutation: PendingMutation, error: LockstepError): void;
  decided(mutation: PendingMutation): void;
  unauthorized(): void;
}

/** Who hears a topic's frames. */
export type Tap = (frame?: ServerFrame, fresh?: readonly WireEvent[]) => void;

export class Room implements LaneOwner {
  readonly topic: string;
  readonly subscription: Subscription = new Subscription();
  readonly lane: Lane;
  readonly overlay: Overlay;
  readonly viewers: Listeners = new Listeners();
  /** Told of the topic's frames, with the events that were new, and without one that the line is gone. */
  readonly taps: Listeners<Parameters<Tap>> = new Listeners();

  /** How many follow the topic. */
  refs = 0;
  /** How many of them want every event, and how many who is here. */
  readonly more: { every: number; presence: number } = { every: 0, presence: 0 };
  /** The topic is subscribed on the live line, or being subscribed. */
  asked = false;
  /** Something that is read before the topic can be asked for. */
  opening: Promise<void> | undefined;
  denied: LockstepError | undefined;
  /** What its viewers were last told of. */
  told: View | undefined;

  readonly #house: House;
  #errors: ReadonlyMap<string, LockstepError> = new Map();
  #view: RowsView<unknown> | undefined;
  #stale = true;

  constructor(topic: string, house: House) {
    this.topic = topic;
    this.#house = house;
    this.lane = new Lane(topic, this);
    this.subscription.replica.deltas = house.extras.deltas;
    this.overlay = new Overlay(this.subscription.replica, house.extras);
  }

  /** Nobody follows the topic and nothing of it is pending. */
  get idle(): boolean {
    return this.refs === 0 && this.lane.pending.length === 0;
  }

  /** What is shown; the same object until something of it is different. */
  get view(): View {
    if (!this.#stale && this.#view) return this.#view;
    this.#stale = false;
    this.overlay.refresh();
    const next = new RowsView(
      this.overlay.rows,
      this.#status(),
      this.subscription.replica.shown,
      this.#errors,
      this.denied,
    );
    if (!this.#view?.same(next)) this.#view = next;
    return this.#view;
  }

  /** Returns what to ask the server for, when it is due. */
  want(): Want | undefined {
    if (this.refs === 0 || this.opening) return undefined;
    const from = this.subscription.ask();
    if (!from) return undefined;
    this.asked = true;
    return {
      topic: this.topic,
      ...from,
      mode: this.more.every > 0 ? "every" : undefined,
      presence: this.more.presence > 0 || undefined,
      deltas: this.#house.extras.deltas && true,
      oldest_unanswered: this.lane.oldest,
    };
  }

  /** Says that the line is gone. */
  lost(): void {
    this.lane.close();
    this.#unasked();
  }

  /** Says that nobody follows the topic any more. */
  unfollow(): void {
    this.overlay.unfollowed();
    this.#unasked();
  }

  /** Takes a frame that may move the replica. */
  apply(frame: ReplicaFrame): void {
    const { replica } = this.subscription;
    const before = replica.position.version;
    const effect = this.subscription.apply(frame);
    if (frame.type === "subscribed") {
      this.denied = undefined;
      this.writable();
    }
    const news = frame.type === "events" && (effect === "shown" || effect === "staged") ? frame.events : [];
    const fresh = news.filter(({ version }) => version > before);
    // The last event of a mutation comes first, for its position is the mutation's.
    for (const event of fresh.toReversed()) if (event.seq) this.lane.recognize(event, replica.position.epoch);
    this.overlay.applied(effect, fresh);
    if (frame.type === "mark" && effect === "ignored" && this.subscription.state === "follow")
      this.overlay.marked(frame);
    if (effect === "ignored" && frame.type !== "subscribed") return;
    this.touch();
    this.taps.tell(frame, fresh);
  }

  /** Takes the server's word that it does not give the topic. Writes may be allowed all the same. */
  deny(problem: Partial<Problem> & { code: string }): void {
    this.denied = new LockstepError(problem);
    this.writable();
    this.touch();
  }

  /** Makes a mutation and shows it at once, as the last one or at a place among the undecided. */
  mutate(wish: Wish, made: Position = this.subscription.replica.shown, at?: number): PendingMutation {
    const ids = wish.changes.flatMap(({ id }) => id ?? []);
    const needs = this.lane.pending.slice(0, at).findLast((earlier) => ids.some((id) => earlier.touches(id)));
    const mutation = new PendingMutation(this.topic, wish, made, needs);
    this.lane.add(mutation, at);
    this.overlay.add(mutation, at);
    this.touch();
    if (ids.some((id) => this.#errors.has(id)))
      this.#errors = new Map([...this.#errors].filter(([id]) => !ids.includes(id)));
    return mutation;
  }

  /** What a change asks of its row so that nobody has touched it since it was seen. */
  seen(id: string): Guard {
    const after = this.overlay.latest(id);
    return after ? { after } : (this.subscription.replica.rows.get(id)?.version ?? 0);
  }

  /** Forgets everything, as for another user. */
  clear(error: LockstepError): void {
    this.subscription.replica.clear();
    this.lane.refuse(error);
    this.lane.renew();
    this.denied = undefined;
    this.#errors = new Map();
    this.touch();
  }

  /** Says that what is shown may be different. */
  touch(): void {
    this.#stale = true;
  }

  newClient(): string {
    return this.#house.newClient();
  }

  accepted(mutation: PendingMutation, at: Position): void {
    this.overlay.accepted(mutation, at, this.refs > 0 && !this.denied);
    this.#house.decided(mutation);
    this.touch();
  }

  rejected(mutation: PendingMutation, error: LockstepError): void {
    this.overlay.rejected(mutation);
    const errors = new Map(this.#errors);
    for (const { id } of mutation.wish.changes) if (id !== undefined) errors.set(id, error);
    this.#errors = errors;
    this.#house.decided(mutation);
    this.#house.rejected(mutation, error);
    this.touch();
  }

  unauthorized(): void {
    this.#house.unauthorized();
  }

  /** Says that mutations may be sent on the live line. */
  writable(): void {
    if (this.lane.state.phase === "closed" && !this.opening) this.lane.open();
  }

  #unasked(): void {
    this.subscription.lost();
    this.asked = false;
    this.touch();
    this.taps.tell();
  }

  #status(): ViewStatus {
    const { state, replica } = this.subscription;
    if (this.denied) return "denied";
    if (!replica.loaded) return "loading";
    if (!this.#house.live || this.refs === 0) return "stale";
    return state === "follow" && !replica.running ? "live" : "catching-up";
  }
}

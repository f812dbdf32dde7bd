// A room is all that a client has of one topic: the subscription with its replica, the lane, the overlay of what is
// pending, presence, and who listens. It decides what is to be said of its topic; the client says it.

import { LockstepError } from "./errors.ts";
import { toEvent, type TopicEvent } from "./feed.ts";
import { Lane, type LaneOwner } from "./lane.ts";
import type { Extras } from "./layer.ts";
import { Listeners } from "./listeners.ts";
import { type Guard, PendingMutation, type Wish } from "./mutation.ts";
import { Overlay } from "./overlay.ts";
import { Presence } from "./presence.ts";
import type { Effect } from "./replica.ts";
import type { StoredMutation, TopicWrite } from "./storage.ts";
import { Subscription } from "./subscription.ts";
import { RowsView, type View, type ViewStatus } from "./view.ts";
import type { Events, Position, Problem, ReplicaFrame, Want } from "./wire.ts";

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

export interface Signal<P = unknown> {
  readonly event: string;
  readonly payload: P;
  readonly user: string | undefined;
}

export class Room implements LaneOwner {
  readonly topic: string;
  readonly subscription: Subscription = new Subscription();
  readonly lane: Lane;
  readonly overlay: Overlay;
  readonly presence: Presence = new Presence();
  readonly viewers: Listeners = new Listeners();
  readonly feeds: Listeners<[event: TopicEvent]> = new Listeners();
  readonly signals: Listeners<[signal: Signal]> = new Listeners();

  /** How many follow the topic. */
  refs = 0;
  /** How many of them want every event. */
  every = 0;
  /** The topic is subscribed on the live line, or being subscribed. */
  asked = false;
  /** Something that is read before the topic can be asked for. */
  opening: Promise<void> | undefined;
  denied: LockstepError | undefined;
  /** What its viewers were last told of. */
  told: View | undefined;
  /** Why the server last said to start over. */
  resync: string | undefined;

  readonly #house: House;
  #errors: ReadonlyMap<string, LockstepError> = new Map();
  #view: RowsView<unknown> | undefined;
  #stale = true;

  constructor(topic: string, house: House) {
    this.topic = topic;
    this.#house = house;
    this.lane = new Lane(topic, this);
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
      mode: this.every > 0 ? "every" : undefined,
      presence: this.presence.listeners.size > 0 || undefined,
      oldest_unanswered: this.lane.oldest,
    };
  }

  /** Says that the line is gone. */
  lost(): void {
    this.subscription.lost();
    this.lane.close();
    this.presence.clear();
    this.asked = false;
    this.touch();
  }

  /** Says that nobody follows the topic any more. */
  unfollow(): void {
    this.subscription.lost();
    this.overlay.unfollowed();
    this.presence.clear();
    this.asked = false;
    this.touch();
  }

  /** Takes a frame that may move the replica. */
  apply(frame: ReplicaFrame): void {
    const { replica } = this.subscription;
    const before = replica.position.version;
    const effect = this.subscription.apply(frame);
    if (frame.type === "subscribed") this.#subscribed();
    if (frame.type === "events" && (effect === "shown" || effect === "staged")) this.#happened(frame, before, effect);
    else this.overlay.applied(effect, []);
    if (frame.type === "mark" && effect === "ignored" && this.subscription.state === "follow")
      this.overlay.marked(frame);
    if (frame.type === "resync" && effect === "reset") {
      this.resync = frame.reason;
      this.feeds.tell({ kind: "missed", topic: this.topic, reason: frame.reason, count: frame.count ?? 0 });
    }
    if (effect !== "ignored" || frame.type === "subscribed") this.touch();
  }

  /** Takes the server's word that it does not give the topic. Writes may be allowed all the same. */
  deny(problem: Partial<Problem> & { code: string }): void {
    this.denied = new LockstepError(problem);
    if (this.lane.state.phase === "closed") this.lane.open();
    this.touch();
  }

  /** Makes a mutation and shows it at once. */
  mutate(wish: Wish): PendingMutation {
    const ids = wish.changes.flatMap(({ id }) => id ?? []);
    const needs = this.lane.pending.findLast((earlier) => ids.some((id) => earlier.touches(id)));
    const mutation = new PendingMutation(this.topic, wish, this.subscription.replica.shown, needs);
    this.lane.add(mutation);
    this.overlay.add(mutation);
    this.touch();
    if (ids.some((id) => this.#errors.has(id)))
      this.#errors = new Map([...this.#errors].filter(([id]) => !ids.includes(id)));
    return mutation;
  }

  /** Takes a mutation in that an earlier client has kept. */
  restore({ wish, made, frame }: StoredMutation): PendingMutation {
    const mutation = new PendingMutation(this.topic, wish, made);
    this.lane.restore(mutation, frame);
    this.overlay.add(mutation);
    this.touch();
    return mutation;
  }

  /** What a change asks of its row so that nobody has touched it since it was seen. */
  seen(id: string): Guard {
    const after = this.overlay.latest(id);
    return after ? { after } : (this.subscription.replica.rows.get(id)?.version ?? 0);
  }

  /** What storage has yet to learn; asked for before the view is. */
  write(): TopicWrite | undefined {
    const { changed, all, rows, shown, loaded } = this.subscription.replica;
    if (!loaded || (!all && changed.size === 0)) return undefined;
    return {
      position: shown,
      reset: all,
      put: all ? [...rows.values()] : [...changed].flatMap((id) => rows.get(id) ?? []),
      delete: all ? [] : [...changed].filter((id) => !rows.has(id)),
    };
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

  #subscribed(): void {
    this.denied = undefined;
    if (this.lane.state.phase === "closed") this.lane.open();
  }

  // The last event of a mutation comes first, for its position is the mutation's.
  #happened(frame: Events, before: number, effect: Effect): void {
    const fresh = frame.events.filter(({ version }) => version > before);
    for (const event of fresh.toReversed()) if (event.seq !== undefined) this.lane.recognize(event, frame.epoch);
    this.overlay.applied(effect, fresh);
    if (this.feeds.size > 0) for (const event of fresh) this.feeds.tell(toEvent(this.topic, event));
  }

  #status(): ViewStatus {
    const { state, replica } = this.subscription;
    if (this.denied) return "denied";
    if (!replica.loaded) return "loading";
    if (!this.#house.live || this.refs === 0) return "stale";
    return state === "follow" && !replica.running ? "live" : "catching-up";
  }
}

// The client: one conversation with the server for all topics. It carries frames between the line and the rooms, and
// makes nothing of its own but their order.

import { worldEnv, type Env, type Timer } from "./env.ts";
import { LockstepError } from "./errors.ts";
import { type Fit, inFlight } from "./lane.ts";
import { Lines } from "./line.ts";
import { Listeners, type Unsubscribe } from "./listeners.ts";
import type { Mutation } from "./mutation.ts";
import { addressOf, type ClientOptions, debugLog } from "./options.ts";
import { type House, Room, type Tap } from "./room.ts";
import type { Keeper } from "./keeper.ts";
import { kept, type Rejection, type Status } from "./status.ts";
import { Topic } from "./topic.ts";
import { encode, type Transport } from "./transport.ts";
import { bytesOf, type Mutate, sameUser, type ServerFrame, type Want, type Welcome } from "./wire.ts";

const defaults = { lingerMs: 1_000, pollMs: 10_000 };
const overdueMs = 20_000; // for any answer that is due; then the line is given up
const bufferedMost = 256 << 10; // bytes that may wait in the socket; more mutations wait here
const bufferedRetryMs = 50;
const messageBytes = 256 << 10; // unless the welcome says another number

export class Client {
  /** @internal */
  readonly env: Env;
  /** @internal Told of frames that belong to no topic, and without one that the line is gone. */
  readonly taps: Listeners<[frame?: ServerFrame]> = new Listeners();
  readonly #options: ClientOptions;
  readonly #lines: Lines;
  readonly #house: House;
  readonly #keeper: Keeper | undefined;
  readonly #rooms = new Map<string, Room>();
  readonly #statusListeners = new Listeners();
  readonly #rejections = new Listeners<[rejection: Rejection]>();
  readonly #lingering = new Map<string, Timer>();
  #welcome: Welcome | undefined;
  #status: Status | undefined;
  #overdue: Timer;
  #pumping: Timer;
  #stopWaking: (() => void) | undefined;
  #held = false; // by disconnect

  constructor(options: ClientOptions, transports: readonly Transport[]) {
    this.#options = options;
    const { WebSocket, fetch, env } = options;
    this.env = { ...worldEnv(), ...(WebSocket && { WebSocket }), ...(fetch && { fetch }), ...env };
    this.#keeper = options.storage?.(() => this.#settle());
    this.#house = this.#makeHouse();
    this.#lines = new Lines({
      env: this.env,
      transports: options.transports ?? transports,
      token: options.token,
      attempts: options.attempts,
      pollMs: options.pollMs ?? defaults.pollMs,
      url: (path) => addressOf(options, path),
      positions: () => this.#positions(),
      live: (welcome) => this.#live(welcome),
      frame: (frame) => this.#take(frame),
      settled: () => this.#settle(),
      changed: () => this.#lineChanged(),
      debug: debugLog(options.debug, this.env),
    });
  }

  /** A topic by its name, such as `gift-list:123`. Nothing is loaded before somebody subscribes to it. */
  topic<T = unknown>(name: string): Topic<T> {
    return new Topic<T>(name, this);
  }

  /** How the client stands with the server; the same object until something is different. */
  get status(): Status {
    const { state, via } = this.#lines;
    return (this.#status = kept(this.#status, {
      phase: state.phase,
      via,
      retryAt: state.phase === "waiting" ? state.retryAt : undefined,
      pending: this.pending.length,
      reason: "reason" in state ? state.reason : undefined,
      user: this.#welcome?.user_id,
    }));
  }

  subscribe(listener: () => void): Unsubscribe {
    return this.#statusListeners.add(listener);
  }

  getSnapshot = (): Status => this.status;

  /** Undecided mutations of all topics. */
  get pending(): readonly Mutation[] {
    return [...this.#rooms.values()].flatMap((room) => room.lane.pending);
  }

  /** Calls back for every mutation that is refused for good, whether or not anybody waits for its promises. */
  onRejected(listener: (rejection: Rejection) => void): Unsubscribe {
    return this.#rejections.add(listener);
  }

  /** Opens the line, which otherwise happens at the first use, and tries again where it is blocked. */
  connect(): void {
    this.#held = false;
    this.open();
  }

  /** Closes the line and keeps it closed until connect; everything goes on as offline. */
  disconnect(): void {
    this.#held = true;
    this.#lines.tell("hold");
  }

  /** @internal Opens the line at a use, unless it is held. */
  open(): void {
    if (this.#held) return;
    this.#stopWaking ??= this.env.onWake(() => this.#lines.tell("wake"));
    this.#lines.tell("open");
  }

  /** Ends everything for good. What is pending stays in storage, if there is any. */
  close(): void {
    this.#stopWaking?.();
    this.#lines.tell("close");
    this.#lines.stop();
    for (const timer of [this.#overdue, this.#pumping, ...this.#lingering.values()]) this.env.clearTimeout(timer);
    this.taps.tell();
  }

  /** @internal The room of a topic, made when first asked for. */
  room(name: string): Room {
    let room = this.#rooms.get(name);
    if (!room) {
      this.#rooms.set(name, (room = new Room(name, this.#house)));
      this.#keeper?.open(room);
    }
    return room;
  }

  /** @internal Follows a topic, with more than its rows; what it returns ends that, after a linger. */
  follow(name: string, more?: keyof Room["more"], hear?: Tap): Unsubscribe {
    const room = this.room(name);
    this.env.clearTimeout(this.#lingering.get(name));
    const stop = hear && room.taps.add(hear);
    room.refs++;
    if (more && room.more[more]++ === 0 && room.asked) room.subscription.lost();
    this.open();
    this.#ask();
    let following = true;
    return () => {
      if (!following) return;
      following = false;
      stop?.();
      if (more) room.more[more]--;
      if (--room.refs > 0) return;
      const linger = this.#options.lingerMs ?? defaults.lingerMs;
      this.#lingering.set(
        name,
        this.env.setTimeout(() => this.#unfollow(room), linger),
      );
    };
  }

  /** @internal Sends what has come up in a room, and tells who listens. */
  changed(room: Room): void {
    this.open();
    if (room.refs === 0 && this.live) room.writable();
    this.#changed(room);
    this.#pump();
    this.#statusListeners.tell();
  }

  /** @internal Sends an ephemeral frame, if there is a line. */
  say(frame: Parameters<Lines["send"]>[0][number]): void {
    this.#lines.send([frame]);
  }

  /** @internal Whether there is a live line. */
  get live(): boolean {
    return this.#lines.state.phase === "live";
  }

  #makeHouse(): House {
    const client = this;
    const { mutators, jsonPatch, deltas } = this.#options;
    return {
      extras: { twins: mutators, jsonPatch, deltas },
      get live() {
        return client.live;
      },
      newClient: () => this.env.newClient(),
      rejected: (mutation, error) => this.#rejections.tell({ mutation, topic: mutation.topic, error }),
      decided: (mutation) => this.#keeper?.decided(mutation),
      unauthorized: () => this.#lines.unauthorized(),
    };
  }

  #positions(): Record<string, string> {
    const rooms = [...this.#rooms.values()].filter((room) => room.subscription.state === "follow");
    return Object.fromEntries(rooms.map((room) => [room.topic, room.subscription.cursor]));
  }

  #live(welcome: Welcome): void {
    const before = this.#welcome;
    this.#welcome = welcome;
    this.#lost();
    if (before && !sameUser(before, welcome)) {
      const error = new LockstepError({ code: "unauthorized", message: "another user", retry: "auth" });
      for (const room of this.#rooms.values()) room.clear(error);
    }
    for (const room of this.#rooms.values()) if (room.refs === 0) room.writable();
    this.#ask();
    this.#settle();
  }

  #lineChanged(): void {
    if (!this.live) this.#lost();
    this.#settle();
  }

  #lost(): void {
    for (const room of this.#rooms.values()) room.lost();
    this.taps.tell();
  }

  #take(frame: ServerFrame): void {
    if (!("topic" in frame) || frame.topic === undefined) return this.taps.tell(frame);
    const room = this.#rooms.get(frame.topic);
    if (!room) return;
    switch (frame.type) {
      case "ack":
      case "reject":
        this.#answered();
        room.lane.answer(frame, this.env.now());
        return;
      case "signal":
      case "presence":
        return room.taps.tell(frame);
      case "revoked":
        return room.deny({ code: "forbidden", message: frame.reason });
      case "error":
        return this.#refused(room, frame);
      case "subscribed":
        this.#answered();
        return room.apply(frame);
      case "snapshot":
      case "events":
      case "mark":
      case "resync":
        if (room.asked) room.apply(frame);
    }
  }

  // A topic is not to be had: for good, or for now, and then it is asked for again on the same line.
  #refused(room: Room, problem: Extract<ServerFrame, { type: "error" }>): void {
    if (room.subscription.state !== "asked") return;
    this.#answered();
    if (problem.retry === "auth") this.#lines.unauthorized();
    if (problem.retry !== "later") return room.deny(problem);
    this.env.setTimeout(() => {
      if (room.asked) room.subscription.lost();
      this.#ask();
    }, problem.retry_after_ms ?? 1_000);
  }

  // A message has been taken in: asks what is to be asked, sends what may be sent, and shows what is different.
  #settle(): void {
    this.#ask();
    this.#pump();
    if (this.#overdue === undefined && this.live && this.#awaiting) this.#expect();
    for (const room of this.#rooms.values()) this.#changed(room);
    this.#statusListeners.tell();
  }

  #changed(room: Room): void {
    this.#keeper?.write(room);
    if (room.viewers.size === 0 || room.view === room.told) return;
    room.told = room.view;
    room.viewers.tell();
  }

  // Subscribes to every topic that is due, those with one client id in one frame.
  #ask(): void {
    if (!this.live) return;
    const wants = new Map<string, Want[]>();
    for (const room of this.#rooms.values()) {
      const want = room.want();
      if (want) wants.set(room.lane.client, [...(wants.get(room.lane.client) ?? []), want]);
    }
    if (wants.size === 0) return;
    this.#lines.send([...wants].map(([client, topics]) => ({ type: "subscribe", client, topics })));
    this.#expect();
  }

  // Sends what the lanes may send, as far as the socket takes it.
  #pump(): void {
    if (!this.live) return;
    const { message_bytes = messageBytes, in_flight = inFlight } = this.#welcome?.limits ?? {};
    let left = bufferedMost - this.#lines.buffered;
    let due = Infinity;
    const texts: string[] = [];
    const fits = (frame: Mutate): Fit => {
      const text = encode(frame);
      if (bytesOf(text, message_bytes) > message_bytes) return "never";
      if (left <= 0) return "later";
      left -= text.length;
      texts.push(text);
      return "now";
    };
    for (const room of this.#rooms.values()) {
      const sent = room.lane.take(this.env.now(), in_flight, fits);
      if (sent > 0) this.#keeper?.sent(room.lane.pending);
      due = Math.min(due, room.lane.due ?? Infinity);
    }
    this.#lines.sendEncoded(texts);
    if (texts.length > 0) this.#expect();
    if (left <= 0) due = Math.min(due, this.env.now() + bufferedRetryMs);
    this.env.clearTimeout(this.#pumping);
    if (due < Infinity) this.#pumping = this.env.setTimeout(() => this.#pump(), due - this.env.now());
  }

  // Something was sent that wants an answer: the line is looked at sooner, and given up where none comes.
  #expect(): void {
    this.#lines.tell("expect");
    this.#overdue ??= this.env.setTimeout(() => {
      this.#overdue = undefined;
      if (this.#awaiting) this.#lines.giveUp("an answer is overdue");
    }, overdueMs);
  }

  #answered(): void {
    this.env.clearTimeout(this.#overdue);
    this.#overdue = undefined;
  }

  get #awaiting(): boolean {
    return [...this.#rooms.values()].some(
      ({ lane, subscription }) => lane.unanswered.size > 0 || subscription.state === "asked",
    );
  }

  #unfollow(room: Room): void {
    this.#lingering.delete(room.topic);
    if (room.asked && this.live) this.#lines.send([{ type: "unsubscribe", topics: [room.topic] }]);
    room.unfollow();
    if (this.live) room.writable();
    if (room.idle && !this.#keeper) this.#rooms.delete(room.topic);
    else this.#settle();
  }
}

// A server in memory that speaks lockstep.v1 on lines and on POST /v1/sync. It is for tests: of this client, and of
// applications, which give its WebSocket and fetch to createClient.

import type { ClientFrame, Mutate, ServerFrame, Want, WireEvent } from "../wire.ts";
import { TestTopic, type TestMutator } from "./topic.ts";

export interface TestServerOptions {
  readonly mutators?: Readonly<Record<string, TestMutator>>;
  /** Handlers of call. */
  readonly calls?: Readonly<Record<string, (params: unknown) => unknown>>;
  readonly heartbeatMs?: number;
  readonly inFlight?: number;
  /** Rows or events in one frame of a run; 3, so that runs have several frames. */
  readonly chunk?: number;
}

/** One conversation. What it has to say is in `out`, as lines. */
export class TestSession {
  readonly id: string;
  readonly user: string;
  readonly out: string[] = [];
  /** Told when there is something to say, and when the server ends the conversation. */
  wake: () => void = () => undefined;
  readonly cursors: Map<string, { at: number; presence: boolean }> = new Map();
  client = "";
  readonly #server: TestServer;

  constructor(server: TestServer, id: string, user: string) {
    this.#server = server;
    this.id = id;
    this.user = user;
  }

  say(frame: ServerFrame): void {
    this.out.push(JSON.stringify(frame));
    this.wake();
  }

  /** Takes one frame of the client. */
  receive(text: string): void {
    this.#server.receive(this, JSON.parse(text) as ClientFrame);
  }
}

export class TestServer {
  readonly sessions: Map<string, TestSession> = new Map();
  readonly #options: TestServerOptions;
  readonly #topics = new Map<string, TestTopic>();
  readonly #presence = new Map<string, Map<string, { user_id: string; client: string; state: unknown }>>();
  readonly #denied = new Set<string>();
  #ids = 0;
  #busy = 0;

  constructor(options: TestServerOptions = {}) {
    this.#options = options;
  }

  topic(name: string): TestTopic {
    let topic = this.#topics.get(name);
    if (!topic) this.#topics.set(name, (topic = new TestTopic(name, this.#epoch(), this.#epoch())));
    return topic;
  }

  /** Opens a conversation. */
  open(user = "anonymous"): TestSession {
    const session = new TestSession(this, `s${++this.#ids}`, user);
    this.sessions.set(session.id, session);
    session.say({
      type: "welcome",
      session: session.id,
      user_id: user,
      tenant_id: "default",
      heartbeat_ms: this.#options.heartbeatMs ?? 25_000,
      limits: { in_flight: this.#options.inFlight ?? 64, message_bytes: 262_144 },
    });
    return session;
  }

  close(session: TestSession): void {
    this.sessions.delete(session.id);
  }

  /** Writes as another user would. */
  put(name: string, id: string, payload: unknown): void {
    const client = `w${++this.#ids}`;
    this.#mutate(undefined, {
      type: "mutate",
      client,
      seq: 1,
      topic: name,
      changes: [{ op: "put", entity_id: id, payload }],
    });
  }

  /** Tells every session where it is, as the real server does in every silent heartbeat. */
  beat(): void {
    for (const session of this.sessions.values()) {
      for (const name of session.cursors.keys()) {
        const { epoch, version } = this.topic(name);
        session.say({ type: "mark", topic: name, epoch, version });
      }
    }
  }

  /** Makes the next n mutations be refused for now. */
  busy(n: number): void {
    this.#busy = n;
  }

  /** Deletes the topic; it begins anew with another epoch. */
  recreate(name: string): void {
    this.#topics.delete(name);
    const { epoch } = this.topic(name);
    for (const session of this.sessions.values()) {
      if (!session.cursors.has(name)) continue;
      session.say({ type: "resync", topic: name, epoch, reason: "epoch" });
      this.#run(session, name, 0);
    }
  }

  /** Takes the right to read a topic away, or gives it back. */
  deny(name: string, denied = true): void {
    if (!denied) return void this.#denied.delete(name);
    this.#denied.add(name);
    for (const session of this.sessions.values())
      if (session.cursors.delete(name)) session.say({ type: "revoked", topic: name, reason: "revoked" });
  }

  /** @internal */
  receive(session: TestSession, frame: ClientFrame): void {
    switch (frame.type) {
      case "subscribe":
        session.client = frame.client ?? "";
        for (const want of frame.topics) this.#subscribe(session, want);
        return;
      case "unsubscribe":
        for (const name of frame.topics) session.cursors.delete(name);
        return;
      case "mutate":
        return this.#mutate(session, frame);
      case "ping":
        return session.say({ type: "pong" });
      case "signal":
        for (const other of this.sessions.values())
          if (other !== session && other.cursors.has(frame.topic))
            other.say({ ...frame, payload: frame.payload ?? null, user_id: session.user });
        return;
      case "presence":
        return this.#present(session, frame.topic, frame.state);
      case "call":
        return this.#call(session, frame);
      case "auth":
    }
  }

  /** Puts a session's cursor where its client is, as a poll says: an answer may have been lost. */
  rewind(session: TestSession, name: string, position: string): void {
    const [epoch = "", version] = position.split("-");
    const cursor = session.cursors.get(name);
    const at = Number(version);
    if (!cursor || at >= cursor.at || session.out.length > 0) return;
    this.#subscribe(session, { topic: name, presence: cursor.presence, ...(at > 0 && { epoch, version: at }) });
  }

  // Never the same one twice, of the alphabet that epochs have.
  #epoch(): string {
    const number = (++this.#ids).toString(32).padStart(8, "0");
    return `epoch${number.replaceAll(/[0189]/g, (digit) => "wxyz"["0189".indexOf(digit)] ?? "")}`;
  }

  #subscribe(session: TestSession, want: Want): void {
    const { topic: name, epoch, version = 0, presence = false, oldest_unanswered: oldest } = want;
    if (this.#denied.has(name))
      return session.say({ type: "error", topic: name, code: "forbidden", message: "no grant", retry: "never" });
    const topic = this.topic(name);
    const stale = version > 0 && (epoch !== topic.epoch || version > topic.version);
    session.say({
      type: "subscribed",
      topic: name,
      epoch: stale ? (epoch ?? "") : topic.epoch,
      version,
      access: ["read", "write"],
    });
    if (oldest) for (const answer of topic.decided(session.user, session.client, oldest)) session.say(answer);
    if (stale) session.say({ type: "resync", topic: name, epoch: topic.epoch, reason: "epoch" });
    session.cursors.set(name, { at: 0, presence });
    this.#run(session, name, stale ? 0 : version);
    if (presence) this.#tellPresence(session, name);
  }

  // A catch-up in several frames; from 0 it is a snapshot.
  #run(session: TestSession, name: string, from: number): void {
    const topic = this.topic(name);
    const head = { topic: name, epoch: topic.epoch };
    const events = topic.after(from);
    const chunk = this.#options.chunk ?? 3;
    const pieces = Math.max(Math.ceil(events.length / chunk), from === 0 || from < topic.version ? 1 : 0);
    for (let piece = 0, at = from; piece < pieces; piece++) {
      const part = events.slice(piece * chunk, (piece + 1) * chunk);
      const more = piece + 1 < pieces;
      const to = more ? (part.at(-1)?.version ?? at) : topic.version;
      if (from === 0)
        session.say({ type: "snapshot", ...head, version: topic.version, from: at, entities: rowsOf(part), to, more });
      else
        session.say({
          type: "events",
          ...head,
          from: at,
          to,
          version: topic.version,
          events: part,
          conflated: true,
          more,
        });
      at = to;
    }
    const cursor = session.cursors.get(name);
    if (cursor) cursor.at = topic.version;
  }

  #mutate(session: TestSession | undefined, frame: Mutate): void {
    const topic = this.topic(frame.topic);
    const busy = session !== undefined && this.#busy > 0;
    if (busy) this.#busy--;
    const { answer, from, events } = topic.decide(session?.user ?? "other", frame, this.#options.mutators ?? {}, busy);
    session?.say(answer);
    if (events.length === 0) return;
    const head = { topic: frame.topic, epoch: topic.epoch };
    for (const other of this.sessions.values()) {
      const cursor = other.cursors.get(frame.topic);
      if (!cursor) continue;
      other.say({ type: "events", ...head, from, to: topic.version, events, more: false });
      cursor.at = topic.version;
    }
  }

  #call(session: TestSession, { id, method, params }: Extract<ClientFrame, { type: "call" }>): void {
    const handler = this.#options.calls?.[method];
    const unknown = { code: "not_found", message: `no handler for ${method}`, retry: "never" } as const;
    session.say({ type: "reply", id, ...(handler ? { result: handler(params) ?? null } : { error: unknown }) });
  }

  #present(session: TestSession, name: string, state: unknown): void {
    const here = this.#presence.get(name) ?? new Map();
    this.#presence.set(name, here);
    const member = { user_id: session.user, client: session.client || session.id, state };
    const key = `${member.user_id}/${member.client}`;
    if (state === null) here.delete(key);
    else here.set(key, member);
    for (const other of this.sessions.values()) if (other.cursors.get(name)?.presence) this.#tellPresence(other, name);
  }

  #tellPresence(session: TestSession, name: string): void {
    const members = [...(this.#presence.get(name)?.values() ?? [])];
    session.say({ type: "presence", topic: name, members, left: [], count: members.length, full: true });
  }
}

function rowsOf(events: readonly WireEvent[]): { entity_id: string; payload: unknown; version: number }[] {
  return events.filter(({ op }) => op !== "delete").map(({ version, data }) => Object.assign({}, data, { version }));
}

// The frames of lockstep.v1 as types, and the one place where text becomes frames. What comes from outside is checked
// here for what the machines rely on; fields and types that this version does not know are ignored.

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json | undefined };

/** A place in a topic's log; versions compare only within one epoch. */
export interface Position {
  readonly epoch: string;
  readonly version: number;
}

/** One entity as the wire shows it, at the version of the event that last touched it. */
export interface WireRow {
  readonly entity_id: string;
  readonly payload: unknown;
  readonly user_id?: string;
  readonly timestamp?: string;
  readonly version: number;
}

/** One committed change. */
export interface WireEvent {
  readonly version: number;
  readonly event: string;
  readonly data: Omit<WireRow, "version" | "payload"> & { payload: unknown; version?: number };
  readonly op?: string;
  readonly patch?: unknown;
  readonly client?: string;
  readonly seq?: number;
  readonly trace_id?: string;
}

/** Whether trying again can help: never, later, or with a new token. */
export type Retry = "never" | "later" | "auth";

/** What is wrong, with the server's code for it. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly field?: string;
  readonly retry: Retry;
  readonly retry_after_ms?: number;
}

export interface Welcome {
  readonly type: "welcome";
  readonly session?: string;
  readonly user_id?: string;
  readonly tenant_id?: string;
  readonly heartbeat_ms?: number;
  readonly limits?: { readonly message_bytes?: number; readonly in_flight?: number; readonly changes?: number };
}
export interface Subscribed extends Position {
  readonly type: "subscribed";
  readonly topic: string;
  readonly access?: readonly string[];
}
export interface Snapshot extends Position {
  readonly type: "snapshot";
  readonly topic: string;
  readonly from?: number;
  readonly to: number;
  readonly entities: readonly WireRow[];
  readonly more: boolean;
  readonly mixed?: boolean;
}
export interface Events {
  readonly type: "events";
  readonly topic: string;
  readonly epoch: string;
  /** Where the run ends that this is a piece of. */
  readonly version?: number;
  readonly from: number;
  readonly to: number;
  readonly events: readonly WireEvent[];
  readonly more: boolean;
  readonly mixed?: boolean;
  readonly conflated?: boolean;
  readonly dropped?: number;
}
export interface Mark extends Position {
  readonly type: "mark";
  readonly topic: string;
}
export interface Resync {
  readonly type: "resync";
  readonly topic: string;
  readonly epoch: string;
  readonly reason: string;
  readonly count?: number;
}
export interface Ack {
  readonly type: "ack";
  readonly client: string;
  readonly seq: number;
  readonly topic: string;
  readonly epoch: string;
  readonly version: number;
  readonly status: string;
}
export interface Reject extends Problem {
  readonly type: "reject";
  readonly client: string;
  readonly seq: number;
  readonly topic: string;
  readonly epoch?: string;
  readonly current?: Omit<WireRow, "version">;
  readonly current_version?: number;
  readonly expected?: number;
}
export interface SignalFrame {
  readonly type: "signal";
  readonly topic: string;
  readonly event: string;
  readonly payload: unknown;
  readonly user_id?: string;
}
export interface PresenceMember {
  readonly user_id: string;
  readonly client: string;
  readonly state?: unknown;
}
export interface Presence {
  readonly type: "presence";
  readonly topic: string;
  readonly members: readonly PresenceMember[];
  readonly left: readonly PresenceMember[];
  readonly count: number;
  readonly full: boolean;
}
export interface Reply {
  readonly type: "reply";
  readonly id: string | number;
  readonly result?: unknown;
  readonly error?: Problem;
}
export interface ErrorFrame extends Problem {
  readonly type: "error";
  readonly topic?: string;
}
export interface Revoked {
  readonly type: "revoked";
  readonly topic: string;
  readonly reason: string;
}
export interface Bye {
  readonly type: "bye";
  readonly reason: string;
  readonly retry_after_ms?: number;
}
export interface Pong {
  readonly type: "pong";
}

/** What moves a replica. */
export type ReplicaFrame = Subscribed | Snapshot | Events | Mark | Resync;

export type ServerFrame =
  | ReplicaFrame
  | Welcome
  | Ack
  | Reject
  | SignalFrame
  | Presence
  | Reply
  | ErrorFrame
  | Revoked
  | Bye
  | Pong;

/** One change of a mutation, as sent: members that are undefined are not. */
export interface WireChange {
  readonly op: string;
  readonly entity_id?: string | undefined;
  readonly payload?: unknown | undefined;
  readonly if_version?: number | { readonly seq: number } | undefined;
  readonly event?: string | undefined;
}

export interface Mutate {
  readonly type: "mutate";
  readonly client: string;
  readonly seq: number;
  readonly topic: string;
  readonly epoch?: string | undefined;
  readonly changes?: readonly WireChange[] | undefined;
  readonly name?: string | undefined;
  readonly args?: unknown | undefined;
  readonly if_topic_version?: number | undefined;
  readonly needs?: number | undefined;
}

/** One topic of a subscribe frame. */
export interface Want {
  readonly topic: string;
  readonly epoch?: string | undefined;
  readonly version?: number | undefined;
  readonly mode?: "every" | undefined;
  readonly presence?: boolean | undefined;
  readonly deltas?: boolean | undefined;
  readonly oldest_unanswered?: number | undefined;
}

export type ClientFrame =
  | { readonly type: "auth"; readonly token: string }
  | { readonly type: "subscribe"; readonly topics: readonly Want[]; readonly client?: string }
  | { readonly type: "unsubscribe"; readonly topics: readonly string[] }
  | Mutate
  | { readonly type: "signal"; readonly topic: string; readonly event: string; readonly payload?: unknown }
  | { readonly type: "presence"; readonly topic: string; readonly state: unknown }
  | { readonly type: "call"; readonly id: number; readonly method: string; readonly params?: unknown }
  | { readonly type: "ping" };

const versions = ["version", "from", "to", "seq", "expected"];

/** Takes a value for a frame. Throws where it cannot be one: no object, or a number that a double does not hold. */
export function toFrame(value: unknown): ServerFrame {
  const frame = value as ServerFrame & Record<string, unknown>;
  if (typeof frame?.type !== "string") throw new Error("not a frame");
  for (const name of versions) if (frame[name] !== undefined) check(name, frame[name]);
  if (frame.type === "events") for (const { version } of frame.events) check("version", version);
  if (frame.type === "snapshot") for (const { version } of frame.entities) check("version", version);
  return frame;
}

function check(name: string, value: unknown): void {
  if (!Number.isSafeInteger(value) || Number(value) < 0) throw new Error(`${name} is no version`);
}

/** Reads the frames of one message, which newlines separate. */
export function parseFrames(text: string): ServerFrame[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => toFrame(JSON.parse(line)));
}

/** Whether both welcomes are to the same user; true where one does not say. */
export function sameUser(a: Welcome, b: Welcome): boolean {
  const known = a.user_id !== undefined && b.user_id !== undefined;
  return !known || (a.user_id === b.user_id && a.tenant_id === b.tenant_id);
}

/** How long text is as UTF-8. It has at most three bytes for each of its units, so what is surely below most is not measured. */
export function bytesOf(text: string, most: number): number {
  return text.length * 3 <= most ? text.length : new TextEncoder().encode(text).length;
}

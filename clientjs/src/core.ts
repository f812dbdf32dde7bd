// The client with WebSocket only. Other transports can be given as an option.

import { Client } from "./client.ts";
import type { ClientOptions } from "./options.ts";
import { webSocket } from "./socket.ts";

/** Makes a client that opens nothing before its first use. */
export function createClient(options: ClientOptions): Client {
  return new Client(options, [webSocket()]);
}

export { call } from "./calls.ts";
export type { Client } from "./client.ts";
export type { Rejection, Status } from "./status.ts";
export type { Clock, Env, SocketClass, SocketLike } from "./env.ts";
export { type Current, LockstepError } from "./errors.ts";
export { events, onEvent, type TopicEvent } from "./feed.ts";
export { keep, type Keeping } from "./keeper.ts";
export type { Draft, Twin } from "./layer.ts";
export type { Unsubscribe } from "./listeners.ts";
export type { Mutation, Stage } from "./mutation.ts";
export type { ClientOptions, DebugEntry } from "./options.ts";
export { type Here, type Member, presence, type PresenceHandle } from "./presence.ts";
export { onSignal, signal, type Signal } from "./signals.ts";
export { webSocket } from "./socket.ts";
export { memoryStorage, type Storage, type StoredMutation, type StoredTopic, type TopicWrite } from "./storage.ts";
export type { TokenOption } from "./token.ts";
export type { ChangeOptions, MutationOptions, Patch, Topic, Transaction } from "./topic.ts";
export type { Dial, Line, Sink, Transport, Via } from "./transport.ts";
export { keepOpen } from "./unload.ts";
export type { Meta, View, ViewStatus } from "./view.ts";
export type { Json, Position, Problem, Retry } from "./wire.ts";

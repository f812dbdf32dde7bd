// The client with every transport: WebSocket, and where that does not work long poll and plain poll.

import { Client } from "./client.ts";
import type { ClientOptions } from "./options.ts";
import { longPoll, poll } from "./poll.ts";
import { webSocket } from "./socket.ts";

/** Makes a client that opens nothing before its first use. */
export function createClient(options: ClientOptions): Client {
  return new Client(options, [webSocket(), longPoll(), poll()]);
}

export { longPoll, poll } from "./poll.ts";
export { sse } from "./stream.ts";
export {
  call,
  events,
  keep,
  keepOpen,
  LockstepError,
  memoryStorage,
  onEvent,
  onSignal,
  presence,
  signal,
  webSocket,
} from "./core.ts";
export type * from "./core.ts";

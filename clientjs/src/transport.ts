// A transport opens lines. A line carries frames both ways, in order, until it is lost; how is its own business.

import type { Loss } from "./connection.ts";
import type { Env } from "./env.ts";
import type { ServerFrame } from "./wire.ts";

/** The names of the transports, best first. */
export type Via = "websocket" | "sse" | "long-poll" | "poll";

/** What a line is opened with. */
export interface Dial {
  readonly env: Env;
  /** The token in use; a line that lives long finds a newer one here. */
  readonly token: string | undefined;
  /** How often a plain poll asks. */
  readonly pollMs: number;
  /** The address of a path of the server, with the identity of --dev if there is one. */
  url(path: string): URL;
  /** Where each followed topic stands, as `epoch-version`. */
  positions(): Record<string, string>;
}

/** Whom a line tells what happens to it. */
export interface Sink {
  frames(frames: readonly ServerFrame[], bytes: number): void;
  /** At most once, and last. `unauthorized` is a loss that a new token would mend. */
  lost(loss: Loss & { readonly unauthorized?: boolean | undefined }): void;
}

export interface Line {
  /** Sends encoded frames, in order. They may be lost with the line. */
  send(frames: readonly string[]): void;
  /** Bytes that wait to be sent. */
  readonly buffered: number;
  /** Ends the line. Its sink hears nothing more. */
  close(): void;
}

export interface Transport {
  readonly via: Via;
  /** How long it may take from its start to its welcome. */
  readonly deadlineMs: number;
  /** Its lines find out by themselves that the server is gone, so silence means nothing. */
  readonly watchesItself: boolean;
  open(dial: Dial, sink: Sink): Line;
}

/** Encodes a value for the wire. */
export function encode(value: unknown): string {
  return JSON.stringify(value);
}

// What a client can be told. Only the url is required.

import type { Env, SocketClass } from "./env.ts";
import type { Keeping } from "./keeper.ts";
import type { Deltas, Twin } from "./layer.ts";
import type { TokenOption } from "./token.ts";
import type { Transport } from "./transport.ts";

/** One line of the debug log. */
export interface DebugEntry {
  /** Milliseconds of the client's clock. */
  readonly at: number;
  /** `send`, `receive`, or the phase that the connection has entered. */
  readonly what: string;
  readonly detail: unknown;
}

export interface ClientOptions {
  /** The server, such as `https://sync.example.com`; a path in front of `/v1` may be part of it. */
  readonly url: string | URL;
  /** A token, or a function that fetches one: called for each attempt, and again before the token expires. */
  readonly token?: TokenOption;
  /** Who is here, for a server in --dev, which believes it. */
  readonly user?: string;
  readonly tenant?: string;
  /** Local twins of the server's named mutators: what they do is shown before the server has decided. */
  readonly mutators?: Readonly<Record<string, Twin>>;
  /** `jsonPatch` of the entry lockstep-client/json-patch, to show JSON patches before the server has decided. */
  readonly jsonPatch?: (value: unknown, patch: unknown) => unknown;
  /** `deltas` of the entry lockstep-client/deltas: patches come without the row that they make, which saves bytes. */
  readonly deltas?: Deltas;
  /** Where rows and undecided mutations outlive the client: `keep(memoryStorage())`. */
  readonly storage?: Keeping;
  /** The ladder, best first. */
  readonly transports?: readonly Transport[];
  readonly WebSocket?: SocketClass;
  readonly fetch?: typeof fetch;
  /** How often a plain poll asks; 10,000 ms. */
  readonly pollMs?: number;
  /** How long a topic is followed after its last follower has gone; 1,000 ms. */
  readonly lingerMs?: number;
  /** How many failed attempts in a row close the client; it never gives up unless told so. */
  readonly attempts?: number;
  /** Shows a timeline of frames and states: `true` on the console, a function to take it elsewhere. */
  readonly debug?: boolean | ((entry: DebugEntry) => void);
  /** Another clock, another die: for tests. */
  readonly env?: Partial<Env>;
}

/** What the option debug stands for. */
export function debugLog(debug: ClientOptions["debug"], { now }: Env): (what: string, detail: unknown) => void {
  if (!debug) return () => undefined;
  if (typeof debug === "function") return (what, detail) => debug({ at: now(), what, detail });
  return (what, detail) => console.debug(`lockstep ${now().toFixed(0)} ${what}`, detail);
}

/** The address of a path under /v1. */
export function addressOf({ url, user, tenant }: ClientOptions, path: string): URL {
  const address = new URL(url, globalThis.location?.href);
  address.protocol = address.protocol.replace(/^ws/, "http");
  address.pathname = `${address.pathname.replace(/\/$/, "")}/v1/${path}`;
  if (user !== undefined) address.searchParams.set("user", user);
  if (tenant !== undefined) address.searchParams.set("tenant", tenant);
  return address;
}

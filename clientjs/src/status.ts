// What a client tells of itself.

import type { State } from "./connection.ts";
import type { LockstepError } from "./errors.ts";
import type { Mutation } from "./mutation.ts";
import type { Via } from "./transport.ts";

/** How the client stands with the server. */
export interface Status {
  readonly phase: State["phase"];
  /** The transport in use, or being tried. */
  readonly via: Via | undefined;
  /** When the next attempt is due, in milliseconds of the client's clock. */
  readonly retryAt: number | undefined;
  /** How many mutations are undecided. */
  readonly pending: number;
  /** Why it is waiting or blocked. */
  readonly reason: string | undefined;
  /** Who the server says this is. */
  readonly user: string | undefined;
}

/** The older of two that say the same, so that the identity of what is told says whether anything is different. */
export function kept(old: Status | undefined, next: Status): Status {
  const same = old && (Object.keys(next) as (keyof Status)[]).every((key) => old[key] === next[key]);
  return same ? old : next;
}

/** A mutation that was refused for good. */
export interface Rejection {
  readonly mutation: Mutation;
  readonly topic: string;
  readonly error: LockstepError;
}

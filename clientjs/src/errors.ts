// One error for everything that the server or the client refuses, with the code that the server has for it on every
// transport.

import type { Problem, Retry } from "./wire.ts";

/** A row as it is on the server, as a rejection shows it. */
export interface Current {
  readonly id: string;
  readonly value: unknown;
  readonly version: number;
}

/** Why something was refused. `code` is one of the server's. */
export class LockstepError extends Error {
  override readonly name = "LockstepError";
  readonly code: string;
  readonly field: string | undefined;
  readonly retry: Retry;
  /** The row that stood in the way, where the refusal was about one. */
  readonly current: Current | undefined;
  /** Whether the mutation was applied cannot be learned any more: its lane is gone. */
  readonly unknown: boolean;

  constructor(problem: Partial<Problem> & { code: string }, current?: Current, unknown = false) {
    super(problem.message || problem.code);
    this.code = problem.code;
    this.field = problem.field;
    this.retry = problem.retry ?? "never";
    this.current = current;
    this.unknown = unknown;
  }
}

// A view is what is shown of a topic at one moment. It never changes; the next moment has another one.

import type { LockstepError } from "./errors.ts";
import type { Rows } from "./rows.ts";
import type { Position } from "./wire.ts";

/**
 * `loading`: nothing has come yet; `live`: in step with the server; `catching-up`: the line is there, the newest state is
 * not; `stale`: there is no line, and this is how it was; `denied`: the server does not give it, `error` says why.
 */
export type ViewStatus = "loading" | "live" | "catching-up" | "stale" | "denied";

export interface Meta {
  /** The version of the event that last touched the row; 0 while only this client knows the row. */
  readonly version: number;
  /** A mutation that the server has not confirmed made it what it is. */
  readonly pending: boolean;
  /** The last refusal of a change of this row, until the row is changed again. */
  readonly error: LockstepError | undefined;
  /** Who last touched it, and when, as the server says. */
  readonly user: string | undefined;
  readonly time: string | undefined;
}

export interface View<T = unknown> {
  readonly status: ViewStatus;
  /** All rows in the order of their ids. A row that has not changed is the same object as before. */
  readonly rows: readonly T[];
  /** The ids of rows, in the same order. */
  readonly ids: readonly string[];
  /** The position that the rows, without pending mutations, are the server's state at. */
  readonly position: Position;
  /** Why the topic is denied. */
  readonly error: LockstepError | undefined;
  get(id: string): T | undefined;
  meta(id: string): Meta | undefined;
}

export class RowsView<T> implements View<T> {
  readonly status: ViewStatus;
  readonly position: Position;
  readonly error: LockstepError | undefined;
  readonly #rows: Rows;
  readonly #errors: ReadonlyMap<string, LockstepError>;

  constructor(
    rows: Rows,
    status: ViewStatus,
    position: Position,
    errors: ReadonlyMap<string, LockstepError>,
    error: LockstepError | undefined,
  ) {
    this.#rows = rows;
    this.status = status;
    this.position = position;
    this.#errors = errors;
    this.error = error;
  }

  /** Whether the other one shows the same. */
  same(other: RowsView<unknown>): boolean {
    return (
      this.#rows === other.#rows &&
      this.status === other.status &&
      this.position.version === other.position.version &&
      this.position.epoch === other.position.epoch &&
      this.#errors === other.#errors &&
      this.error === other.error
    );
  }

  get rows(): readonly T[] {
    return this.#rows.values as readonly T[];
  }

  get ids(): readonly string[] {
    return this.#rows.ids;
  }

  get(id: string): T | undefined {
    return this.#rows.get(id)?.payload as T | undefined;
  }

  meta(id: string): Meta | undefined {
    const row = this.#rows.get(id);
    const error = this.#errors.get(id);
    if (!row && !error) return undefined;
    return {
      version: row?.version ?? 0,
      pending: row?.pending ?? false,
      error,
      user: row?.user_id,
      time: row?.timestamp,
    };
  }
}

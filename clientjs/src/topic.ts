// A topic as the application holds it: a light handle, of which there may be many.

import type { Client } from "./client.ts";
import type { Unsubscribe } from "./listeners.ts";
import type { Change, Mutation, Wish } from "./mutation.ts";
import type { View } from "./view.ts";

/** A partial value: members of objects are optional, and null removes one (RFC 7396). */
export type Patch<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: Patch<T[K]> | null }
    : T;

/** What a change asks of its row; it is refused with `conflict` where that does not hold. */
export interface ChangeOptions {
  /** The row's version, 0 where it must not exist, or `"seen"`: that nobody has touched it since it was shown here. */
  readonly ifVersion?: number | "seen";
  /** The event's name, instead of ADDED, UPDATED or DELETED. */
  readonly event?: string;
}

export interface MutationOptions {
  /** The topic's version, or `"seen"`: that nothing has happened in the topic since what is shown here. */
  readonly ifTopicVersion?: number | "seen";
}

/** Gathers the changes of one mutation. */
export interface Transaction<T> {
  put(id: string, value: T, options?: ChangeOptions): void;
  patch(id: string, patch: Patch<T>, options?: ChangeOptions): void;
  jsonPatch(id: string, operations: readonly object[], options?: ChangeOptions): void;
  delete(id: string, options?: ChangeOptions): void;
  /** An event that changes no row. */
  emit(event: string, payload?: unknown, id?: string): void;
}

export class Topic<T = unknown> {
  readonly name: string;
  /** @internal */
  readonly client: Client;

  /** @internal */
  constructor(name: string, client: Client) {
    this.name = name;
    this.client = client;
  }

  /** Follows the topic and calls back with each new view, at once with the present one where something is loaded. */
  subscribe(listener: (view: View<T>) => void): Unsubscribe {
    const room = this.client.room(this.name);
    const tell = (): void => listener(this.getSnapshot());
    const unfollow = this.client.follow(this.name);
    if (room.viewers.size === 0) room.told = room.view;
    const stop = room.viewers.add(tell);
    if (room.subscription.replica.loaded) tell();
    return () => {
      stop();
      unfollow();
    };
  }

  /** The present view; the same object until something is different. */
  getSnapshot(): View<T> {
    return this.client.room(this.name).view as View<T>;
  }

  get rows(): readonly T[] {
    return this.getSnapshot().rows;
  }

  get(id: string): T | undefined {
    return this.getSnapshot().get(id);
  }

  /** Makes the row exactly this. */
  put(id: string, value: T, options?: ChangeOptions): Mutation {
    return this.transact((tx) => tx.put(id, value, options));
  }

  /** Changes members of the row, which must exist. */
  patch(id: string, patch: Patch<T>, options?: ChangeOptions): Mutation {
    return this.transact((tx) => tx.patch(id, patch, options));
  }

  /** Changes the row by JSON Patch (RFC 6902), with `test`. */
  jsonPatch(id: string, operations: readonly object[], options?: ChangeOptions): Mutation {
    return this.transact((tx) => tx.jsonPatch(id, operations, options));
  }

  delete(id: string, options?: ChangeOptions): Mutation {
    return this.transact((tx) => tx.delete(id, options));
  }

  /** Puts an event into the log that changes no row. */
  emit(event: string, payload?: unknown): Mutation {
    return this.transact((tx) => tx.emit(event, payload));
  }

  /** Makes one mutation of several changes: all of them happen, or none (P4). */
  transact(fill: (tx: Transaction<T>) => void, options: MutationOptions = {}): Mutation {
    const changes: Change[] = [];
    const push = (change: Change, { ifVersion, event }: ChangeOptions = {}): void => {
      const guard = ifVersion === "seen" ? this.client.room(this.name).seen(change.id ?? "") : ifVersion;
      changes.push({ event, ...change, guard });
    };
    fill({
      put: (id, value, o) => push({ op: "put", id, payload: plain(value) }, o),
      patch: (id, patch, o) => push({ op: "patch", id, payload: plain(patch) }, o),
      jsonPatch: (id, operations, o) => push({ op: "json_patch", id, payload: plain(operations) }, o),
      delete: (id, o) => push({ op: "delete", id }, o),
      emit: (event, payload, id) => push({ op: "none", event, payload: plain(payload), id }),
    });
    return this.#mutate({ changes }, options);
  }

  /** Runs a mutator of the server by name. */
  mutate(name: string, args?: unknown, options: MutationOptions = {}): Mutation {
    return this.#mutate({ changes: [], name, args: plain(args) }, options);
  }

  #mutate(wish: Wish, { ifTopicVersion }: MutationOptions): Mutation {
    const room = this.client.room(this.name);
    const at = ifTopicVersion === "seen" ? room.subscription.replica.shown.version : ifTopicVersion;
    const mutation = room.mutate({ ...wish, ifTopicVersion: at });
    this.client.changed(room);
    return mutation;
  }
}

/** A copy as JSON has it: what is sent must stay what it was, whatever the application does to its object later. */
export function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

// Who is in a topic now, with a small state each. It is never stored, and only as fresh as the line.

import { Listeners, type Unsubscribe } from "./listeners.ts";
import type { Presence as PresenceFrame, PresenceMember } from "./wire.ts";

export interface Member<S = unknown> {
  readonly user: string;
  readonly client: string;
  readonly state: S;
}

export interface Here<S = unknown> {
  readonly members: readonly Member<S>[];
  /** How many are here; more than are listed where there are very many. */
  readonly count: number;
}

const nobody: Here = { members: [], count: 0 };

export class Presence {
  readonly listeners: Listeners = new Listeners();
  here: Here = nobody;
  /** What this client says of itself, said again on every line; undefined where it is not here. */
  mine: { readonly state: unknown } | undefined;
  #members = new Map<string, Member>();

  apply({ full, members, left, count }: PresenceFrame): void {
    if (full) this.#members = new Map();
    for (const member of left) this.#members.delete(key(member));
    for (const member of members)
      this.#members.set(key(member), { user: member.user_id, client: member.client, state: member.state });
    this.here = { members: [...this.#members.values()], count };
    this.listeners.tell();
  }

  clear(): void {
    this.#members = new Map();
    this.here = nobody;
  }
}

function key({ user_id, client }: PresenceMember): string {
  return JSON.stringify([user_id, client]);
}

/** A topic's presence as the application sees it. */
export interface PresenceHandle<S = unknown> {
  /** Says that this client is here, and how; undefined says that it is gone. */
  set(state: S | undefined): void;
  subscribe(listener: (here: Here<S>) => void): Unsubscribe;
  getSnapshot(): Here<S>;
}

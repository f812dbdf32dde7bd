// Who is in a topic now, with a small state each. It is never stored, and only as fresh as the line.

import { Listeners, type Unsubscribe } from "./listeners.ts";
import type { Room } from "./room.ts";
import { plain, type Topic } from "./topic.ts";
import type { PresenceMember, ServerFrame } from "./wire.ts";

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

/** A topic's presence as the application sees it. */
export interface PresenceHandle<S = unknown> {
  /** Says that this client is here, and how; undefined says that it is gone. */
  set(state: S | undefined): void;
  subscribe(listener: (here: Here<S>) => void): Unsubscribe;
  getSnapshot(): Here<S>;
}

const nobody: Here = { members: [], count: 0 };

class Presence {
  readonly listeners: Listeners = new Listeners();
  here: Here = nobody;
  /** What this client says of itself, said again on every line; undefined where it is not here. */
  mine: unknown;
  readonly #members = new Map<string, Member>();

  hear(frame: ServerFrame | undefined): void {
    if (!frame) {
      this.#members.clear();
      this.here = nobody;
    }
    if (frame?.type !== "presence") return;
    const { full, members, left, count } = frame;
    if (full) this.#members.clear();
    for (const member of left) this.#members.delete(key(member));
    for (const member of members)
      this.#members.set(key(member), { user: member.user_id, client: member.client, state: member.state });
    this.here = { members: [...this.#members.values()], count };
    this.listeners.tell();
  }
}

function key({ user_id, client }: PresenceMember): string {
  return JSON.stringify([user_id, client]);
}

const presences = new WeakMap<Room, Presence>();

/** Who is in the topic now. */
export function presence<S = unknown>({ client, name }: Pick<Topic, "client" | "name">): PresenceHandle<S> {
  const say = ({ mine }: Presence): void => client.say({ type: "presence", topic: name, state: mine ?? null });
  const find = (): Presence => {
    const room = client.room(name);
    const known = presences.get(room);
    if (known) return known;
    const made = new Presence();
    presences.set(room, made);
    room.taps.add((frame) => {
      made.hear(frame);
      if (frame?.type === "subscribed" && made.mine !== undefined) say(made);
    });
    return made;
  };
  return {
    set: (state) => {
      const here = find();
      here.mine = plain(state);
      if (client.room(name).subscription.state === "follow") say(here);
    },
    subscribe: (listener) => {
      const here = find();
      const stop = here.listeners.add(() => listener(here.here as Here<S>));
      const unfollow = client.follow(name, "presence");
      return () => {
        stop();
        unfollow();
      };
    },
    getSnapshot: () => find().here as Here<S>,
  };
}

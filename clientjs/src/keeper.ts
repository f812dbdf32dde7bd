// A keeper carries a room's changes to storage, in order, and brings back what an earlier client has kept. What storage
// refuses is not kept, and the client goes on: the server has the truth.

import type { PendingMutation } from "./mutation.ts";
import type { Room } from "./room.ts";
import type { Storage, StoredMutation, TopicWrite } from "./storage.ts";

/** What a client's option storage takes: it begins to keep what is told to it. */
export type Keeping = (opened: () => void) => Keeper;

/** Keeps rows and undecided mutations in a storage, so that they outlive the client. */
export function keep(storage: Storage): Keeping {
  return (opened) => new Keeper(storage, opened);
}

export class Keeper {
  readonly #storage: Storage;
  readonly #opened: () => void;
  readonly #keys = new Map<PendingMutation, { readonly key: string; framed: boolean }>();
  #last = Promise.resolve();
  #count = 0;

  constructor(storage: Storage, opened: () => void) {
    this.#storage = storage;
    this.#opened = opened;
  }

  /** Brings back a room's rows and mutations; until then the room asks for nothing. */
  open(room: Room): void {
    const read = async (): Promise<void> => {
      await this.#read(room).catch(() => undefined);
      room.opening = undefined;
      this.#opened();
    };
    room.opening = read();
  }

  /** Keeps what is new of a room, before its view is asked for: rows, and mutations that were made. */
  write(room: Room): void {
    if (room.opening) return;
    const write = newRows(room);
    if (write) {
      room.overlay.refresh();
      this.#then(() => this.#storage.writeTopic(room.topic, write));
    }
    this.sent(room.lane.pending);
  }

  /** Keeps mutations that are new, or newly numbered. */
  sent(pending: readonly PendingMutation[]): void {
    for (const mutation of pending) {
      const { topic, wish, made, frame } = mutation;
      const known = this.#keys.get(mutation);
      if (known && known.framed === (frame !== undefined)) continue;
      const key = known?.key ?? `${Date.now().toString(36)}-${(this.#count++).toString(36).padStart(8, "0")}`;
      this.#keys.set(mutation, { key, framed: frame !== undefined });
      this.#then(() => this.#storage.putMutation({ key, topic, wish: portable(wish), made, frame }));
    }
  }

  decided(mutation: PendingMutation): void {
    const known = this.#keys.get(mutation);
    this.#keys.delete(mutation);
    if (known) this.#then(() => this.#storage.deleteMutation(known.key));
  }

  async #read(room: Room): Promise<void> {
    const [topic, mutations] = await Promise.all([
      this.#storage.readTopic(room.topic),
      this.#storage.readMutations(room.topic),
    ]);
    if (topic) room.subscription.replica.restore(topic.position, topic.rows);
    let at = 0; // before those that were made meanwhile
    for (const stored of mutations) {
      const mutation = restore(room, stored, at++);
      this.#keys.set(mutation, { key: stored.key, framed: mutation.frame !== undefined });
    }
  }

  #then(write: () => Promise<void>): void {
    this.#last = this.#last.then(write).catch(() => undefined);
  }
}

// A guard that names another mutation means nothing to a later client unless that was numbered, which the frame says.
function portable(wish: PendingMutation["wish"]): PendingMutation["wish"] {
  const changes = wish.changes.map(({ guard, ...change }) =>
    typeof guard === "number" ? { ...change, guard } : change,
  );
  return { ...wish, changes };
}

function newRows({ subscription: { replica } }: Room): TopicWrite | undefined {
  const { changed, all, rows, shown, loaded } = replica;
  if (!loaded || (!all && changed.size === 0)) return undefined;
  return {
    position: shown,
    reset: all,
    put: all ? [...rows.values()] : [...changed].flatMap((id) => rows.get(id) ?? []),
    delete: all ? [] : [...changed].filter((id) => !rows.has(id)),
  };
}

// A mutation that was sent goes on under its number, where the lane can be the same.
function restore(room: Room, { wish, made, frame }: StoredMutation, at: number): PendingMutation {
  const mutation = room.mutate(wish, made, at);
  const { lane } = room;
  if (frame && (lane.last === 0 || frame.client === lane.client)) {
    lane.client = frame.client;
    lane.last = Math.max(lane.last, frame.seq);
    mutation.frame = frame;
    mutation.attempts = 1;
  }
  return mutation;
}

// A keeper carries a room's changes to storage, in order, and brings back what an earlier client has kept. What storage
// refuses is not kept, and the client goes on: the server has the truth.

import type { PendingMutation } from "./mutation.ts";
import type { Room } from "./room.ts";
import type { Storage } from "./storage.ts";

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

  /** Keeps what is new of a room: rows, and mutations that were made. */
  write(room: Room): void {
    if (room.opening) return;
    const write = room.write();
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
    for (const stored of mutations) {
      const mutation = room.restore(stored);
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

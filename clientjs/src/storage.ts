// What a client keeps beyond its own life: rows with their position, and mutations without their decision. The client
// writes in the order of what happens and does not wait; it reads once, when a topic is first used.

import type { Wish } from "./mutation.ts";
import type { Mutate, Position, WireRow } from "./wire.ts";

/** A topic's rows, complete at a position. */
export interface StoredTopic {
  readonly position: Position;
  readonly rows: readonly WireRow[];
}

/** What has changed since the last write. Rows and position are one transaction: all of it is kept, or none. */
export interface TopicWrite {
  readonly position: Position;
  /** The rows given are all there are. */
  readonly reset: boolean;
  readonly put: readonly WireRow[];
  readonly delete: readonly string[];
}

/** One undecided mutation. */
export interface StoredMutation {
  /** Ascending in the order in which mutations were made. */
  readonly key: string;
  readonly topic: string;
  readonly wish: Wish;
  readonly made: Position;
  /** What it has been sent as; from then on its bytes stay the same. */
  readonly frame?: Mutate | undefined;
}

export interface Storage {
  readTopic(topic: string): Promise<StoredTopic | undefined>;
  writeTopic(topic: string, write: TopicWrite): Promise<void>;
  /** All mutations of a topic, in the order of their keys. */
  readMutations(topic: string): Promise<readonly StoredMutation[]>;
  putMutation(mutation: StoredMutation): Promise<void>;
  deleteMutation(key: string): Promise<void>;
}

/** Keeps things as long as the object lives: for tests, and for clients that take over from each other in one page. */
export function memoryStorage(): Storage {
  const topics = new Map<string, { position: Position; rows: Map<string, WireRow> }>();
  const mutations = new Map<string, StoredMutation>();
  return {
    async readTopic(topic) {
      const kept = topics.get(topic);
      return kept && { position: kept.position, rows: [...kept.rows.values()] };
    },
    async writeTopic(topic, write) {
      const rows = new Map(write.reset ? [] : topics.get(topic)?.rows);
      for (const row of write.put) rows.set(row.entity_id, row);
      for (const id of write.delete) rows.delete(id);
      topics.set(topic, { position: write.position, rows });
    },
    async readMutations(topic) {
      const mine = [...mutations.values()].filter((mutation) => mutation.topic === topic);
      return mine.toSorted((a, b) => (a.key < b.key ? -1 : 1));
    },
    async putMutation(mutation) {
      mutations.set(mutation.key, mutation);
    },
    async deleteMutation(key) {
      mutations.delete(key);
    },
  };
}

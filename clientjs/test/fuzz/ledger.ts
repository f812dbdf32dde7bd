// A ledger beside the server: which of the game's mutations were applied, however they were numbered. Every change of
// a game is named by the number of its mutation.

import type { TestServer } from "../../src/testing.ts";
import type { Mutation } from "../../src/core.ts";

export const nameOf = (n: number): string => `n${n}`;

export class Ledger {
  readonly #server: TestServer;
  readonly #applied = new Map<string, string[]>(); // topic → names, in order; of its present incarnation
  readonly #ever = new Set<string>();

  constructor(server: TestServer) {
    this.#server = server;
    const receive = server.receive.bind(server);
    server.receive = (session, frame) => {
      const applied = frame.type === "mutate" ? this.#server.topic(frame.topic).applied : [];
      const before = applied.length;
      receive(session, frame);
      if (frame.type !== "mutate" || applied.length === before) return;
      const name = frame.changes?.[0]?.event ?? "";
      this.#applied.set(frame.topic, [...(this.#applied.get(frame.topic) ?? []), name]);
      this.#ever.add(name);
    };
  }

  /** The topic's incarnation is over. */
  forget(topic: string): void {
    this.#applied.delete(topic);
  }

  /** What was applied more than once in the topic's present incarnation. */
  doubles(topic: string): string[] {
    const names = this.#applied.get(topic) ?? [];
    return names.filter((name, at) => names.indexOf(name) !== at);
  }

  /** Whether what a mutation says of itself is what happened; where a topic has been deleted, nobody knows. */
  agrees(name: string, { stage, error }: Mutation, mayBeNothing: boolean): boolean {
    if (stage === "observed") return this.#ever.has(name) || mayBeNothing;
    return error?.unknown === true || !this.#ever.has(name);
  }
}

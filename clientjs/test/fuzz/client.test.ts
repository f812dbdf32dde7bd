// P3, P5, P7: clients against a server in memory, on lines that drop, lag, duplicate and fall back, with a server that
// refuses, forgets and begins topics anew. A failure prints its seed: FUZZ_SEED=n npm run test:fuzz.

import { describe, expect, test } from "vitest";

import { createClient } from "../../src/index.ts";
import type { Mutation } from "../../src/core.ts";
import { createTestWorld, die, type TestSocket, type TestWorld } from "../../src/testing.ts";
import { FlickerWatch } from "./flicker.ts";

const runs = Number(process.env["FUZZ_RUNS"] ?? 150);
const first = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 1e9));
const seeds = Array.from({ length: process.env["FUZZ_SEED"] ? 1 : runs }, (_, n) => first + n);

const topics = ["doc:1", "doc:2"];
const ids = ["a", "b", "c", "d"];

interface Player {
  readonly client: ReturnType<typeof createClient>;
  readonly mutations: Mutation[];
  readonly watches: FlickerWatch[];
}

class Game {
  readonly world: TestWorld;
  readonly players: Player[] = [];
  readonly #random: () => number;
  readonly #forgets: boolean;
  #count = 0;
  /** Topics whose lanes were forgotten: what was sent and not answered then may happen twice, as after 90 days. */
  readonly #forgotten = new Set<string>();

  constructor(seed: number) {
    this.#random = die(seed);
    this.#forgets = seed % 3 === 0;
    this.world = createTestWorld({
      seed,
      auto: false,
      inFlight: 1 + this.#int(8),
      chunk: 1 + this.#int(4),
      heartbeatMs: 5_000,
    });
    this.world.network.requests = "refuse";
    for (const user of ["alice", "bob", "carol"]) this.#join(user);
  }

  #join(user: string): void {
    const client = createClient({ url: "http://test", user, pollMs: 1_000, lingerMs: 50, ...this.world.options() });
    const player: Player = { client, mutations: [], watches: [] };
    for (const name of topics) {
      const topic = client.topic<{ n: number }>(name);
      const watch = new FlickerWatch(`${user} ${name}`);
      player.watches.push(watch);
      topic.subscribe((view) => watch.look(new Map(view.ids.map((id) => [id, view.get(id)?.n]))));
    }
    this.players.push(player);
  }

  async play(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) await this.#turn();
  }

  async #turn(): Promise<void> {
    const { network, server } = this.world;
    const socket = this.#pick(network.sockets.slice(-8));
    const player = this.#pick(this.players);
    const topic = this.#pick(topics) ?? "";
    const dice = this.#int(100);
    if (dice < 25) this.#write(player, topic);
    else if (dice < 45) socket?.read(this.#int(4));
    else if (dice < 65) socket?.deliver(this.#int(5));
    else if (dice < 78) this.#dialled();
    else if (dice < 82 && socket) this.#cut(socket);
    else if (dice < 84) server.busy(this.#int(5));
    else if (dice < 86) network.requests = this.#pick(["open", "refuse"] as const) ?? "open";
    else if (dice < 87) this.#restart();
    else if (dice < 88) this.#again(topic);
    else if (dice < 89) this.#forget(topic);
    else if (dice < 91) this.world.wake();
    else await this.world.run(this.#int(this.#int(10) === 0 ? 8_000 : 400));
  }

  #write(player: Player | undefined, name: string): void {
    const topic = player?.client.topic<{ n: number; other?: boolean }>(name);
    const id = this.#pick(ids) ?? "a";
    const n = ++this.#count;
    const kind = this.#int(10);
    if (!topic || !player) return;
    const guard = this.#int(4) === 0 ? { ifVersion: "seen" as const } : {};
    if (kind < 5) player.mutations.push(topic.put(id, { n }, guard));
    else if (kind < 7) player.mutations.push(topic.patch(id, { n }, guard));
    else if (kind < 8) player.mutations.push(topic.delete(id, guard));
    else if (kind < 9) player.mutations.push(topic.emit("note", { n }));
    else
      player.mutations.push(
        topic.transact((tx) => {
          tx.put(id, { n });
          tx.put("z", { n });
        }),
      );
  }

  // Opens, or refuses, what is being dialled.
  #dialled(): void {
    for (const socket of this.world.network.sockets.filter(({ state }) => state === "dialing"))
      if (this.#int(5) === 0) socket.end();
      else this.world.network.accept(socket);
  }

  #cut(socket: TestSocket): void {
    const { network } = this.world;
    // A server that has read a frame may have acted on it: half of the time the client's last words still arrive.
    if (this.#int(2) === 0) socket.read();
    if (socket.state === "open") network.cut(socket, this.#pick([1006, 1001, 1012, 4408]));
  }

  #restart(): void {
    this.world.network.cutAll(1012);
    this.world.server.sessions.clear();
  }

  #again(topic: string): void {
    this.#forgotten.delete(topic);
    this.world.server.recreate(topic);
  }

  #forget(topic: string): void {
    if (!this.#forgets) return;
    this.#forgotten.add(topic);
    this.world.server.topic(topic).forgetLanes();
  }

  /** Lets everything come to rest on good lines. */
  async settle(): Promise<void> {
    const { network, server } = this.world;
    network.requests = "open";
    server.busy(0);
    for (let round = 0; round < 400; round++) {
      for (const socket of network.sockets) if (socket.state === "dialing") network.accept(socket);
      network.flush();
      await this.world.run(250);
      if (
        round > 40 &&
        this.players.every(({ client }) => client.status.pending === 0 && client.status.phase === "live")
      )
        break;
    }
    network.flush();
    server.beat();
    await this.world.run(20_000);
    network.flush();
    await this.world.run(100);
  }

  check(): void {
    for (const { client, mutations, watches } of this.players) {
      expect(client.status).toMatchObject({ phase: "live", pending: 0 });
      expect(mutations.filter(({ stage }) => stage !== "observed" && stage !== "rejected")).toEqual([]);
      for (const name of topics) {
        const view = client.topic(name).getSnapshot();
        const rows = Object.fromEntries(view.ids.map((id) => [id, view.get(id)]));
        expect({ name, status: view.status, rows }).toEqual({
          name,
          status: "live",
          rows: Object.fromEntries(this.world.server.topic(name).rows),
        });
      }
      for (const watch of watches) watch.check();
    }
    for (const name of topics) {
      const { applied } = this.world.server.topic(name);
      if (!this.#forgotten.has(name)) expect(applied.length).toBe(new Set(applied).size);
    }
  }

  #int(n: number): number {
    return Math.floor(this.#random() * n);
  }

  #pick<V>(list: readonly V[]): V | undefined {
    return list[this.#int(list.length)];
  }
}

describe("P3, P5, P7: clients on bad lines", () => {
  test.each(seeds)("seed %d", async (seed) => {
    const game = new Game(seed);
    await game.play(400);
    await game.settle();
    game.check();
    for (const { client } of game.players) client.close();
  });
});

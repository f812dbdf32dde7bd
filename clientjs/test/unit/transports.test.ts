// The ladder, waking and closing: the client on lines that misbehave, in fake time.

import { describe, expect, test } from "vitest";

import {
  call,
  createClient,
  events,
  keep,
  longPoll,
  memoryStorage,
  onSignal,
  presence,
  signal,
  sse,
} from "../../src/index.ts";
import { createTestWorld, type TestWorldOptions } from "../../src/testing.ts";
import type { ClientOptions } from "../../src/options.ts";

function house(options: Partial<ClientOptions> = {}, world = createTestWorld()) {
  const client = createClient({ url: "http://test", user: "alice", ...world.options(), ...options });
  const list = client.topic<{ title: string }>("gift-list:1");
  return { world, client, list };
}

describe("P11: the ladder", () => {
  test.each(["refuse", "swallow"] as const)("a WebSocket that meets %s: long poll, and back by itself", async (how) => {
    const { world, client, list } = house();
    world.network.webSockets = how;
    list.subscribe(() => undefined);
    const m = list.put("g1", { title: "kite" });
    await world.run(8_000);
    expect(client.status).toMatchObject({ phase: "live", via: "long-poll" });
    expect(m.stage).toBe("observed");
    world.server.put("gift-list:1", "g2", { title: "drum" });
    await world.run(10);
    expect(list.rows).toHaveLength(2);
    world.network.webSockets = "open";
    const during = list.put("g3", { title: "ball" });
    await world.run(60_000);
    expect(client.status).toMatchObject({ phase: "live", via: "websocket" });
    expect(during.stage).toBe("observed");
    expect(list.getSnapshot().position.version).toBe(3);
    expect(world.server.topic("gift-list:1").applied.filter((id) => id.startsWith("c1/"))).toEqual(["c1/1", "c1/2"]);
  });

  test("without a free slot a long poll asks now and then, and writes are not starved", async () => {
    const world = createTestWorld();
    const { env } = world.options();
    const { client, list } = house(
      { transports: [longPoll()], env: { ...env, takeSlot: async () => undefined } },
      world,
    );
    list.subscribe(() => undefined);
    const m = list.put("g1", { title: "kite" });
    await world.run(100);
    expect(m.stage).toBe("observed");
    world.server.put("gift-list:1", "g2", { title: "drum" });
    await world.run(5_000);
    expect(list.rows).toHaveLength(1);
    await world.run(5_100);
    expect(list.rows).toHaveLength(2);
    expect(client.status.via).toBe("long-poll");
  });

  test("a lost answer of a poll: positions take the session back, nothing is skipped", async () => {
    const { world, client, list } = house({ transports: [longPoll()] });
    list.subscribe(() => undefined);
    await world.run(50);
    world.network.requests = "refuse";
    for (let n = 0; n < 5; n++) world.server.put("gift-list:1", `g${n}`, { title: String(n) });
    await world.run(40_000);
    world.network.requests = "open";
    await world.run(60_000);
    expect(client.status.phase).toBe("live");
    expect(list.rows).toHaveLength(5);
  });
});

describe("the line", () => {
  test("bye: it comes back after the time that the server asked for, and not sooner", async () => {
    const { world, client, list } = house();
    list.subscribe(() => undefined);
    await world.run(6_000);
    const [session] = world.server.sessions.values();
    session?.say({ type: "bye", reason: "restart", retry_after_ms: 1_500 });
    await world.run(1_400);
    expect(client.status).toMatchObject({ phase: "waiting", reason: "restart" });
    await world.run(400);
    expect(client.status.phase).toBe("live");
  });

  test("half-open with a write pending: the line is given up within 7 s, and the write arrives", async () => {
    const { world, client, list } = house();
    list.subscribe(() => undefined);
    await world.run(10_000);
    world.network.auto = false;
    const m = list.put("g1", { title: "kite" });
    await world.run(6_900);
    expect(client.status.phase).toBe("live");
    world.network.auto = true;
    await world.run(2_000);
    expect([client.status.phase, m.stage]).toEqual(["live", "observed"]);
    expect(world.network.sockets).toHaveLength(2);
  });

  test("an offline socket stays open and silent: a wake finds out in 2 s", async () => {
    const { world, client, list } = house();
    list.subscribe(() => undefined);
    await world.run(10_000);
    world.network.auto = false;
    world.network.requests = "refuse";
    world.wake();
    await world.run(2_001);
    expect(client.status.phase).not.toBe("live");
    expect(list.getSnapshot().status).toBe("stale");
  });

  test("disconnect keeps the line closed, whatever is done meanwhile; connect goes on", async () => {
    const { world, client, list } = house();
    list.subscribe(() => undefined);
    await world.run(10);
    client.disconnect();
    const m = list.put("g1", { title: "kite" });
    world.wake();
    await world.run(60_000);
    expect([client.status.phase, m.stage, list.getSnapshot().status]).toEqual(["idle", "queued", "stale"]);
    expect(list.get("g1")).toEqual({ title: "kite" });
    client.connect();
    await world.run(100);
    expect([client.status.phase, m.stage]).toEqual(["live", "observed"]);
  });

  test("closing ends it for good", async () => {
    const { world, client, list } = house();
    list.subscribe(() => undefined);
    await world.run(10);
    client.close();
    await world.run(60_000);
    expect(client.status.phase).toBe("closed");
    expect(world.network.open).toEqual([]);
  });

  test("a debug log shows frames and states in order", async () => {
    const log: string[] = [];
    const { world, list } = house({ debug: ({ what, detail }) => log.push(`${what} ${JSON.stringify(detail)}`) });
    list.subscribe(() => undefined);
    await world.run(10);
    expect(log.map((line) => line.slice(0, 24))).toEqual([
      'connecting "websocket"',
      'receive {"type":"welcome',
      'live "websocket"',
      'send "{\\"type\\":\\"subscr',
      'receive {"type":"subscri',
      'receive {"type":"snapsho',
    ]);
  });
});

describe("signals, presence, calls, events", () => {
  const options: TestWorldOptions = { calls: { add: (params) => (params as number[]).reduce((a, b) => a + b, 0) } };

  test("they reach the others", async () => {
    const world = createTestWorld(options);
    const alice = house({}, world);
    const bob = house({ user: "bob" }, world);
    const heard: unknown[] = [];
    onSignal(bob.list, (heardOne) => heard.push(heardOne));
    const here: number[] = [];
    presence(bob.list).subscribe(({ count }) => here.push(count));
    alice.list.subscribe(() => undefined);
    presence(alice.list).set({ at: 7 });
    await world.run(20);
    signal(alice.list, "typing", { at: 7 });
    await world.run(20);
    expect(heard).toEqual([{ event: "typing", payload: { at: 7 }, user: "alice" }]);
    expect(here.at(-1)).toBe(1);
    expect(presence(bob.list).getSnapshot().members).toMatchObject([{ user: "alice", state: { at: 7 } }]);
    await expect(run(world, call<number>(alice.client, "add", [1, 2, 3]))).resolves.toBe(6);
    await expect(run(world, call(alice.client, "nothing"))).rejects.toMatchObject({ code: "not_found" });
  });

  test("every event comes, also those of one message, and none twice", async () => {
    const { world, list } = house();
    const versions: number[] = [];
    void (async () => {
      for await (const event of events(list)) if (event.kind === "event") versions.push(event.version);
    })();
    await world.run(20);
    for (let n = 0; n < 5; n++) world.server.put("gift-list:1", "same", { title: String(n) });
    await world.run(20);
    expect(versions).toEqual([1, 2, 3, 4, 5]);
  });
});

describe("storage", () => {
  test("a later client goes on where an earlier one was: rows, position, and mutations under their numbers", async () => {
    const world = createTestWorld();
    const storage = memoryStorage();
    const first = house({ storage: keep(storage) }, world);
    for (const id of ["a", "b", "c", "d"]) world.server.put("gift-list:1", id, { title: id });
    first.list.subscribe(() => undefined);
    await world.run(50);
    world.network.auto = false;
    first.list.put("e", { title: "sent" });
    first.list.patch("a", { title: "A" });
    for (const socket of world.network.open) socket.read();
    await world.run(1);
    first.client.close();
    world.network.auto = true;
    world.network.webSockets = world.network.requests = "refuse";
    const second = house({ storage: keep(storage) }, world);
    second.list.subscribe(() => undefined);
    const early = second.list.put("e", { title: "later" }); // before what was kept has been read
    await world.run(1);
    expect(second.list.rows).toHaveLength(5);
    expect(second.client.pending).toHaveLength(3);
    expect([early.stage, second.list.get("e")]).toEqual(["queued", { title: "later" }]);
    world.network.webSockets = world.network.requests = "open";
    await world.run(20_000);
    expect(second.client.pending).toHaveLength(0);
    expect(world.server.topic("gift-list:1").applied.slice(4)).toEqual(["c1/1", "c1/2", "c1/3"]);
    expect(second.list.get("a")).toEqual({ title: "A" });
    expect(await storage.readMutations("gift-list:1")).toEqual([]);
  });
});

test("sse: frames in a stream, writes beside it", async () => {
  const world = createTestWorld();
  const client = createClient({ url: "http://test", transports: [sse()], ...world.options() });
  const list = client.topic<{ title: string }>("gift-list:1");
  list.subscribe(() => undefined);
  const m = list.put("g1", { title: "kite" });
  await world.run(100);
  expect([client.status.via, m.stage]).toEqual(["sse", "observed"]);
  client.close();
});

async function run<V>(world: ReturnType<typeof createTestWorld>, promise: Promise<V>): Promise<V> {
  promise.catch(() => undefined);
  await world.run(50);
  return promise;
}

// The client against the real server, over real sockets.

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import {
  call,
  createClient,
  events,
  longPoll,
  onEvent,
  onSignal,
  poll,
  presence,
  signal,
  sse,
  type Transport,
  webSocket,
} from "../../src/index.ts";
import { Server, until } from "./house.ts";

const server = new Server();
beforeAll(() => server.start(), 60_000);
afterAll(() => server.remove());

const clients: ReturnType<typeof createClient>[] = [];
function join(user: string, transport?: Transport) {
  const client = server.client({ user, pollMs: 100, ...(transport && { transports: [transport] }) });
  clients.push(client);
  return client;
}
afterAll(() => clients.forEach((client) => client.close()));

const ways: [string, () => Transport][] = [
  ["websocket", webSocket],
  ["long poll", longPoll],
  ["poll", poll],
  ["sse", sse],
];

describe.each(ways)("P11 over %s", (way, transport) => {
  const topic = `gift-list:${way.replace(" ", "")}`;

  test("load, write, follow, reject, and the same rows at the end (P6, P7)", async () => {
    const alice = join("alice", transport()).topic<{ title: string; claimed?: boolean }>(topic);
    const bob = join("bob").topic<{ title: string; claimed?: boolean }>(topic);
    alice.subscribe(() => undefined);
    bob.subscribe(() => undefined);
    const first = alice.put("g1", { title: "kite" });
    const twice = bob.put("g2", { title: "drum" });
    await Promise.all([first.observed, twice.observed]);
    await until("both show both", () => alice.rows.length === 2 && bob.rows.length === 2);
    await alice.patch("g2", { claimed: true }, { ifVersion: "seen" }).observed;
    await until("bob shows the claim", () => bob.get("g2")?.claimed === true);
    const lost = bob.patch("g2", { claimed: false }, { ifVersion: 1 });
    await expect(lost.accepted).rejects.toMatchObject({ code: "conflict" });
    expect(lost.error?.current?.value).toEqual({ title: "drum", claimed: true });
    await alice.transact((tx) => {
      tx.delete("g1");
      tx.put("g3", { title: "ball" });
      tx.emit("moved", { from: "g1" });
    }).observed;
    await until("the same rows", () => JSON.stringify(alice.rows) === JSON.stringify(bob.rows));
    expect(alice.getSnapshot().ids).toEqual(["g2", "g3"]);
    expect(alice.getSnapshot().position).toEqual(bob.getSnapshot().position);
  });

  test("two first writers, and pipelined writes, on a topic that does not exist yet", async () => {
    const name = `${topic}-new`;
    const alice = join("alice", transport()).topic(name);
    const bob = join("bob", transport()).topic(name);
    alice.subscribe(() => undefined);
    bob.subscribe(() => undefined);
    const all = [alice, bob].flatMap((who, n) =>
      Array.from({ length: 100 }, (_, i) => who.put(`w${n}-${String(i).padStart(3, "0")}`, { i })),
    );
    await Promise.all(all.map((m) => m.observed));
    await until("the same rows", () => alice.rows.length === 200 && bob.rows.length === 200);
    expect(alice.getSnapshot().position.version).toBe(200);
  });
});

test("500 queued writes are applied once each, in order", async () => {
  const client = join("alice");
  const topic = client.topic<{ n: number }>("doc:queued");
  const heard: number[] = [];
  onEvent(topic, (event) => event.kind === "event" && heard.push(event.value.n));
  const all = Array.from({ length: 500 }, (_, n) => topic.put(`r${n % 7}`, { n }));
  await Promise.all(all.map((m) => m.observed));
  expect(client.status.pending).toBe(0);
  await until("all seen", () => topic.getSnapshot().position.version === 500);
});

test("signals and presence reach the others, calls say that nobody answers them", async () => {
  const alice = join("alice");
  const bob = join("bob");
  const heard: unknown[] = [];
  const here: number[] = [];
  onSignal(bob.topic("doc:here"), ({ event, payload, user }) => heard.push([event, payload, user]));
  presence(bob.topic("doc:here")).subscribe(({ count }) => here.push(count));
  const doc = alice.topic("doc:here");
  doc.subscribe(() => undefined);
  await until(
    "both are there",
    () => doc.getSnapshot().status === "live" && bob.topic("doc:here").getSnapshot().status === "live",
  );
  presence(doc).set({ name: "Alice" });
  await until("alice is seen", () => here.at(-1) === 1);
  expect(presence(bob.topic("doc:here")).getSnapshot().members).toMatchObject([
    { user: "alice", state: { name: "Alice" } },
  ]);
  signal(doc, "typing", { at: 7 });
  await until("the signal is heard", () => heard.length > 0);
  expect(heard).toEqual([["typing", { at: 7 }, "alice"]]);
  presence(doc).set(undefined);
  await until("alice is gone", () => here.at(-1) === 0);
  await expect(call(alice, "nothing", {}, 3_000)).rejects.toMatchObject({ name: "LockstepError" });
});

test("every event, one by one", async () => {
  const topic = join("alice").topic<{ n: number }>("chat:every");
  const writer = join("bob").topic<{ n: number }>("chat:every");
  const got: number[] = [];
  const reading = (async () => {
    for await (const event of events(topic)) {
      if (event.kind === "event") got.push(event.value.n);
      if (got.length === 50) break;
    }
  })();
  await until("follows", () => topic.getSnapshot().status === "live");
  for (let n = 0; n < 50; n++) writer.put("same", { n });
  await reading;
  expect(got).toEqual(Array.from({ length: 50 }, (_, n) => n));
});

describe.each(ways.slice(0, 2))("P2, P3: the server is killed and restarted under %s", (way, transport) => {
  test("nothing is lost and nothing happens twice", async () => {
    const topic = `doc:killed-${way.replace(" ", "")}`;
    const alice = join("alice", transport()).topic<{ n: number }>(topic);
    const bob = join("bob").topic<{ n: number }>(topic);
    alice.subscribe(() => undefined);
    bob.subscribe(() => undefined);
    const all = [];
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 40; n++) all.push(alice.put(`r${round}-${n}`, { n }));
      await all[all.length - 30]?.accepted;
      await server.stop(round === 1 ? "SIGTERM" : "SIGKILL");
      all.push(alice.put(`offline-${round}`, { n: round }));
      await server.start();
    }
    await Promise.all(all.map((m) => m.observed));
    await until(
      "the same rows",
      () => JSON.stringify(alice.rows) === JSON.stringify(bob.rows) && bob.rows.length === 123,
    );
    expect(alice.getSnapshot().position.version).toBe(123);
  }, 60_000);
});

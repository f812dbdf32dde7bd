// Topics that are deleted, many topics, and a large one, on the real server.

import { afterAll, beforeAll, expect, test } from "vitest";

import { longPoll, type Transport, webSocket } from "../../src/index.ts";
import { Server, until } from "./house.ts";

const server = new Server();
beforeAll(() => server.start(), 60_000);
afterAll(() => server.remove());

const ways: [string, () => Transport][] = [
  ["websocket", webSocket],
  ["long poll", longPoll],
];

test.each(ways)("over %s a deleted topic begins anew: all start over, and writes go on", async (way, transport) => {
  const name = `doc:deleted-${way.replace(" ", "")}`;
  const alice = server.client({ transports: [transport()] });
  const bob = server.client({ user: "bob" });
  const [mine, theirs] = [alice.topic(name), bob.topic(name)];
  mine.subscribe(() => undefined);
  theirs.subscribe(() => undefined);
  for (let n = 0; n < 5; n++) mine.put(`r${n}`, { n });
  await until("both show five", () => mine.rows.length === 5 && theirs.rows.length === 5);
  const before = mine.getSnapshot().position.epoch;
  await fetch(`${server.url}/v1/topics/${name}`, { method: "DELETE" });
  const during = Array.from({ length: 5 }, (_, n) => mine.put(`d${n}`, { n }));
  await until("all are decided", () => during.every(({ stage }) => stage === "observed" || stage === "rejected"));
  const codes = new Set(during.flatMap(({ error }) => error?.code ?? []));
  expect([...codes].filter((code) => code !== "epoch_changed" && code !== "needs_rejected")).toEqual([]);
  await until(
    "both start over",
    () => mine.getSnapshot().position.epoch !== before && mine.getSnapshot().status === "live",
  );
  await theirs.put("new", { n: 1 }).observed;
  await mine.put("newer", { n: 2 }).observed;
  await until("the same rows", () => JSON.stringify(mine.rows) === JSON.stringify(theirs.rows));
  expect(mine.get("r0")).toBeUndefined();
  alice.close();
  bob.close();
});

test("two hundred topics on one line", async () => {
  const client = server.client();
  const topics = Array.from({ length: 200 }, (_, n) => client.topic<{ n: number }>(`many:${n}`));
  for (const topic of topics) topic.subscribe(() => undefined);
  await Promise.all(topics.map((topic, n) => topic.put("a", { n }).observed));
  expect(topics.map((topic) => topic.get("a")?.n)).toEqual(topics.map((_, n) => n));
  client.close();
});

test("P4: ten thousand rows are shown at once, and never in part", async () => {
  const writer = server.client({ user: "bob" });
  const big = writer.topic("doc:big");
  const writes = Array.from({ length: 100 }, (_, n) =>
    big.transact((tx) => {
      for (let i = 0; i < 100; i++) tx.put(`r${n * 100 + i}`, { n, i, pad: "x".repeat(100) });
    }),
  );
  await Promise.all(writes.map((m) => m.accepted));
  const reader = server.client();
  const sizes = new Set<number>();
  reader.topic("doc:big").subscribe((view) => sizes.add(view.rows.length));
  await until("all rows", () => sizes.has(10_000));
  expect([...sizes]).toEqual([10_000]);
  writer.close();
  reader.close();
});

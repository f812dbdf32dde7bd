// Down the ladder of transports, rung by rung, and up again: WebSocket, long poll, plain poll (P11).

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { live, open, settled, until } from "./house.mjs";

let house;
before(async () => {
  house = await open();
});
after(() => house?.close());

const write = (page, n) => page.evaluate((i) => put(`r${i}`, { i }), n);

// The transports that were live, in order.
const rungs = (page) =>
  page.evaluate(() => {
    const ways = phases.filter((phase) => phase.startsWith("live")).map((phase) => phase.slice(5));
    return ways.filter((via, i) => via !== ways[i - 1]);
  });

describe("P11: a proxy in the way", { concurrency: true }, () => {
  for (const how of ["refuse", "swallow", "die"])
    test(`WebSockets: ${how}; long poll, and back`, async () => {
      const topic = `doc:proxy-${how}`;
      const proxy = await house.proxy();
      proxy.upgrades = how;
      const page = await house.page(topic, { proxy, user: "alice" });
      const other = await house.page(topic, { user: "bob" });
      await write(page, 1);
      await live(page, "long-poll");
      await Promise.all([write(page, 2), write(other, 3)]);
      await Promise.all([settled(page), settled(other)]);
      await house.agree(topic, page, other);
      proxy.heal();
      await live(page);
      await Promise.all([write(page, 4), write(other, 5)]);
      await Promise.all([settled(page), settled(other)]);
      assert.equal(await house.agree(topic, page, other), 5);
      const ways = await rungs(page);
      // A line that dies was live before, and so may those be that are tried beside the long poll.
      if (how === "die") assert.deepEqual([...ways.slice(0, 2), ways.at(-1)], ["websocket", "long-poll", "websocket"]);
      else assert.deepEqual(ways, ["long-poll", "websocket"]);
      await Promise.all([page.context().close(), other.context().close()]);
    });

  test("WebSockets and held polls: plain poll; then up again, rung by rung", async () => {
    const topic = "doc:proxy-holds";
    const proxy = await house.proxy();
    Object.assign(proxy, { upgrades: "refuse", holds: "cut" });
    const page = await house.page(topic, { proxy, user: "alice", die: "0.01" });
    const other = await house.page(topic, { user: "bob" });
    await write(page, 1);
    await live(page, "poll");
    await Promise.all([write(page, 2), write(other, 3)]);
    await Promise.all([settled(page), settled(other)]);
    await house.agree(topic, page, other);
    proxy.holds = "pass";
    await live(page, "long-poll");
    await Promise.all([write(page, 4), write(other, 5)]);
    await Promise.all([settled(page), settled(other)]);
    await house.agree(topic, page, other);
    proxy.heal();
    await live(page);
    await Promise.all([write(page, 6), write(other, 7)]);
    await Promise.all([settled(page), settled(other)]);
    assert.equal(await house.agree(topic, page, other), 7);
    assert.deepEqual((await rungs(page)).slice(-3), ["poll", "long-poll", "websocket"]);
    await Promise.all([page.context().close(), other.context().close()]);
  });
});

// Runs in a page: writes, and tells how long the server's answer took.
async function answered(n) {
  const start = performance.now();
  await list.put(`t${n}`, { n }).accepted;
  return performance.now() - start;
}

for (const [what, held, script] of [
  ["three of them hold polls by navigator.locks", 3, undefined],
  ["without navigator.locks all of them poll", 0, () => delete Navigator.prototype.locks],
])
  test(`eight tabs with WebSocket blocked, and writes are not starved: ${what}`, async () => {
    const topic = `doc:tabs-${held}`;
    const proxy = await house.proxy();
    proxy.upgrades = "refuse";
    const context = await house.chromium.newContext();
    const tabs = await Promise.all(
      Array.from({ length: 8 }, () => house.page(topic, { context, proxy, user: "alice", script })),
    );
    await Promise.all(tabs.map((tab) => live(tab, "long-poll")));
    if (held > 0) {
      const slots = () => tabs[0].evaluate(async () => (await navigator.locks.query()).held.length);
      await until(`${held} polls are held`, async () => (await slots()) === held);
    }
    const took = await Promise.all(tabs.map((tab, n) => tab.evaluate(answered, n)));
    assert.ok(Math.max(...took) < 6_000, `the answers took ${took.map(Math.round)} ms`);
    assert.equal(await house.agree(topic, ...tabs), 8);
    await context.close();
  });

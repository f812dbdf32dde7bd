// The line goes away, and the client notices, keeps what was written and goes on by itself.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { live, noticed, open, painted, settled, until } from "./house.mjs";

let house;
before(async () => {
  house = await open();
});
after(() => house?.close());

test("P2, P3: the server is killed amid pipelined writes and restarted: each write is applied once", async () => {
  const topic = "doc:restart";
  const page = await house.page(topic, { user: "alice" });
  await live(page);
  await page.evaluate(() => {
    const flow = setInterval(() => {
      put(`r${writes.length % 7}`, { n: writes.length });
      if (writes.length === 200) clearInterval(flow);
    }, 5);
  });
  await until("the first writes are accepted", () => page.evaluate(() => writes[20]?.stage === "observed"));
  await house.server.kill();
  await noticed(page);
  await until("all is written", () => page.evaluate(() => writes.length === 200));
  assert.ok(await page.evaluate(() => client.status.pending > 0));
  assert.equal(await page.evaluate(() => list.getSnapshot().status), "stale");
  assert.match(await painted(page), /"n":199/, "what was written meanwhile is painted");
  await house.server.start();
  await settled(page);
  assert.equal(await house.agree(topic, page), 200);
  const phases = await page.evaluate(() => phases.filter((phase) => !phase.startsWith("connecting")));
  assert.deepEqual(phases.slice(0, 2), ["live websocket", "waiting undefined"]);
  await live(page); // it may have come back on a lower rung, and climbs
  await page.context().close();
});

describe("the server lives on", { concurrency: true }, () => {
  test("P5, P7: offline: the socket stays open and silent; the client notices, and online it goes on", async () => {
    const topic = "doc:offline";
    const context = await house.chromium.newContext();
    const page = await house.page(topic, { context, user: "alice" });
    const other = await house.page(topic, { user: "bob" });
    await Promise.all([live(page), live(other)]);
    await page.evaluate(() => {
      window.closes = 0;
      for (const socket of sockets) socket.addEventListener("close", () => closes++);
      addEventListener("offline", () => (window.atOffline = sockets.at(-1).readyState));
    });
    await context.setOffline(true);
    await page.evaluate(() => put("a", { n: 1 }));
    await other.evaluate(() => put("b", { n: 2 }));
    await settled(other);
    await noticed(page, 5_000);
    assert.deepEqual(
      await page.evaluate(() => [atOffline, closes]),
      [1, 0],
      "nothing but the client's own test told it",
    );
    assert.equal(await painted(page), '[["a",{"n":1}]]');
    await context.setOffline(false);
    await settled(page);
    assert.equal(await house.agree(topic, page, other), 2);
    await context.close();
    await other.context().close();
  });

  for (const [flow, what] of [
    ["none", "is lost"],
    ["up", "arrives and its answer is lost"],
  ])
    test(`P3: half-open, and the write that is pending ${what}: it is applied once`, async () => {
      const topic = `doc:halfopen-${flow}`;
      const proxy = await house.proxy();
      const page = await house.page(topic, { proxy, user: "alice" });
      await live(page);
      proxy.flow = flow;
      await page.evaluate(() => put("a", { n: 1 }));
      if (flow === "up")
        await until("the write has arrived", async () => (await house.server.topic(topic)).version === 1);
      await noticed(page, 9_000);
      assert.equal(await page.evaluate(() => writes[0].stage === "observed"), false);
      proxy.heal();
      await settled(page);
      assert.equal(await house.agree(topic, page), 1);
      await page.context().close();
    });
});

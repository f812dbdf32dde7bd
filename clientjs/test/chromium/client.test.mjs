// The client in a real browser: LOCKSTEP_BIN names another binary than bin/lockstep.

import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { open, phase, rows, stages, until } from "./house.mjs";

let house;
before(async () => {
  house = await open();
});
after(() => house?.close());
beforeEach(() => Object.assign(house.proxy, { upgrades: "pass", requests: "pass", frozen: false }));

// Runs in a page.
function write(who) {
  for (let n = 0; n < 20; n++) put(`${who}${n % 5}`, { n });
}

const settled = (page) => until("all writes are observed", async () => /^(observed,?)*$/.test(await stages(page)));
const live = (page, via = "websocket") =>
  until(`live by ${via}`, async () => (await phase(page)) === `live ${via}`, 30_000);

test("a page on another port, with one script tag; the server is killed and restarted", async () => {
  const page = await house.page("doc:restart");
  await live(page);
  await page.evaluate(() => put("a", { n: 1 }));
  await settled(page);
  await house.server.stop();
  await until("it is noticed", async () => !(await phase(page)).startsWith("live"));
  await page.evaluate(() => put("a", { n: 2 }));
  assert.equal(await page.evaluate(() => list.getSnapshot().status), "stale");
  assert.equal(await rows(page), '[{"n":2}]');
  await house.server.start();
  await settled(page);
  assert.equal(await page.evaluate(() => list.getSnapshot().position.version), 2);
  await page.context().close();
});

test("offline: the socket stays open and silent, and the client notices; back online it goes on by itself", async () => {
  const context = await house.chromium.newContext();
  const page = await house.page("doc:offline", { context });
  await live(page);
  await context.setOffline(true);
  await page.evaluate(() => put("a", { n: 1 }));
  await until("it is noticed", async () => !(await phase(page)).startsWith("live"), 5_000);
  await context.setOffline(false);
  await settled(page);
  await context.close();
});

test("half-open with a write pending: the line is given up, and the write arrives", async () => {
  const page = await house.page("doc:halfopen");
  await live(page);
  house.proxy.frozen = true;
  await page.evaluate(() => put("a", { n: 1 }));
  await until("it is noticed", async () => !(await phase(page)).startsWith("live"), 9_000);
  house.proxy.frozen = false;
  house.proxy.cut();
  await settled(page);
  await page.context().close();
});

for (const how of ["refuse", "swallow", "die"])
  test(`a proxy that does this to WebSockets: ${how}; long poll, and back`, async () => {
    house.proxy.upgrades = how;
    const page = await house.page(`doc:proxy-${how}`);
    await live(page, "long-poll");
    await page.evaluate(() => put("a", { n: 1 }));
    await settled(page);
    house.proxy.upgrades = "pass";
    await live(page);
    await page.evaluate(() => put("a", { n: 2 }));
    await settled(page);
    assert.equal(await page.evaluate(() => list.getSnapshot().position.version), 2);
    await page.context().close();
  });

test("eight tabs with WebSocket blocked: held polls do not starve writes", async () => {
  house.proxy.upgrades = "refuse";
  const context = await house.chromium.newContext();
  const tabs = [];
  for (let n = 0; n < 8; n++) tabs.push(await house.page("doc:tabs", { context }));
  for (const tab of tabs) await live(tab, "long-poll");
  for (const [n, tab] of tabs.entries()) await tab.evaluate((i) => void put(`t${i}`, { i }), n);
  for (const tab of tabs) await settled(tab);
  await until("all tabs show all", async () =>
    (await Promise.all(tabs.map(rows))).every((r) => JSON.parse(r).length === 8),
  );
  await context.close();
});

test("500 queued writes, and a duplicated tab: nothing is lost, nothing happens twice", async () => {
  const context = await house.chromium.newContext();
  const page = await house.page("doc:queued", { context });
  await live(page);
  await context.setOffline(true);
  await page.evaluate(() => {
    for (let n = 0; n < 500; n++) put(`r${n}`, { n });
  });
  const [twin] = await Promise.all([
    context.waitForEvent("page"),
    page.evaluate(() => void window.open(location.href)),
  ]);
  await context.setOffline(false);
  await twin.reload();
  await settled(page);
  await until("the twin shows all", async () => JSON.parse(await rows(twin)).length === 500);
  await twin.evaluate(() => put("twin", { n: 1 }));
  await settled(twin);
  assert.equal(await twin.evaluate(() => list.getSnapshot().position.version), 501);
  await context.close();
});

test("a page that is left and come back to goes on", async () => {
  const page = await house.page("doc:bfcache");
  await live(page);
  await page.goto("about:blank");
  await page.goBack();
  await live(page);
  await page.evaluate(() => put("a", { n: 1 }));
  await settled(page);
  await page.context().close();
});

test("a hidden page that is shown tests its line within 2 s", async () => {
  const page = await house.page("doc:hidden");
  await live(page);
  await page.evaluate(() => {
    Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  house.proxy.frozen = true;
  await page.evaluate(() => {
    Object.defineProperty(document, "visibilityState", { value: "visible", configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await until("it is noticed", async () => !(await phase(page)).startsWith("live"), 3_500);
  house.proxy.frozen = false;
  house.proxy.cut();
  await live(page);
  await page.context().close();
});

test("two first writers, and pipelined writes, on a topic that does not exist yet", async () => {
  const [alice, bob] = await Promise.all([house.page("doc:first"), house.page("doc:first", { user: "bob" })]);
  await Promise.all([alice.evaluate(write, "a"), bob.evaluate(write, "b")]);
  await Promise.all([settled(alice), settled(bob)]);
  await until("the same rows", async () => (await rows(alice)) === (await rows(bob)));
  assert.equal(await alice.evaluate(() => list.getSnapshot().position.version), 40);
  await alice.context().close();
  await bob.context().close();
});

test("a pending patch on a row that another deletes is refused, and the row goes", async () => {
  const context = await house.chromium.newContext();
  const alice = await house.page("doc:gone", { context });
  const bob = await house.page("doc:gone", { user: "bob" });
  await alice.evaluate(() => put("a", { n: 1 }));
  await settled(alice);
  await context.setOffline(true);
  await alice.evaluate(() => void (window.lost = list.patch("a", { n: 2 })));
  await bob.evaluate(() => list.delete("a").observed);
  await context.setOffline(false);
  await until("it is refused", () => alice.evaluate(() => lost.error?.code === "not_found"));
  assert.equal(await rows(alice), "[]");
  await context.close();
  await bob.context().close();
});

test("a slow reader still repaints", async () => {
  const page = await house.page("doc:slow");
  const writer = await house.page("doc:slow", { user: "bob" });
  await Promise.all([live(page), live(writer)]);
  const writing = writer.evaluate(async () => {
    for (let tick = 0; tick < 60; tick++) {
      for (let n = 0; n < 50; n++) list.put(`r${n}`, { n: tick * 50 + n, pad: "x".repeat(2000) });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
  const painted = await page.evaluate(async () => {
    const seen = new Set();
    for (let turn = 0; turn < 15; turn++) {
      for (const end = performance.now() + 150; performance.now() < end;);
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      seen.add(list.getSnapshot().position.version);
    }
    return seen.size;
  });
  await writing;
  assert.ok(painted >= 5, `${painted} different states in 15 turns`);
  await until("the same rows", async () => (await rows(page)) === (await rows(writer)));
  await page.context().close();
  await writer.context().close();
});

test("1,000 rows under 500 events a second: no long tasks", async (t) => {
  const page = await house.page("doc:busy");
  const writer = await house.page("doc:busy", { user: "bob" });
  await Promise.all([live(page), live(writer)]);
  await writer.evaluate(async () => {
    for (let n = 0; n < 1000; n++) put(`r${n}`, { n: 0 });
    await window.ms.at(-1).observed;
  });
  await until("1,000 rows", async () => JSON.parse(await rows(page)).length === 1000);
  await page.evaluate(() => {
    window.long = [];
    new PerformanceObserver((list) => long.push(...list.getEntries().map((e) => e.duration))).observe({
      entryTypes: ["longtask"],
    });
    list.subscribe((view) => (document.title = String(view.rows.length)));
    window.before = views;
  });
  await writer.evaluate(async () => {
    for (let tick = 0; tick < 100; tick++) {
      for (let n = 0; n < 25; n++) list.put(`r${(tick * 25 + n) % 1000}`, { n: tick * 25 + n + 1 });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
  await until("the same rows", async () => (await rows(page)) === (await rows(writer)));
  const { long, shown } = await page.evaluate(() => ({ long: window.long, shown: views - window.before }));
  t.diagnostic(`${long.length} tasks over 50 ms (longest ${Math.max(0, ...long)} ms); ${shown} views`);
  assert.ok(long.every((ms) => ms < 500));
  await page.context().close();
  await writer.context().close();
});

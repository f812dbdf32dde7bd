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

// What a person does with a page: puts another one in front of it, leaves it and comes back, duplicates it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { live, noticed, open, painted, settled, until } from "./house.mjs";

let house;
before(async () => {
  house = await open({ plain: true });
});
after(() => house?.close());

const visible = (page, state) =>
  until(`the page is ${state}`, () => page.evaluate((wanted) => document.visibilityState === wanted, state));

test("a hidden page follows on; shown again, it finds out within 2 s that its line is dead", async () => {
  const topic = "doc:hidden";
  const { context } = house.chromium;
  const proxy = await house.proxy();
  const page = await house.page(topic, { context, proxy, user: "alice" });
  const front = await house.page(topic, { context, user: "bob" });
  await Promise.all([live(page), live(front)]);
  await front.bringToFront();
  await visible(page, "hidden");
  await front.evaluate(() => put("a", { n: 1 }));
  await settled(front);
  await house.agree(topic, page, front);
  proxy.flow = "none";
  await front.evaluate(() => put("a", { n: 2 }));
  await settled(front);
  await page.evaluate(() => {
    client.subscribe(() => (window.noticedAt ??= client.status.phase === "live" ? undefined : performance.now()));
    document.addEventListener("visibilitychange", () => (window.shownAt = performance.now()));
  });
  await page.bringToFront();
  await visible(page, "visible");
  await noticed(page);
  const took = await page.evaluate(() => noticedAt - shownAt);
  assert.ok(took > 1_500 && took < 6_000, `it took ${took} ms`);
  proxy.heal();
  assert.equal(await house.agree(topic, page, front), 2);
  await Promise.all([page.close(), front.close()]);
});

test("P3, P5: back from the back/forward cache a page is what it was, and catches up", async () => {
  const topic = "doc:bfcache";
  const { context } = house.chromium;
  const page = await house.page(topic, { context, user: "alice" });
  const other = await house.page(topic, { context, user: "bob" });
  await Promise.all([live(page), live(other)]);
  await page.evaluate(() => {
    addEventListener("pagehide", () => put("left", { n: 1 }));
    addEventListener("pageshow", ({ persisted }) => {
      window.shown = { persisted, rows: JSON.stringify(list.rows) };
    });
  });
  await page.goto(`${house.server.url}/healthz`);
  await other.evaluate(() => {
    for (let n = 0; n < 10; n++) put("meanwhile", { n });
  });
  await settled(other);
  // Not page.goBack, which waits for a load.
  const session = await context.newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: "history.back()" });
  await until(
    "the page is back",
    () => page.evaluate(() => globalThis.shown !== undefined).catch(() => false), // while pages change places
  );
  const { persisted, rows } = await page.evaluate(() => shown);
  assert.equal(persisted, true, "it came from the cache");
  assert.equal(rows, '[{"n":1}]', "with what it wrote last");
  await live(page);
  await settled(page);
  assert.equal(await house.agree(topic, page, other), 11);
  assert.equal(await page.evaluate(() => sockets.length), 2, "on one new socket");
  await Promise.all([page.close(), other.close()]);
});

test("P3: a duplicated tab with writes on their way: neither loses any, and nothing happens twice", async () => {
  const topic = "doc:twin";
  const { context } = house.chromium;
  const proxy = await house.proxy();
  const page = await house.page(topic, { context, proxy, user: "alice" });
  await live(page);
  await page.evaluate(() => put("before", { n: 0 }));
  await settled(page);
  proxy.flow = "up";
  // A window that a page opens has a copy of its session storage, as a duplicate has.
  const [twin] = await Promise.all([
    context.waitForEvent("page"),
    page.evaluate(() => {
      for (let n = 0; n < 20; n++) put(`page${n}`, { n });
      window.open(location.href);
    }),
  ]);
  await until("the writes arrive, unanswered", async () => (await house.server.topic(topic)).version === 21);
  proxy.heal();
  await live(twin);
  await twin.evaluate(() => {
    for (let n = 0; n < 20; n++) put(`twin${n}`, { n });
  });
  await Promise.all([settled(page), settled(twin)]);
  assert.equal(await house.agree(topic, page, twin), 41);
  assert.match(await painted(twin), /"page19".*"twin19"/);
  await Promise.all([page.close(), twin.close()]);
});

// Pages with much to do.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { live, open, painted, settled, until } from "./house.mjs";

const longTaskMs = 500; // ten times what a browser calls long

let house;
before(async () => {
  house = await open();
});
after(() => house?.close());

async function pair(topic) {
  const [reader, writer] = await Promise.all(["alice", "bob"].map((user) => house.page(topic, { user })));
  await Promise.all([live(reader), live(writer)]);
  return { reader, writer, close: () => Promise.all([reader.context().close(), writer.context().close()]) };
}

test("P9, P10: a slow reader still repaints, and ends equal", async () => {
  const topic = "doc:slow";
  const { reader, writer, close } = await pair(topic);
  await writer.evaluate(() => {
    let tick = 0;
    window.flow = setInterval(() => {
      for (let n = 0; n < 20; n++) list.put(`r${n}`, { n: tick * 20 + n, pad: "x".repeat(2000) });
      tick++;
    }, 50);
  });
  await until("rows arrive", async () => (await painted(reader)) !== "");
  const states = await reader.evaluate(async () => {
    const seen = new Set();
    for (let turn = 0; turn < 15; turn++) {
      for (const end = performance.now() + 150; performance.now() < end;);
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      seen.add(document.querySelector("output").textContent);
    }
    return seen.size;
  });
  assert.ok(states >= 5, `${states} different states were painted in 15 turns`);
  await writer.evaluate(() => clearInterval(flow));
  await until("all is sent", () => writer.evaluate(() => client.status.pending === 0));
  await house.agree(topic, reader, writer);
  await close();
});

test("1,000 rows under 500 events a second: no long tasks", async (t) => {
  const topic = "doc:busy";
  const { reader, writer, close } = await pair(topic);
  await writer.evaluate(() => {
    for (let n = 0; n < 1000; n++) put(`r${n}`, { n: 0 });
  });
  await settled(writer);
  assert.equal(await house.agree(topic, reader, writer), 1000);
  await reader.evaluate(() => {
    window.long = [];
    const observer = new PerformanceObserver((tasks) => long.push(...tasks.getEntries().map((e) => e.duration)));
    observer.observe({ entryTypes: ["longtask"] });
    window.before = views;
  });
  const ms = await writer.evaluate(async () => {
    const start = performance.now();
    let last;
    for (let sent = 0; sent < 2500;) {
      for (const due = Math.min((performance.now() - start) / 2, 2500); sent < due; sent++)
        last = list.put(`r${sent % 1000}`, { n: sent + 1 });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await last.observed;
    return performance.now() - start;
  });
  assert.equal(await house.agree(topic, reader, writer), 3500);
  const { long, shown } = await reader.evaluate(() => ({ long: window.long, shown: views - window.before }));
  const longest = Math.max(0, ...long);
  t.diagnostic(
    `${Math.round(2500 / (ms / 1000))} events/s, ${shown} views: ${long.length} tasks over 50 ms, longest ${longest} ms`,
  );
  assert.ok(ms < 50_000, `2,500 events took ${ms} ms`);
  assert.ok(shown > 50, `${shown} views`);
  assert.ok(longest < longTaskMs);
  await close();
});

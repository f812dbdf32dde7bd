// Writes that meet: with each other, with deletes, with a line that is not there.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { live, open, painted, settled, until } from "./house.mjs";

let house;
before(async () => {
  house = await open();
});
after(() => house?.close());

// Runs in a page: pipelined writes, of its own rows and of one that both write.
function write(who) {
  for (let n = 0; n < 20; n++) put(n % 5 === 0 ? "both" : `${who}${n % 5}`, { who, n });
}

test("P1, P7: two first writers, and pipelined writes, on a topic that does not exist yet", async () => {
  const topic = "doc:first";
  const [alice, bob] = await Promise.all(["alice", "bob"].map((user) => house.page(topic, { user })));
  await Promise.all([live(alice), live(bob)]);
  assert.equal((await house.server.topic(topic)).version, 0);
  await Promise.all([alice.evaluate(write, "a"), bob.evaluate(write, "b")]);
  await Promise.all([settled(alice), settled(bob)]);
  assert.equal(await house.agree(topic, alice, bob), 40);
  assert.equal(JSON.parse(await painted(alice)).length, 9);
  await Promise.all([alice.context().close(), bob.context().close()]);
});

test("P7: a pending patch on a row that another deletes is refused, and the row goes", async () => {
  const topic = "doc:gone";
  const context = await house.chromium.newContext();
  const alice = await house.page(topic, { context, user: "alice" });
  const bob = await house.page(topic, { user: "bob" });
  await Promise.all([live(alice), live(bob)]);
  await alice.evaluate(() => put("a", { n: 1 }));
  await alice.evaluate(() => put("b", { n: 1 }));
  await settled(alice);
  await house.agree(topic, alice, bob);
  await context.setOffline(true);
  await alice.evaluate(() => {
    window.refusals = [];
    client.onRejected(({ error }) => refusals.push(error.code));
    window.lost = list.patch("a", { n: 2 });
    put("b", { n: 2 });
  });
  assert.equal(await painted(alice), '[["a",{"n":2}],["b",{"n":2}]]');
  await bob.evaluate(() => list.delete("a").observed);
  await context.setOffline(false);
  await until("it is refused", () => alice.evaluate(() => lost.stage === "rejected"));
  assert.deepEqual(await alice.evaluate(() => [lost.error.code, ...refusals]), ["not_found", "not_found"]);
  await settled(alice);
  assert.equal(await house.agree(topic, alice, bob), 4);
  assert.equal(await painted(alice), '[["b",{"n":2}]]');
  await context.close();
  await bob.context().close();
});

test("P3: 500 queued writes arrive in order, and none twice", async () => {
  const topic = "doc:queued";
  const context = await house.chromium.newContext();
  const page = await house.page(topic, { context, user: "alice" });
  const other = await house.page(topic, { user: "bob" });
  await Promise.all([live(page), live(other)]);
  await other.evaluate(() => {
    window.order = [];
    lockstep.onEvent(list, ({ value }) => order.push(value.n));
  });
  await context.setOffline(true);
  await page.evaluate(() => {
    for (let n = 0; n < 500; n++) put(`r${n % 400}`, { n });
  });
  assert.equal(await page.evaluate(() => client.status.pending), 500);
  assert.equal(JSON.parse(await painted(page)).length, 400);
  await context.setOffline(false);
  await settled(page);
  assert.equal(await house.agree(topic, page, other), 500);
  const order = await other.evaluate(() => order);
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
  );
  assert.equal(new Set(order).size, order.length);
  await context.close();
  await other.context().close();
});

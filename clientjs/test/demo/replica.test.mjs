import assert from "node:assert/strict";
import { test } from "node:test";

import { Replica } from "../../demo/replica.js";

const epoch = "aaaaaaaaaaaaa";
const put = (version, entity_id, payload) => ({ version, event: "ADDED", data: { entity_id, payload } });
const gone = (version, entity_id) => ({ version, event: "DELETED", op: "delete", data: { entity_id, payload: null } });
const row = (version, entity_id, payload) => ({ version, entity_id, payload });
const events = (from, to, list, more = false) => ({ type: "events", epoch, from, to, events: list, more });
const payloads = ({ rows }) => Object.fromEntries([...rows].map(([id, { payload }]) => [id, payload]));

function loaded() {
  const replica = new Replica();
  replica.restart(epoch);
  replica.snapshot({ epoch, version: 2, to: 2, entities: [row(1, "a", 1), row(2, "b", 2)], more: false });
  return replica;
}

test("a run is shown when it is complete, and not before (P4)", () => {
  const replica = new Replica();
  replica.subscribed({ epoch, version: 0 });
  assert.equal(replica.snapshot({ epoch, version: 9, to: 4, entities: [row(4, "a", 1)], more: true }), "staged");
  assert.deepEqual(payloads(replica.shown), {});
  assert.deepEqual(replica.position, { epoch, version: 4 }, "it would resume behind the chunk");
  assert.equal(replica.snapshot({ epoch, version: 9, to: 9, entities: [row(9, "b", 2)], more: false }), "shown");
  assert.deepEqual(payloads(replica.shown), { a: 1, b: 2 });
  assert.deepEqual(replica.position, { epoch, version: 9 });
});

test("events apply when they join on, are skipped when known, and leave a gap otherwise (P5)", () => {
  const replica = loaded();
  assert.equal(replica.events(events(3, 4, [put(4, "c", 3)])), "gap");
  assert.equal(replica.events(events(0, 2, [put(1, "a", "old")])), "known");
  assert.equal(replica.events(events(1, 3, [put(2, "b", "old"), put(3, "c", 3)])), "shown");
  assert.deepEqual(payloads(replica.shown), { a: 1, b: 2, c: 3 });
});

test("a delete removes, a custom event touches nothing, and a conflated run may delete what is not here", () => {
  const replica = loaded();
  const custom = { version: 3, event: "chat.message", op: "none", data: { entity_id: "a", payload: "hello" } };
  assert.equal(replica.events(events(2, 9, [custom, gone(4, "a"), gone(9, "nobody")])), "shown");
  assert.deepEqual(payloads(replica.shown), { b: 2 });
});

test("a resync keeps what is shown until the new run is complete", () => {
  const replica = loaded();
  replica.restart("bbbbbbbbbbbbb");
  assert.deepEqual(payloads(replica.shown), { a: 1, b: 2 });
  replica.snapshot({ epoch: "bbbbbbbbbbbbb", version: 1, to: 1, entities: [row(1, "z", 0)], more: false });
  assert.deepEqual(payloads(replica.shown), { z: 0 });
  assert.equal(replica.shown.epoch, "bbbbbbbbbbbbb");
});

test("a run that is cut off goes on from its last chunk, deletions included", () => {
  const replica = new Replica();
  replica.subscribed({ epoch, version: 0 });
  replica.snapshot({ epoch, version: 9, to: 4, entities: [row(3, "a", 1), row(4, "b", 2)], more: true });
  replica.subscribed({ epoch, version: 4 });
  assert.equal(replica.events(events(4, 12, [gone(11, "a"), put(12, "c", 3)])), "shown");
  assert.deepEqual(payloads(replica.shown), { b: 2, c: 3 });
});

test("an empty topic's epoch stands for whatever epoch comes next", () => {
  const replica = new Replica();
  replica.subscribed({ epoch, version: 0 });
  replica.snapshot({ epoch, version: 0, to: 0, entities: [], more: false });
  const first = { ...events(0, 1, [put(1, "a", 1)]), epoch: "bbbbbbbbbbbbb" };
  assert.equal(replica.events(first), "shown");
  assert.deepEqual(replica.position, { epoch: "bbbbbbbbbbbbb", version: 1 });
});

test("a mark ahead of the replica is a gap, and shows nothing", () => {
  const replica = loaded();
  assert.equal(replica.mark({ epoch, version: 3 }), "gap");
  assert.equal(replica.mark({ epoch: "bbbbbbbbbbbbb", version: 2 }), "gap");
  assert.equal(replica.mark({ epoch, version: 2 }), "known");
  replica.events(events(2, 4, [put(4, "c", 3)], true));
  assert.equal(replica.mark({ epoch, version: 4 }), "known");
  assert.deepEqual(payloads(replica.shown), { a: 1, b: 2 });
});

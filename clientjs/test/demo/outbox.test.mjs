import assert from "node:assert/strict";
import { test } from "node:test";

import { mergePatch } from "../../demo/patch.js";
import { Outbox } from "../../demo/outbox.js";
import { FakeClock } from "./fakes.mjs";

const topic = "gift-list:t";
const epoch = "aaaaaaaaaaaaa";

function setUp({ limit = 64, rows = {} } = {}) {
  const sent = [];
  const rejections = [];
  const clock = new FakeClock();
  let clients = 0;
  const outbox = new Outbox({
    topic,
    clock,
    send: (frame) => sent.push(frame),
    newClient: () => `c${++clients}`,
    onRejected: (rejection) => rejections.push(rejection),
  });
  const entries = Object.entries(rows).map(([id, [version, payload]]) => [id, { entity_id: id, version, payload }]);
  const shown = { epoch, version: 5, rows: new Map(entries) };
  outbox.open(limit);
  const add = (op, entity_id, payload, guard) => outbox.add([{ op, entity_id, payload, guard }], shown);
  const ack = (seq, version, client = outbox.client) =>
    outbox.answer({ type: "ack", client, seq, topic, epoch, version });
  const reject = (seq, code, retry, more = {}) =>
    outbox.answer({ type: "reject", client: outbox.client, seq, topic, code, retry, ...more });
  const seqs = () => sent.splice(0).map(({ client, seq }) => `${client}/${seq}`);
  const view = () => Object.fromEntries([...outbox.overlay(shown)].map(([id, { payload }]) => [id, payload]));
  return { outbox, sent, rejections, clock, shown, add, ack, reject, seqs, view };
}

test("a layer shows at once and goes in the batch that shows the ack's version", () => {
  const { outbox, shown, add, ack, view } = setUp({ rows: { a: [1, { n: 1 }] } });
  add("patch", "a", { n: 2 });
  assert.deepEqual(view(), { a: { n: 2 } });
  assert.equal(outbox.overlay(shown).get("a").pending, true);
  ack(1, 6);
  outbox.observe(shown);
  assert.equal(outbox.size, 1, "version 6 is not shown yet");
  outbox.observe({ ...shown, version: 6 });
  assert.equal(outbox.size, 0);
});

test("an event of its own decides a mutation, whether or not its ack comes", () => {
  const { outbox, shown, add, ack, seqs } = setUp();
  add("put", "a", 1);
  outbox.recognize({ client: outbox.client, seq: 1, version: 6 }, epoch);
  outbox.observe({ ...shown, version: 6 });
  assert.equal(outbox.size, 0);
  ack(1, 6);
  outbox.close();
  seqs();
  outbox.open();
  assert.deepEqual(seqs(), [], "nothing is sent again");
});

test("after a reconnect the unanswered go again in order, with the same bytes (P3)", () => {
  const { outbox, sent, add, ack, seqs } = setUp();
  for (const id of ["a", "b", "a"]) add("put", id, 1);
  const before = structuredClone(sent);
  ack(1, 6);
  outbox.close();
  add("put", "d", 1);
  assert.equal(outbox.oldestUnanswered, 2);
  sent.length = 0;
  outbox.open();
  assert.deepEqual(sent.slice(0, 2), before.slice(1), "needs and guards are as they were");
  assert.deepEqual(seqs(), ["c1/2", "c1/3", "c1/4"]);
});

test("at most the limit is unanswered", () => {
  const { add, ack, seqs } = setUp({ limit: 2 });
  for (const id of ["a", "b", "c"]) add("put", id, 1);
  assert.deepEqual(seqs(), ["c1/1", "c1/2"]);
  ack(1, 6);
  assert.deepEqual(seqs(), ["c1/3"]);
});

test("a refusal for now rewinds the lane: the answers behind it are awaited, then all go again", () => {
  const { add, reject, seqs, clock } = setUp();
  for (const id of ["a", "b", "c"]) add("put", id, 1);
  seqs();
  reject(1, "overloaded", "later", { retry_after_ms: 500 });
  reject(2, "gap", "later", { expected: 1 });
  add("put", "d", 1);
  assert.deepEqual(seqs(), []);
  reject(3, "gap", "later", { expected: 1 });
  clock.run(499);
  assert.deepEqual(seqs(), []);
  clock.run(1);
  assert.deepEqual(seqs(), ["c1/1", "c1/2", "c1/3", "c1/4"]);
});

test("a final refusal drops its layer and says so; what builds on it says needs", () => {
  const { sent, rejections, add, reject, view } = setUp({ rows: { a: [1, { n: 1 }] } });
  add("patch", "a", { n: 2 });
  add("patch", "a", { m: 3 });
  assert.equal(sent[1].needs, 1);
  reject(1, "conflict", "never", { current: { entity_id: "a", payload: { n: 9 } }, current_version: 7 });
  assert.deepEqual(view(), { a: { n: 1, m: 3 } });
  assert.equal(rejections[0].code, "conflict");
  assert.equal(rejections[0].current.version, 7);
});

test("a guard is the version seen, or the mutation of ours that made what was seen", () => {
  const { sent, add } = setUp({ rows: { a: [4, {}] } });
  add("patch", "a", { n: 1 }, true);
  add("patch", "a", { n: 2 }, true);
  add("patch", "b", { n: 2 }, true);
  add("patch", "a", { n: 3 }, 12);
  const guards = sent.map(({ changes }) => changes[0].if_version);
  assert.deepEqual(guards, [4, { seq: 1 }, 0, 12]);
});

test("a lane that is gone: what went out once gets a new number, what may have happened is given back", () => {
  const { outbox, rejections, add, ack, reject, seqs } = setUp();
  add("put", "kept", 1);
  ack(1, 6);
  add("put", "sent twice", 1);
  outbox.close();
  outbox.open();
  add("put", "sent once", 1);
  seqs();
  reject(2, "expired", "never");
  assert.deepEqual(
    rejections.map(({ mutation }) => mutation.guarded[0].change.entity_id),
    ["sent twice"],
  );
  assert.deepEqual(seqs(), ["c2/1"]);
  ack(1, 7, "c1");
  assert.equal(outbox.oldestUnanswered, 1, "answers of the lane given up mean nothing");
});

test("a lane that wants a number we no longer have is given up", () => {
  const { add, reject, seqs } = setUp();
  add("put", "a", 1);
  add("put", "b", 1);
  reject(1, "epoch_changed", "never");
  seqs();
  reject(2, "gap", "later", { expected: 1 });
  assert.deepEqual(seqs(), ["c2/1"]);
});

test("layers: put, patch, delete, and a patch of nothing", () => {
  const { add, view } = setUp({ rows: { a: [1, { n: 1, m: 1 }], b: [2, {}] } });
  add("patch", "a", { m: null, o: { p: 1 } });
  add("delete", "b");
  add("put", "c", "new");
  add("patch", "nobody", { x: 1 });
  assert.deepEqual(view(), { a: { n: 1, o: { p: 1 } }, c: "new" });
});

test("merge patch: the cases of RFC 7396, and a member called __proto__", () => {
  const cases = [
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [["a", "b"], ["c"], ["c"]],
    [{ a: "foo" }, null, null],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [value, patch, want] of cases) assert.deepEqual(mergePatch(value, patch), want);
  const sly = mergePatch({}, JSON.parse('{"__proto__":{"admin":true}}'));
  assert.equal({}.admin, undefined);
  assert.equal(sly.admin, undefined);
  assert.ok(Object.hasOwn(sly, "__proto__"));
});

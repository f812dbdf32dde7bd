import assert from "node:assert/strict";
import { test } from "node:test";

import { Session } from "../../demo/session.js";
import { FakeServer } from "./fakeserver.mjs";
import { FakeClock, FakeSocket, die } from "./fakes.mjs";

const topic = "gift-list:t";

function join(server, clock, clients = { made: 0 }) {
  const lines = [];
  const rejections = [];
  const session = new Session({
    topics: [topic],
    clock,
    dial() {
      lines.push(server.accept(new FakeSocket()));
      return lines.at(-1);
    },
    newClient: () => `c${++clients.made}`,
    onChange() {},
    onApplied() {},
    onRejected: (_, rejection) => rejections.push(rejection),
  });
  session.open();
  const settle = () => {
    for (let i = 0; i < 20; i++) {
      for (const line of lines) line.deliver();
      server.read(lines.at(-1));
    }
  };
  const view = () => Object.fromEntries([...session.rows(topic)].map(([id, { payload }]) => [id, payload]));
  return { session, lines, line: () => lines.at(-1), settle, view, rejections };
}

const put = (entity_id, payload) => ({ op: "put", entity_id, payload });

test("coming back costs what changed meanwhile (P10)", () => {
  const [server, clock] = [new FakeServer(), new FakeClock()];
  const [a, b] = [join(server, clock), join(server, clock, { made: 100 })];
  for (const side of [a, b]) side.settle();
  for (let n = 0; n < 7; n++) a.session.mutate(topic, [put(`g${n}`, n)]);
  a.settle();
  b.settle();
  b.session.hold();
  assert.equal(b.session.status, "held");
  for (let n = 0; n < 50; n++) a.session.mutate(topic, [put("g1", n)]);
  a.settle();
  b.session.open();
  b.settle();
  assert.equal(b.session.status, "live");
  assert.equal(b.session.catchUp.events, 1, "fifty events of one entity are one");
  assert.deepEqual(b.view(), a.view());
});

test("what happens after the return is not counted as catching up", () => {
  const [server, clock] = [new FakeServer(), new FakeClock()];
  const a = join(server, clock);
  a.settle();
  a.session.mutate(topic, [put("g1", 1)]);
  a.settle();
  const news = (version, timestamp) =>
    JSON.stringify({
      type: "events",
      topic,
      epoch: "aaaaaaaaaaaaa",
      from: version - 1,
      to: version,
      events: [{ version, event: "X", data: { entity_id: "g2", payload: version, timestamp } }],
      more: false,
    });
  a.session.hold();
  a.session.open();
  a.settle();
  const missed = ["2026-01-01T00:00:00.000Z", "2026-01-01T00:00:01.000Z"];
  for (const [i, timestamp] of [...missed, "2026-01-01T00:00:09.000Z"].entries()) {
    a.line().toClient.push(news(i + 2, timestamp));
    a.line().deliver();
  }
  assert.deepEqual(a.view(), { g1: 1, g2: 4 });
  assert.equal(a.session.catchUp.events, 2);
});

test("edits made offline show at once, are kept, and go out after the return", () => {
  const [server, clock] = [new FakeServer(), new FakeClock()];
  const a = join(server, clock);
  a.settle();
  a.session.hold();
  a.session.mutate(topic, [put("g1", "offline")]);
  assert.deepEqual(a.view(), { g1: "offline" });
  assert.equal(a.session.pending(topic), 1);
  a.session.open();
  a.settle();
  assert.equal(a.session.pending(topic), 0);
  assert.deepEqual(server.topic(topic).applied, ["c1/1"]);
});

test("an ack for what is shown already drops its layer at once", () => {
  const [server, clock] = [new FakeServer(), new FakeClock()];
  const a = join(server, clock);
  a.settle();
  a.session.mutate(topic, [put("g1", 1)]);
  a.settle();
  a.session.mutate(topic, [put("g1", 1)]);
  const unchanged = {
    type: "ack",
    client: "c1",
    seq: 2,
    topic,
    epoch: "aaaaaaaaaaaaa",
    version: 1,
    status: "unchanged",
  };
  a.line().toClient.push(JSON.stringify(unchanged));
  a.line().deliver();
  assert.equal(a.session.pending(topic), 0);
});

test("a line left behind says nothing any more", () => {
  const [server, clock] = [new FakeServer(), new FakeClock()];
  const a = join(server, clock);
  a.settle();
  a.session.hold();
  a.session.open();
  a.settle();
  assert.equal(a.session.status, "live");
  assert.equal(a.lines.length, 2);
});

test("a gap is repaired from the replica's position, and from nothing the second time", () => {
  const [server, clock] = [new FakeServer(), new FakeClock()];
  const a = join(server, clock);
  a.settle();
  const asks = () => a.line().toServer.map((text) => JSON.parse(text).topics[0].version);
  const epoch = "aaaaaaaaaaaaa";
  a.session.mutate(topic, [put("g1", 1)]);
  a.settle();
  const skip = JSON.stringify({ type: "events", topic, epoch, from: 7, to: 8, events: [] });
  a.line().toClient.push(skip);
  a.line().deliver();
  assert.deepEqual(asks(), [1]);
  a.line().toClient.push(skip);
  a.line().deliver();
  assert.deepEqual(asks(), [1], "frames of the cursor before are ignored until subscribed");
  server.read(a.line());
  a.line().deliver();
  a.line().toClient.push(skip);
  a.line().deliver();
  assert.deepEqual(asks(), [undefined]);
  a.settle();
  assert.deepEqual(a.view(), { g1: 1 });
});

test("a silent line is tested and dropped; a lost one is dialed again, at once when the world changes", () => {
  const [server, clock] = [new FakeServer(), new FakeClock()];
  const a = join(server, clock);
  a.settle();
  clock.run(50_000);
  assert.ok(
    a.line().toServer.some((text) => text.includes("ping")),
    "two silent heartbeats are suspicious",
  );
  a.settle();
  clock.run(49_000);
  assert.equal(a.session.status, "live", "it answered");
  clock.run(3_000);
  assert.equal(a.session.status, "waiting", "it did not answer");
  a.session.wake();
  assert.equal(a.lines.length, 2);
  a.settle();
  assert.equal(a.session.status, "live");
});

test("a close that dialing again would not mend ends the dialing", () => {
  const [server, clock] = [new FakeServer(), new FakeClock()];
  const a = join(server, clock);
  a.line().cut(4403);
  assert.equal(a.session.status, "refused");
  clock.run(60_000);
  assert.equal(a.lines.length, 1);
});

test("a bye's pause is kept", () => {
  const [server, clock] = [new FakeServer(), new FakeClock()];
  const a = join(server, clock);
  a.settle();
  a.line().toClient.push(JSON.stringify({ type: "bye", reason: "deploy", retry_after_ms: 5_000 }));
  a.line().deliver();
  a.line().cut(1012);
  clock.run(4_999);
  assert.equal(a.lines.length, 1);
  clock.run(300);
  assert.equal(a.lines.length, 2);
});

test("a topic begun anew: what was pending is refused and said so, and the next edit goes through", () => {
  const [server, clock] = [new FakeServer(), new FakeClock()];
  const a = join(server, clock);
  a.settle();
  for (const id of ["g1", "g2"]) a.session.mutate(topic, [put(id, 1)]);
  a.settle();
  a.session.hold();
  a.session.mutate(topic, [put("g3", 1)]);
  server.begin(topic, "bbbbbbbbbbbbb");
  a.session.open();
  a.settle();
  assert.deepEqual(
    a.rejections.map(({ code }) => code),
    ["epoch_changed"],
  );
  assert.deepEqual(a.view(), {});
  a.session.mutate(topic, [put("g4", 1)]);
  a.settle();
  assert.deepEqual(a.view(), { g4: 1 });
  assert.equal(a.session.pending(topic), 0);
});

// Lines that tear anywhere, frames that come in pieces, a server that is busy now and then: when the traffic stops every
// view equals the server's rows (P7), and every wish has happened once or was refused (P3).
for (let seed = 1; seed <= 60; seed++) {
  test(`chaos with seed ${seed}`, () => {
    const roll = die(seed);
    const pick = (list) => list[Math.floor(roll() * list.length)];
    const [server, clock, clients] = [new FakeServer(), new FakeClock(), { made: 0 }];
    const sides = [0, 1, 2].map(() => join(server, clock, clients));
    let wishes = 0;
    const deeds = {
      wish(side) {
        const id = `g${Math.floor(roll() * 6)}`;
        const op = pick(["put", "put", "patch", "delete"]);
        const payload = op === "delete" ? undefined : { [pick(["x", "y"])]: wishes };
        side.session.mutate(topic, [{ op, entity_id: id, payload, guard: roll() < 0.2 ? true : undefined }]);
        wishes++;
      },
      read: (side) => server.read(side.line(), 1 + Math.floor(roll() * 3)),
      deliver: (side) => side.line().deliver(1 + Math.floor(roll() * 3)),
      cut: (side) => side.line().cut(),
      hold: (side) => side.session.hold(),
      open: (side) => side.session.open(),
      busy: () => server.busy(2),
      wait: () => clock.run(roll() * 400),
    };
    const weights = ["wish", "wish", "read", "read", "read", "deliver", "deliver", "deliver", "wait", "wait", "open"];
    const rare = ["cut", "cut", "hold", "busy"];
    for (let step = 0; step < 1_500; step++) deeds[roll() < 0.06 ? pick(rare) : pick(weights)](pick(sides));
    for (const side of sides) side.session.open();
    for (let round = 0; round < 60; round++) {
      clock.run(500);
      for (const side of sides) side.settle();
    }
    const { applied } = server.topic(topic);
    assert.equal(new Set(applied).size, applied.length, "nothing was applied twice");
    const refused = sides.reduce((sum, { rejections }) => sum + rejections.length, 0);
    assert.equal(applied.length + refused, wishes, "every wish happened or was refused");
    for (const side of sides) {
      assert.equal(side.session.pending(topic), 0);
      assert.deepEqual(side.view(), Object.fromEntries(server.topic(topic).rows()));
    }
  });
}

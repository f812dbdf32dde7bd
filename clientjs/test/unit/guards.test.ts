// What comes from outside and from the application, at its worst.

import { describe, expect, test, vi } from "vitest";

import { type ClientOptions, createClient, keepOpen, onEvent, type TopicEvent, webSocket } from "../../src/index.ts";
import { createTestWorld, FakeClock } from "../../src/testing.ts";
import { Tokens } from "../../src/token.ts";
import { parseFrames } from "../../src/wire.ts";

const topic = "gift-list:1";

const tooBig = "9007199254740993";
const event = (version: string): string =>
  `{"version":${version},"event":"ADDED","data":{"entity_id":"a","payload":1}}`;
const jwt = (exp: number): string => `h.${btoa(JSON.stringify({ sub: "alice", exp }))}.s`;

function house(more: Partial<ClientOptions> = {}) {
  const world = createTestWorld();
  const client = createClient({ url: "http://test", user: "alice", ...world.options(), ...more });
  return { world, client, list: client.topic<unknown>(topic) };
}

describe("versions beyond 2^53-1 are refused, not rounded", () => {
  test.each([
    `{"type":"mark","topic":"${topic}","epoch":"e","version":${tooBig}}`,
    `{"type":"events","topic":"${topic}","epoch":"e","from":0,"to":${tooBig},"events":[],"more":false}`,
    `{"type":"events","topic":"${topic}","epoch":"e","from":0,"to":1,"events":[${event(tooBig)}],"more":false}`,
    `{"type":"snapshot","topic":"${topic}","epoch":"e","version":1,"to":1,"entities":[{"entity_id":"a","version":${tooBig}}]}`,
    `{"type":"mark","topic":"${topic}","epoch":"e","version":-1}`,
    `{"type":"mark","topic":"${topic}","epoch":"e","version":1.5}`,
    `{"type":"mark","topic":"${topic}","epoch":"e","version":"1"}`,
    `{"type":"events","topic":"${topic}","epoch":"e","from":0,"to":1,"more":false}`,
    `"events"`,
    `null`,
  ])("%s", (text) => expect(() => parseFrames(text)).toThrow(Error));

  test("P5: such a frame ends the line, nothing of it is shown, and the next line goes on", async () => {
    const { world, client, list } = house();
    world.server.put(topic, "a", 1);
    const seen: unknown[] = [];
    list.subscribe((view) => seen.push(...view.rows));
    await world.run(20);
    const [session] = world.server.sessions.values();
    const { epoch } = world.server.topic(topic);
    session?.out.push(
      `{"type":"events","topic":"${topic}","epoch":"${epoch}","from":1,"to":3,"more":false,"events":[${event("2")},${event(tooBig)}]}`,
    );
    session?.wake();
    await world.run(2_000);
    expect(client.status.phase).toBe("live");
    expect(world.network.sockets.length).toBe(2);
    expect(new Set(seen)).toEqual(new Set([1]));
  });

  test("a type that nobody knows is ignored, whatever it is called", () => {
    for (const type of ["later", "constructor", "__proto__", "toString"])
      expect(parseFrames(JSON.stringify({ type }))).toEqual([{ type }]);
  });
});

test("keys such as __proto__ are only keys: as ids, in rows, in patches and as names of mutators", async () => {
  const { world, client, list } = house();
  list.subscribe(() => undefined);
  const row = JSON.parse('{"__proto__":{"polluted":1},"constructor":2}') as unknown;
  list.put("__proto__", row);
  list.put("constructor", { n: 1 });
  list.patch("constructor", JSON.parse('{"__proto__":{"polluted":1}}') as object);
  const unknown = list.mutate("__proto__", {});
  await world.run(50);
  expect(Object.prototype).not.toHaveProperty("polluted");
  expect(list.getSnapshot().ids).toEqual(["__proto__", "constructor"]);
  expect(JSON.stringify(list.get("__proto__"))).toBe('{"__proto__":{"polluted":1},"constructor":2}');
  expect(JSON.stringify(list.get("constructor"))).toBe('{"n":1,"__proto__":{"polluted":1}}');
  expect(JSON.stringify(world.server.topic(topic).rows.get("constructor"))).toBe('{"n":1,"__proto__":{"polluted":1}}');
  expect(unknown.stage).toBe("rejected");
  expect(client.topic("x:__proto__").getSnapshot().rows).toEqual([]);
});

test("what a line says after it was given up is not heard", async () => {
  const { world, list } = house();
  list.subscribe(() => undefined);
  await world.run(20);
  const [old] = world.network.sockets;
  world.network.cutAll();
  await world.run(1_000);
  world.server.put(topic, "a", 1);
  await world.run(20);
  const { epoch } = world.server.topic(topic);
  const ghost = { type: "events", topic, epoch, from: 1, to: 2, more: false, events: [] };
  old?.dispatchEvent(Object.assign(new Event("message"), { data: JSON.stringify(ghost) }));
  old?.dispatchEvent(Object.assign(new Event("close"), { code: 4403, reason: "" }));
  expect(list.getSnapshot()).toMatchObject({ status: "live", position: { version: 1 } });
});

describe("tokens", () => {
  test("one fetch serves all who ask at a time, and the next one begins another", async () => {
    let fetches = 0;
    const source = (): Promise<string> => Promise.resolve(`t${++fetches}`);
    const tokens = new Tokens(source, { ...createTestWorld().options().env } as never, () => undefined);
    expect(await Promise.all([tokens.fetch(), tokens.fetch(), tokens.fetch()])).toEqual(["t1", "t1", "t1"]);
    expect(await tokens.fetch()).toBe("t2");
  });

  test("the one in use is renewed before it expires, and again after a fetch that failed", async () => {
    const clock = new FakeClock();
    const now = Date.now() / 1000;
    const answers = [() => Promise.reject(new Error("down")), () => Promise.resolve(jwt(now + 7_200))];
    const renewed: string[] = [];
    const tokens = new Tokens(
      () => answers.shift()?.(),
      clock as never,
      (token) => renewed.push(token),
    );
    tokens.use(jwt(now + 3_600));
    await clock.run(3_600_000 - 31_000);
    expect([answers.length, renewed]).toEqual([2, []]);
    await clock.run(2_000);
    expect([answers.length, renewed]).toEqual([1, []]);
    await clock.run(5_000);
    expect(renewed).toEqual([jwt(now + 7_200)]);
    tokens.stop();
  });
});

test("P3: sent twice, and the server knows nothing of it: whether it happened is for the application to say", async () => {
  const { world, list } = house({ transports: [webSocket()] });
  list.subscribe(() => undefined);
  list.put("a", 1);
  await world.run(20);
  world.network.auto = false;
  const m = list.put("b", 2);
  for (const _ of [1, 2]) {
    world.network.cutAll();
    await world.run(1_000);
    for (const socket of world.network.sockets) if (socket.state === "dialing") world.network.accept(socket);
    for (const socket of world.network.open) socket.deliver();
    for (const socket of world.network.open) socket.read(1);
    for (const socket of world.network.open) socket.deliver();
  }
  expect(m.stage).toBe("sent");
  world.server.topic(topic).forgetLanes();
  world.network.flush();
  expect(m.error).toMatchObject({ code: "expired", unknown: true });
});

test("keepOpen: the page asks before it closes exactly while something is undecided", async () => {
  const { world, client, list } = house();
  const page = new EventTarget();
  vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
  vi.stubGlobal("removeEventListener", page.removeEventListener.bind(page));
  const asks = (): boolean => !page.dispatchEvent(new Event("beforeunload", { cancelable: true }));
  const stop = keepOpen(client);
  expect(asks()).toBe(false);
  list.put("a", 1);
  expect(asks()).toBe(true);
  await world.run(50);
  expect(asks()).toBe(false);
  list.put("b", 1);
  stop();
  expect(asks()).toBe(false);
  vi.unstubAllGlobals();
});

test("who reads events is told what the server has left out, and why it starts over", async () => {
  const { world, list } = house();
  const heard: TopicEvent[] = [];
  onEvent(list, (one) => heard.push(one));
  world.server.put(topic, "a", 1);
  await world.run(20);
  const [session] = world.server.sessions.values();
  const { epoch } = world.server.topic(topic);
  const run = { type: "events", topic, epoch, from: 1, to: 4, events: [], conflated: true, dropped: 3, more: false };
  session?.out.push(JSON.stringify(run));
  world.server.recreate(topic);
  await world.run(20);
  expect(heard).toEqual([
    { kind: "missed", topic, reason: "dropped", count: 3 },
    { kind: "missed", topic, reason: "epoch", count: 0 },
  ]);
});

import { describe, expect, test } from "vitest";

import { createClient, LockstepError } from "../../src/index.ts";
import { createTestWorld, type TestWorld, type TestWorldOptions } from "../../src/testing.ts";

interface Gift {
  title: string;
  claimed?: boolean;
}

function house(options?: TestWorldOptions) {
  const world = createTestWorld(options);
  const client = createClient({ url: "http://test", user: "alice", ...world.options() });
  const list = client.topic<Gift>("gift-list:1");
  return { world, client, list };
}

async function live(world: TestWorld): Promise<void> {
  await world.run(20);
}

describe("loading and following", () => {
  test("nothing is opened before first use", async () => {
    const { world, client } = house();
    await world.run(1000);
    expect(world.network.sockets).toEqual([]);
    expect(client.status.phase).toBe("idle");
  });

  test("a snapshot in pieces is shown at once, events follow, rows are in the order of ids", async () => {
    const { world, list } = house();
    for (const id of ["g5", "g3", "g1", "g4", "g2"]) world.server.put("gift-list:1", id, { title: id });
    const seen: string[] = [];
    list.subscribe((view) => seen.push(`${view.status} ${view.ids.join()}`));
    expect(list.getSnapshot().status).toBe("loading");
    await live(world);
    world.server.put("gift-list:1", "g0", { title: "new" });
    await live(world);
    expect(seen).toEqual(["live g1,g2,g3,g4,g5", "live g0,g1,g2,g3,g4,g5"]);
    expect(list.rows[0]).toEqual({ title: "new" });
    expect(list.getSnapshot()).toBe(list.getSnapshot());
    expect(list.getSnapshot().meta("g0")).toMatchObject({ version: 6, pending: false, user: "other" });
  });

  test("untouched rows keep their identity, through events, layers and a resync at the same version", async () => {
    const { world, list } = house();
    world.server.put("gift-list:1", "a", { title: "a" });
    world.server.put("gift-list:1", "b", { title: "b" });
    list.subscribe(() => undefined);
    await live(world);
    const a = list.get("a");
    list.patch("b", { claimed: true });
    expect(list.get("a")).toBe(a);
    const optimistic = list.get("b");
    world.server.put("gift-list:1", "c", { title: "c" });
    expect(list.get("b")).toBe(optimistic);
    await live(world);
    expect(list.get("a")).toBe(a);
  });

  test("subscriptions are counted, and linger: a double mount makes one subscription on the wire", async () => {
    const { world, list } = house();
    const sent: string[] = [];
    const stop = list.subscribe(() => undefined);
    stop();
    const stop2 = list.subscribe(() => undefined);
    await live(world);
    const [session] = world.server.sessions.values();
    expect(session?.cursors.size).toBe(1);
    stop2();
    stop2();
    await world.run(500);
    expect(session?.cursors.size).toBe(1);
    await world.run(600);
    expect(session?.cursors.size).toBe(0);
    expect(sent).toEqual([]);
  });

  test("a resync says why, and what was shown stays until all rows are there", async () => {
    const { world, list } = house();
    for (const id of ["a", "b", "c", "d", "e"]) world.server.put("gift-list:1", id, { title: id });
    const seen: number[] = [];
    list.subscribe((view) => seen.push(view.rows.length));
    await live(world);
    world.server.recreate("gift-list:1");
    world.server.put("gift-list:1", "z", { title: "z" });
    await live(world);
    expect(list.getSnapshot().ids).toEqual(["z"]);
    expect(seen.filter((n) => n !== 5 && n !== 0 && n !== 1)).toEqual([]);
  });

  test("P8: a revoked topic is denied, with the reason; its writes may go on", async () => {
    const { world, list } = house();
    list.subscribe(() => undefined);
    await live(world);
    world.server.deny("gift-list:1");
    await live(world);
    expect(list.getSnapshot().status).toBe("denied");
    expect(list.getSnapshot().error?.code).toBe("forbidden");
  });
});

describe("writing", () => {
  test("a write is shown at once, and goes through its stages", async () => {
    const { world, list } = house();
    list.subscribe(() => undefined);
    await live(world);
    const m = list.put("g1", { title: "kite" });
    expect(list.get("g1")).toEqual({ title: "kite" });
    expect(list.getSnapshot().meta("g1")).toMatchObject({ pending: true, version: 0 });
    const stages = [m.stage];
    m.subscribe(() => stages.push(m.stage));
    await live(world);
    expect(stages).toEqual(["sent", "accepted", "observed"]);
    expect(await m.accepted).toMatchObject({ version: 1 });
    await m.observed;
    expect(list.getSnapshot().meta("g1")).toMatchObject({ pending: false, version: 1 });
  });

  test("the client's status says at once that a write is pending", async () => {
    const { world, client, list } = house();
    list.subscribe(() => undefined);
    await live(world);
    const told: number[] = [];
    client.subscribe(() => told.push(client.status.pending));
    list.put("g1", { title: "kite" });
    expect([client.status.pending, ...told]).toEqual([1, 1]);
    await live(world);
    expect(told.at(-1)).toBe(0);
    const before = client.status;
    world.server.put("gift-list:1", "g2", { title: "drum" });
    await live(world);
    expect(list.rows).toHaveLength(2);
    expect(client.status, "nothing of it is different").toBe(before);
  });

  test("without a line writes wait, are shown, and are sent when it is there", async () => {
    const { world, client, list } = house();
    world.network.webSockets = world.network.requests = "refuse";
    const m = list.put("g1", { title: "kite" });
    const p = list.patch("g1", { claimed: true });
    await world.run(3000);
    expect([m.stage, p.stage, client.status.pending]).toEqual(["queued", "queued", 2]);
    expect(list.get("g1")).toEqual({ title: "kite", claimed: true });
    world.network.webSockets = world.network.requests = "open";
    await world.run(60_000);
    expect([m.stage, p.stage, client.status.pending]).toEqual(["observed", "observed", 0]);
    expect(world.server.topic("gift-list:1").rows.get("g1")).toEqual({ title: "kite", claimed: true });
  });

  test("P3: what was sent and not answered is sent again, and applied once", async () => {
    const { world, list } = house({ auto: false });
    list.subscribe(() => undefined);
    const [socket] = await dial(world);
    world.network.flush();
    const m = list.put("g1", { title: "kite" });
    socket?.read();
    expect(world.server.topic("gift-list:1").applied).toEqual(["c1/1"]);
    if (socket) world.network.cut(socket);
    expect(m.stage).toBe("queued");
    await world.run(1000);
    await dial(world);
    world.network.flush();
    await world.run(10);
    world.network.flush();
    expect(world.server.topic("gift-list:1").applied).toEqual(["c1/1"]);
    expect(m.stage).toBe("observed");
  });

  test("a rejection is data, rolls back its own layer and what builds on it, and blocks nobody", async () => {
    const { world, client, list } = house();
    world.server.put("gift-list:1", "g1", { title: "kite" });
    list.subscribe(() => undefined);
    await live(world);
    const other = client.topic("doc:1");
    const rejected: string[] = [];
    client.onRejected(({ topic, error }) => rejected.push(`${topic} ${error.code}`));
    const lost = list.patch("g1", { title: "mine" }, { ifVersion: 7 });
    const builds = list.patch("g1", { claimed: true });
    const free = list.put("g2", { title: "drum" });
    const elsewhere = other.put("x", 1);
    await live(world);
    expect([lost.stage, builds.stage, free.stage, elsewhere.stage]).toEqual([
      "rejected",
      "rejected",
      "observed",
      "observed",
    ]);
    expect(rejected).toEqual(["gift-list:1 conflict", "gift-list:1 needs_rejected"]);
    expect(lost.error).toBeInstanceOf(LockstepError);
    expect(lost.error?.current).toEqual({ id: "g1", value: { title: "kite" }, version: 1 });
    await expect(lost.accepted).rejects.toThrow(LockstepError);
    expect(list.get("g1")).toEqual({ title: "kite" });
    expect(list.getSnapshot().meta("g1")?.error?.code).toBe("needs_rejected");
  });

  test("a pending patch on a row that another deletes: neither shown nor lost silently", async () => {
    const { world, list } = house();
    world.server.put("gift-list:1", "g1", { title: "kite" });
    const views: (Gift | undefined)[] = [];
    list.subscribe((view) => views.push(view.get("g1")));
    await live(world);
    const m = list.patch("g1", { claimed: true });
    world.server.receive(world.server.open("bob"), {
      type: "mutate",
      client: "b",
      seq: 1,
      topic: "gift-list:1",
      changes: [{ op: "delete", entity_id: "g1" }],
    });
    await live(world);
    expect(m.error?.code).toBe("not_found");
    expect(views.filter((v, i) => i === 0 || v !== views[i - 1])).toEqual([
      { title: "kite" },
      { title: "kite", claimed: true },
      undefined,
    ]);
  });

  test("P4: a transaction is shown, sent and seen at once", async () => {
    const { world, list } = house();
    world.server.put("gift-list:1", "a", { title: "a" });
    const seen: string[] = [];
    list.subscribe((view) => seen.push(view.ids.join()));
    await live(world);
    list.transact((tx) => {
      tx.delete("a");
      tx.put("b", { title: "b" });
      tx.emit("moved");
    });
    await live(world);
    expect(seen.filter((ids, i) => ids !== seen[i - 1])).toEqual(["a", "b"]);
  });

  test("ifVersion seen: holds on an own pending write, and fails when another was faster", async () => {
    const { world, list } = house();
    list.subscribe(() => undefined);
    await live(world);
    const make = list.put("g1", { title: "kite" }, { ifVersion: 0 });
    const claimed = list.patch("g1", { claimed: true }, { ifVersion: "seen" });
    await live(world);
    expect([make.stage, claimed.stage]).toEqual(["observed", "observed"]);
    world.server.put("gift-list:1", "g1", { title: "other" });
    const late = list.patch("g1", { claimed: false }, { ifVersion: "seen" });
    await live(world);
    expect(late.error?.code).toBe("conflict");
  });

  test("a named mutator with a local twin", async () => {
    const world = createTestWorld({ mutators: { "gift.claim": claim as never } });
    const client = createClient({ url: "http://test", mutators: { "gift.claim": claim }, ...world.options() });
    const list = client.topic<Gift>("gift-list:1");
    world.server.put("gift-list:1", "g1", { title: "kite" });
    list.subscribe(() => undefined);
    await live(world);
    const m = list.mutate("gift.claim", { id: "g1" });
    expect(list.get("g1")).toEqual({ title: "kite", claimed: true });
    await live(world);
    expect(m.stage).toBe("observed");
    expect(world.server.topic("gift-list:1").rows.get("g1")).toEqual({ title: "kite", claimed: true });
  });

  test("the window holds, a gap rewinds, later waits, and the order stays", async () => {
    const { world, list } = house({ inFlight: 4 });
    list.subscribe(() => undefined);
    await live(world);
    world.server.busy(2);
    const all = Array.from({ length: 20 }, (_, i) => list.put(`g${i}`, { title: String(i) }));
    await world.run(5000);
    expect(all.every((m) => m.stage === "observed")).toBe(true);
    expect(world.server.topic("gift-list:1").applied).toEqual(all.map((_, i) => `c1/${i + 1}`));
  });

  test("a lane that the server has forgotten: what surely did not happen goes on under a new id", async () => {
    const { world, list } = house();
    list.subscribe(() => undefined);
    await live(world);
    list.put("a", { title: "a" });
    await live(world);
    world.network.cutAll();
    world.server.topic("gift-list:1").forgetLanes();
    await world.run(1_000);
    const m = list.put("b", { title: "b" });
    await live(world);
    expect(m.stage).toBe("observed");
    expect(world.server.topic("gift-list:1").applied).toEqual(["c1/1", "c2/1"]);
  });

  test("P3: a lane that was forgotten while its line lived: whether it happened is for the application to say", async () => {
    const { world, list } = house();
    list.subscribe(() => undefined);
    await live(world);
    list.put("a", { title: "a" });
    await live(world);
    world.server.topic("gift-list:1").forgetLanes();
    const sent = list.put("b", { title: "b" });
    await live(world);
    expect(sent.error).toMatchObject({ code: "expired", unknown: true });
    const next = list.put("c", { title: "c" });
    await live(world);
    expect([next.stage, ...world.server.topic("gift-list:1").applied]).toEqual(["observed", "c1/1", "c2/1"]);
  });

  test("P3: another one who writes under the same number: that one is refused alone, and a new lane begins", async () => {
    const { world, list } = house();
    list.subscribe(() => undefined);
    await live(world);
    const twin = world.server.open("alice");
    const changes = [{ op: "put", entity_id: "x", payload: 1 }];
    world.server.receive(twin, { type: "mutate", client: "c1", seq: 1, topic: "gift-list:1", changes });
    await live(world);
    const taken = list.put("a", { title: "a" });
    await live(world);
    expect(taken.error?.code).toBe("seq_reused");
    const next = list.put("b", { title: "b" });
    await live(world);
    expect([next.stage, ...world.server.topic("gift-list:1").applied]).toEqual(["observed", "c1/1", "c2/1"]);
  });

  test("a mutation that no message can hold is refused alone", async () => {
    const { world, list } = house();
    list.subscribe(() => undefined);
    await live(world);
    const big = list.put("big", { title: "x".repeat(300_000) });
    const small = list.put("small", { title: "x" });
    await live(world);
    expect(big.error?.code).toBe("too_large");
    expect(small.stage).toBe("observed");
  });
});

function claim(draft: { patch(id: string, patch: unknown): void }, args: { id: string }): void {
  draft.patch(args.id, { claimed: true });
}

async function dial(world: TestWorld) {
  await world.run(1);
  const dialing = world.network.sockets.filter(({ state }) => state === "dialing");
  for (const socket of dialing) world.network.accept(socket);
  return dialing;
}

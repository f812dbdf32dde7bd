// Tokens: fetched, renewed, refused, of another user; in fake time.

import { describe, expect, test } from "vitest";

import { createClient, longPoll } from "../../src/index.ts";
import { createTestWorld } from "../../src/testing.ts";
import type { ClientOptions } from "../../src/options.ts";

function house(options: Partial<ClientOptions> = {}, world = createTestWorld()) {
  const client = createClient({ url: "http://test", user: "alice", ...world.options(), ...options });
  const list = client.topic<{ title: string }>("gift-list:1");
  return { world, client, list };
}

const jwt = (claims: object): string => `x.${btoa(JSON.stringify(claims)).replaceAll("=", "")}.y`;

describe("tokens", () => {
  test("a failing and a hanging token() are tried again", async () => {
    let calls = 0;
    const token = (): Promise<string> => {
      calls++;
      if (calls === 1) return Promise.reject(new Error("no network"));
      if (calls === 2) return new Promise(() => undefined);
      return Promise.resolve(jwt({ sub: "alice" }));
    };
    const { world, client, list } = house({ token });
    list.subscribe(() => undefined);
    await world.run(5_000);
    expect(client.status.phase).toBe("connecting");
    await world.run(20_000);
    expect([client.status.phase, calls]).toEqual(["live", 3]);
  });

  test("a hanging token() is no fault of its transport, though timers come early, as those of browsers do", async () => {
    let calls = 0;
    const token = (): Promise<string> =>
      ++calls === 1 ? new Promise(() => undefined) : Promise.resolve(jwt({ sub: "alice" }));
    const world = createTestWorld();
    const { env } = world.options();
    const setTimeout = (action: () => void, ms: number): unknown =>
      world.clock.setTimeout(action, Math.max(Math.floor(ms), 1));
    const { client, list } = house({ token, env: { ...env, setTimeout } }, world);
    list.subscribe(() => undefined);
    await world.run(100.5);
    list.put("g1", { title: "kite" });
    await world.run(11_000);
    expect([client.status.phase, client.status.via, calls]).toEqual(["live", "websocket", 2]);
  });

  test("a renewal that hangs is left behind, and tried again before the token expires", async () => {
    let calls = 0;
    const token = (): Promise<string> => {
      if (++calls === 2) return new Promise(() => undefined);
      return Promise.resolve(jwt({ sub: "alice", n: calls, exp: Date.now() / 1000 + 60 * calls }));
    };
    const { world, client, list } = house({ token });
    list.subscribe(() => undefined);
    await world.run(58_000);
    expect([client.status.phase, calls]).toEqual(["live", 3]);
    expect(world.server.sessions.size).toBe(1);
  });

  test("a token that the server refuses is not sent twice: blocked until there is another", async () => {
    let current = jwt({ sub: "alice", n: 1 });
    const { world, client, list } = house({ token: () => current });
    list.subscribe(() => undefined);
    await world.run(10);
    world.network.cutAll(4401);
    await world.run(5_000);
    expect(client.status).toMatchObject({ phase: "blocked", reason: "unauthorized" });
    current = jwt({ sub: "alice", n: 2 });
    client.connect();
    await world.run(100);
    expect(client.status.phase).toBe("live");
  });

  test("a token renewed in place goes with the next poll", async () => {
    const world = createTestWorld();
    const { env } = world.options();
    const sent = new Set<string>();
    const fetch: typeof globalThis.fetch = (url, init) => {
      sent.add(new Headers(init?.headers).get("Authorization") ?? "");
      return world.network.fetch(url as URL, init);
    };
    let n = 0;
    const token = (): string => jwt({ sub: "alice", n: ++n, exp: Date.now() / 1000 + 40 });
    const { list } = house({ token, transports: [longPoll()], env: { ...env, fetch } }, world);
    list.subscribe(() => undefined);
    await world.run(45_000);
    expect(n).toBeGreaterThan(1);
    expect(sent.size).toBe(n);
    expect(world.server.sessions.size).toBe(1);
  });

  test("another user: nothing of the first one is shown or sent", async () => {
    const world = createTestWorld();
    const { client, list } = house({}, world);
    world.server.put("gift-list:1", "g1", { title: "kite" });
    list.subscribe(() => undefined);
    await world.run(20);
    world.network.webSockets = world.network.requests = "refuse";
    world.network.cutAll();
    const m = list.put("g2", { title: "mine" });
    const open = world.server.open.bind(world.server);
    world.server.open = () => open("mallory");
    world.network.webSockets = world.network.requests = "open";
    await world.run(30_000);
    expect(client.status.user).toBe("mallory");
    expect(m.error?.code).toBe("unauthorized");
    expect(world.server.topic("gift-list:1").rows.has("g2")).toBe(false);
  });

  test("4403 blocks, and a connect tries again", async () => {
    const { world, client, list } = house();
    list.subscribe(() => undefined);
    await world.run(10);
    world.network.cutAll(4403);
    await world.run(60_000);
    expect(client.status.phase).toBe("blocked");
  });
});

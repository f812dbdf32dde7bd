// Tokens that the real server checks.

import { createHmac } from "node:crypto";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { createClient, longPoll, poll, sse, type SocketClass, type Transport, webSocket } from "../../src/index.ts";
import { WebSocket } from "ws";
import { Server, until } from "./house.ts";

const secret = "0123456789abcdef0123456789abcdef";
const server = new Server(secret);
const clients: ReturnType<typeof createClient>[] = [];
beforeAll(() => server.start(), 60_000);
afterAll(async () => {
  for (const client of clients) client.close();
  await server.remove();
});

const b64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
let issued = 0;

function sign(sub: string, seconds = 3600, pattern = "*"): string {
  const now = Math.floor(Date.now() / 1000);
  const grants = [{ topics: pattern, allow: ["read", "write", "signal", "presence"] }];
  const body = `${b64({ alg: "HS256", typ: "JWT" })}.${b64({ sub, iat: now, exp: now + seconds, jti: String(++issued), grants })}`;
  return `${body}.${createHmac("sha256", secret).update(body).digest("base64url")}`;
}

function join(token: () => string, transport: Transport) {
  const NodeSocket = WebSocket as unknown as SocketClass;
  const client = createClient({ url: server.url, token, WebSocket: NodeSocket, transports: [transport], pollMs: 100 });
  clients.push(client);
  return client;
}

const ways: [string, () => Transport][] = [
  ["websocket", webSocket],
  ["long poll", longPoll],
  ["poll", poll],
  ["sse", sse],
];

describe.each(ways)("P8 over %s", (way, transport) => {
  const topic = `doc:token-${way.replace(" ", "")}`;

  test("a token opens the line; without a grant the topic is denied, and the others go on", async () => {
    const client = join(() => sign("alice", 3600, "doc:*"), transport());
    const allowed = client.topic(topic);
    const other = client.topic("secret:1");
    allowed.subscribe(() => undefined);
    other.subscribe(() => undefined);
    await allowed.put("a", { n: 1 }).observed;
    await until("denied", () => other.getSnapshot().status === "denied");
    expect(other.getSnapshot().error?.code).toBe("forbidden");
    expect(client.status.user).toBe("alice");
    const lost = other.put("a", { n: 1 });
    await expect(lost.accepted).rejects.toMatchObject({ code: "forbidden" });
  });

  test("a token that the server refuses blocks the client, until there is another", async () => {
    let token = "not.a.token";
    const client = join(() => token, transport());
    client.topic(topic).subscribe(() => undefined);
    await until("blocked", () => client.status.phase === "blocked");
    expect(client.status.reason).toBe("unauthorized");
    token = sign("alice");
    client.connect();
    await until("live", () => client.status.phase === "live");
  });

  test("a token is renewed before it expires, on the same line", async () => {
    let fetched = 0;
    const client = join(() => {
      fetched++;
      return sign("alice", fetched === 1 ? 2 : 3600);
    }, transport());
    const doc = client.topic(topic);
    doc.subscribe(() => undefined);
    await until("live", () => doc.getSnapshot().status === "live");
    await until("renewed", () => fetched > 1);
    await doc.put("b", { n: fetched }).observed;
    expect(client.status.phase).toBe("live");
  });
});

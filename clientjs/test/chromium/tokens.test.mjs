// Tokens that hang or change the user, and pages of other origins, before a server that checks both.

import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";

import { live, open, painted, settled, until } from "./house.mjs";

const secret = "0123456789abcdef0123456789abcdef";
const b64 = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

function sign(sub, seconds = 3600, topics = "doc:*") {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    sub,
    iat: now,
    exp: now + seconds,
    jti: randomUUID(),
    grants: [{ topics, allow: ["read", "write"] }],
  };
  const body = `${b64({ alg: "HS256", typ: "JWT" })}.${b64(claims)}`;
  return `${body}.${createHmac("sha256", secret).update(body).digest("base64url")}`;
}

const authorized = { Authorization: `Bearer ${sign("test", 3600, "*")}` };

/** Answers the first requests of a topic's page for a token one by one, all later ones as the last. Returns how many there were. */
function tokens(topic, ...answers) {
  let asked = 0;
  house.tokens.set(topic, () => answers[Math.min(asked++, answers.length - 1)]());
  return () => asked;
}

const hang = () => new Promise(() => undefined);

let house;
before(async () => {
  house = await open({ secret });
});
after(() => house?.close());

describe("token()", { concurrency: true }, () => {
  test("it hangs: the attempt is given up, and the next one asks again", async () => {
    const asked = tokens("doc:hang", hang, () => sign("alice"));
    const page = await house.page("doc:hang");
    await page.evaluate(() => put("a", { n: 1 }));
    await settled(page);
    assert.equal(asked(), 2);
    assert.deepEqual(await page.evaluate(() => phases.filter((phase) => !/connecting/.test(phase))), [
      "waiting undefined",
      "live websocket",
    ]);
    assert.equal((await house.server.topic("doc:hang", authorized)).painted, await painted(page));
    await page.context().close();
  });

  test("it hangs when the token is renewed: it is asked for again, and the line is kept", async () => {
    const asked = tokens(
      "doc:renew",
      () => sign("alice", 4),
      hang,
      () => sign("alice"),
    );
    const page = await house.page("doc:renew");
    await live(page);
    await until("a third token is asked for", () => asked() === 3);
    await page.evaluate(() => put("a", { n: 1 }));
    await settled(page);
    assert.deepEqual(await page.evaluate(() => phases.filter((phase) => !/connecting/.test(phase))), [
      "live websocket",
    ]);
    await page.context().close();
  });

  test("P8: it changes the user: the new one sees and sends nothing of the old one", async () => {
    const topic = "doc:users";
    let user = "alice";
    tokens(topic, () => sign(user, user === "alice" ? 4 : 3600, user === "alice" ? "doc:*" : "note:*"));
    const proxy = await house.proxy();
    const page = await house.page(topic, { proxy });
    await live(page);
    await page.evaluate(() => put("a", { n: 1 }));
    await settled(page);
    assert.equal(await page.evaluate(() => client.status.user), "alice");
    await page.evaluate(() => {
      window.refusals = [];
      client.onRejected(({ error }) => refusals.push(error.code));
    });
    proxy.flow = "none"; // what alice writes now is on its way when bob signs in
    await page.evaluate(() => put("a", { n: 2 }));
    user = "bob";
    proxy.heal();
    await until("bob is here", () => page.evaluate(() => client.status.user === "bob"));
    await until("the topic is denied", () => page.evaluate(() => list.getSnapshot().status === "denied"));
    assert.equal(await painted(page), "[]");
    assert.deepEqual(await page.evaluate(() => [writes[1].stage, ...refusals]), ["rejected", "unauthorized"]);
    assert.deepEqual(await house.server.topic(topic, authorized), { version: 1, painted: '[["a",{"n":1}]]' });
    await page.evaluate(() => {
      window.note = client.topic("note:1");
      window.noted = note.put("n", { by: "bob" });
      note.subscribe(() => undefined);
    });
    await until("bob writes", () => page.evaluate(() => noted.stage === "observed"));
    await page.context().close();
  });

  test("P8: a token for another user comes in place of one that expires: the line begins anew", async () => {
    tokens(
      "doc:renewed-as",
      () => sign("alice", 4),
      () => sign("bob"),
    );
    const page = await house.page("doc:renewed-as");
    await page.evaluate(() => put("a", { n: 1 }));
    await settled(page);
    await until("bob is here", () => page.evaluate(() => client.status.user === "bob"));
    await live(page);
    assert.equal(await page.evaluate(() => sockets.length), 2);
    await until("the rows are loaded for bob", () => page.evaluate(() => list.getSnapshot().status === "live"));
    assert.equal((await house.server.topic("doc:renewed-as", authorized)).painted, await painted(page));
    await page.context().close();
  });
});

test("a page of an origin that may not call is blocked, and told so; one on another port that may, is served", async () => {
  tokens("doc:origin", () => sign("alice"));
  const stranger = await house.page("doc:origin", { origin: house.origin.replace("127.0.0.1", "localhost") });
  await until("it is blocked", () => stranger.evaluate(() => client.status.phase === "blocked"));
  assert.match(await stranger.evaluate(() => client.status.reason), /localhost.*may not call/);
  const proxy = await house.proxy();
  proxy.upgrades = "refuse";
  const page = await house.page("doc:origin", { proxy });
  await live(page, "long-poll");
  await page.evaluate(() => put("a", { n: 1 }));
  await settled(page);
  assert.equal((await house.server.topic("doc:origin", authorized)).painted, await painted(page));
  await Promise.all([stranger.context().close(), page.context().close()]);
});

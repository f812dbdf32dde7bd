// Deltas on the real server: patches come without the rows that they make, and all end with the same rows.

import { afterAll, beforeAll, expect, test } from "vitest";

import { deltas } from "../../src/deltas.ts";
import { jsonPatch } from "../../src/json-patch.ts";
import { type DebugEntry, longPoll, type Transport, webSocket } from "../../src/index.ts";
import { Server, until } from "./house.ts";

const server = new Server();
beforeAll(() => server.start(), 60_000);
afterAll(() => server.remove());

const ways: [string, () => Transport][] = [
  ["websocket", webSocket],
  ["long poll", longPoll],
];

/** Counts the events that came without a payload. */
function counter(): { readonly debug: (entry: DebugEntry) => void; readonly seen: { deltas: number } } {
  const seen = { deltas: 0 };
  const debug = ({ what, detail }: DebugEntry): void => {
    const text = JSON.stringify(detail) ?? "";
    if (what === "receive") seen.deltas += /"patch":/.test(text) && !/"payload":/.test(text) ? 1 : 0;
  };
  return { debug, seen };
}

test.each(ways)("P7: over %s patches are applied to the rows held, across a restart too", async (way, transport) => {
  const { debug, seen } = counter();
  const name = `doc:deltas-${way.replace(" ", "")}`;
  const lean = server.client({ transports: [transport()], deltas, debug });
  const full = server.client({ user: "bob", jsonPatch });
  const [theirs, mine] = [lean.topic<Record<string, unknown>>(name), full.topic<Record<string, unknown>>(name)];
  theirs.subscribe(() => undefined);
  mine.subscribe(() => undefined);
  await mine.put("a", { pad: "x".repeat(1000), list: [1] }).observed;
  await until("the row is there", () => theirs.rows.length === 1);
  for (let n = 0; n < 5; n++) await mine.patch("a", { n, [`k${n}`]: true }).observed;
  await mine.jsonPatch("a", [{ op: "add", path: "/list/-", value: 2 }]).observed;
  await until("both are equal", () => JSON.stringify(sorted(theirs.rows)) === JSON.stringify(sorted(mine.rows)));
  expect(seen.deltas).toBeGreaterThan(0);
  await server.stop();
  const offline = mine.patch("a", { offline: true });
  await server.start();
  await offline.observed;
  await mine.patch("a", { n: 99, k0: null }).observed;
  await until("both are equal again", () => JSON.stringify(sorted(theirs.rows)) === JSON.stringify(sorted(mine.rows)));
  lean.close();
  full.close();
});

function sorted(rows: readonly Record<string, unknown>[]): unknown {
  return rows.map((row) => Object.entries(row).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

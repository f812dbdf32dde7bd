// How fast frames are applied to a replica of 10,000 rows: parsed ones, and from text beside bare JSON.parse.
// npm run bench

import { build } from "esbuild";

const { outputFiles } = await build({
  stdin: {
    contents: `export { Replica } from "./src/replica.ts"; export { parseFrames } from "./src/wire.ts"; export { Overlay } from "./src/overlay.ts"`,
    resolveDir: new URL("../..", import.meta.url).pathname,
  },
  bundle: true,
  format: "esm",
  write: false,
});
const source = `data:text/javascript,${encodeURIComponent(outputFiles[0]?.text ?? "")}`;
const { Replica, parseFrames, Overlay } = await import(source);

const rows = 10_000;
const perFrame = 10;
const frames = 4_000;
const epoch = "abcdefghij234";
const pad = "x".repeat(180);

function texts() {
  let version = rows;
  return Array.from({ length: frames }, () => {
    const from = version;
    const events = Array.from({ length: perFrame }, () => ({
      version: ++version,
      event: "UPDATED",
      data: {
        entity_id: `e${(version * 7919) % rows}`,
        payload: { n: version, pad },
        user_id: "u1",
        timestamp: "2026-11-21T10:00:00.000Z",
      },
    }));
    return JSON.stringify({ type: "events", topic: "a:1", epoch, from, to: version, events, more: false });
  });
}

function loaded() {
  const replica = new Replica();
  const all = Array.from({ length: rows }, (_, i) => ({ entity_id: `e${i}`, payload: { n: i, pad }, version: i + 1 }));
  replica.restore({ epoch, version: rows }, all);
  const overlay = new Overlay(replica, {});
  overlay.refresh();
  return { replica, overlay };
}

function time(what, run) {
  globalThis.gc?.();
  const begin = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(begin); // and not the clock, for others may be at work on the machine
  rates.set(what, [...(rates.get(what) ?? []), (frames * perFrame) / (user + system)]);
}

const rates = new Map();
const median = (what) => rates.get(what).toSorted((a, b) => a - b)[rates.get(what).length >> 1];
const lines = texts();
for (let round = 0; round < 9; round++) {
  const parsed = lines.flatMap((line) => parseFrames(line));
  const { replica } = loaded();
  time("applied, parsed before", () => {
    for (const frame of parsed) if (frame.type === "events") replica.apply(frame);
  });
  const views = loaded();
  const again = lines.flatMap((line) => parseFrames(line));
  time("applied, and a view made after each frame", () => {
    for (const frame of again) {
      if (frame.type !== "events") continue;
      views.replica.apply(frame);
      views.overlay.refresh();
    }
  });
  time("bare JSON.parse", () => {
    for (const line of lines) JSON.parse(line);
  });
  const fresh = loaded();
  time("from text", () => {
    for (const line of lines)
      for (const frame of parseFrames(line)) if (frame.type === "events") fresh.replica.apply(frame);
  });
}
for (const what of rates.keys()) console.log(`${what.padEnd(44)} ${median(what).toFixed(2)} M events/s`);
console.log(`from text: ${((100 * median("from text")) / median("bare JSON.parse")).toFixed(0)} % of bare JSON.parse`);
const snapshot = Array.from({ length: rows }, (_, i) => ({
  entity_id: `e${(i * 7919) % rows}`,
  payload: { n: i, pad },
  version: i + 1,
}));
const replica = new Replica();
const overlay = new Overlay(replica, {});
const begin = performance.now();
replica.apply({
  type: "snapshot",
  topic: "a:1",
  epoch,
  version: rows,
  from: 0,
  to: rows,
  entities: snapshot,
  more: false,
});
overlay.refresh();
console.log(`a snapshot of ${rows} rows is shown in ${(performance.now() - begin).toFixed(1)} ms, and listed in`);
const listing = performance.now();
console.log(`${overlay.rows.values.length} values: ${(performance.now() - listing).toFixed(1)} ms`);

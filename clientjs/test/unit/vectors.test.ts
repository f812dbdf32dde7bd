import { existsSync, readFileSync } from "node:fs";

import { describe, expect, test } from "vitest";

import { mergePatch } from "../../src/patch.ts";
import { Replica } from "../../src/replica.ts";
import { parseFrames, type ReplicaFrame } from "../../src/wire.ts";

const folder = new URL("../../../conformance/vectors/", import.meta.url);

function read<T>(name: string): T | undefined {
  const file = new URL(name, folder);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as T) : undefined;
}

type Rows = Record<string, [number, unknown]>;
interface ReplicaCase {
  name: string;
  given?: { position: string; rows: Rows };
  steps: { frame: ReplicaFrame; effect: string; position?: string; shown: number; rows: Rows }[];
}

const replicaCases = read<{ cases: ReplicaCase[] }>("replica.json")?.cases ?? [];
const patchCases =
  read<{ merge_patch: { name: string; base?: unknown; patch: unknown; result?: unknown }[] }>("patches.json")
    ?.merge_patch ?? [];

const replicaTypes = new Set(["snapshot", "events", "mark", "resync", "subscribed"]);

describe("P4, P5: replica vectors", () => {
  test.each(replicaCases)("$name", ({ given, steps }) => {
    const replica = new Replica();
    if (given) {
      const [epoch = "", version] = given.position.split("-");
      const rows = Object.entries(given.rows).map(([entity_id, [v, payload]]) => ({ entity_id, version: v, payload }));
      replica.restore({ epoch, version: Number(version) }, rows);
    }
    for (const step of steps) {
      const [frame] = parseFrames(JSON.stringify(step.frame));
      const effect = frame && replicaTypes.has(frame.type) ? replica.apply(frame as ReplicaFrame) : "ignored";
      const { epoch, version } = replica.position;
      expect({
        effect,
        position: step.position === undefined ? undefined : `${epoch}-${version}`,
        shown: replica.shown.version,
        rows: Object.fromEntries([...replica.rows].map(([id, row]) => [id, [row.version, row.payload]])),
      }).toEqual({ effect: step.effect, position: step.position, shown: step.shown, rows: step.rows });
    }
  });
});

describe("merge patch vectors", () => {
  test.each(patchCases)("$name", ({ base, patch, result }) => {
    expect(JSON.stringify(sorted(mergePatch(base, patch)))).toBe(JSON.stringify(sorted(result)));
  });
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => [name, sorted(member)]);
}

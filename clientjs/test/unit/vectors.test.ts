import { existsSync, readFileSync } from "node:fs";

import { describe, expect, test } from "vitest";

import { deltas } from "../../src/deltas.ts";
import { jsonPatch } from "../../src/json-patch.ts";
import { mergePatch } from "../../src/patch.ts";
import { Replica } from "../../src/replica.ts";
import { PendingMutation } from "../../src/mutation.ts";
import { Room } from "../../src/room.ts";
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
interface ViewStep {
  adds?: string;
  changes?: { op?: "put" | "patch" | "delete"; entity_id?: string; payload?: unknown; event?: string }[];
  hears?: unknown;
  shows: Record<string, unknown>;
  layers: number;
}
interface PatchCase {
  name: string;
  base?: unknown;
  patch: unknown;
  result?: unknown;
  code?: string;
}

const viewCases =
  read<{ cases: { name: string; given: { position: string; rows: Rows }; steps: ViewStep[] }[] }>("view.json")?.cases ??
  [];
const jsonPatchCases = read<{ json_patch?: PatchCase[] }>("patches.json")?.json_patch ?? [];
const patchCases =
  read<{ merge_patch: { name: string; base?: unknown; patch: unknown; result?: unknown }[] }>("patches.json")
    ?.merge_patch ?? [];

const replicaTypes = new Set(["snapshot", "events", "mark", "resync", "subscribed"]);

describe("P4, P5: replica vectors", () => {
  test.each(replicaCases)("$name", ({ given, steps }) => {
    const replica = new Replica();
    replica.deltas = deltas;
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

describe("P7: view vectors", () => {
  test.each(viewCases)("$name", ({ given, steps }) => {
    const decided: PendingMutation[] = [];
    let lanes = 0;
    const room = new Room("gift-list:1", {
      extras: { jsonPatch },
      live: true,
      newClient: () => `c${++lanes}`,
      rejected: () => undefined,
      decided: (mutation) => void decided.push(mutation),
      unauthorized: () => undefined,
    });
    const [epoch = "", version] = given.position.split("-");
    const rows = Object.entries(given.rows).map(([entity_id, [v, payload]]) => ({ entity_id, version: v, payload }));
    room.subscription.replica.restore({ epoch, version: Number(version) }, rows);
    room.refs = 1;
    room.subscription.state = "follow";
    room.lane.open();
    for (const step of steps) {
      if (step.changes) {
        const changes = step.changes.map(({ op = "put", entity_id: id, payload, event }) => ({
          op,
          ...(id !== undefined && { id }),
          ...(payload !== undefined && { payload }),
          ...(event !== undefined && { event }),
        }));
        // As the vectors have it: a mutation that says nothing of what it builds on.
        const mutation = new PendingMutation("gift-list:1", { changes }, room.subscription.replica.shown);
        room.lane.add(mutation);
        room.overlay.add(mutation);
        room.touch();
        room.lane.take(0, 64, () => "now");
      }
      for (const frame of step.hears ? parseFrames(JSON.stringify(step.hears)) : [])
        if (frame.type === "ack" || frame.type === "reject") room.lane.answer(frame, 0);
        else room.apply(frame as ReplicaFrame);
      const { view } = room;
      const shows = Object.fromEntries(view.ids.map((id) => [id, view.get(id)]));
      expect({ shows, layers: room.overlay.layers.length }).toEqual({ shows: step.shows, layers: step.layers });
    }
  });
});

describe("JSON patch vectors", () => {
  test.each(jsonPatchCases)("$name", ({ base, patch, result, code }) => {
    if (code !== undefined) expect(() => jsonPatch(base, patch)).toThrow(Error);
    else expect(sorted(jsonPatch(base, patch))).toEqual(sorted(result));
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

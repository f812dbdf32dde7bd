import { describe, expect, test } from "vitest";

import { deltas } from "../../../src/deltas.ts";
import { Replica } from "../../../src/replica.ts";
import { parseFrames, type ReplicaFrame } from "../../../src/wire.ts";
import { type Given, restored, type Rows, section } from "./files.ts";

interface ReplicaCase {
  name: string;
  given?: Given;
  steps: { frame: ReplicaFrame; effect: string; position?: string; shown: number; rows: Rows }[];
}

const replicaTypes = new Set(["snapshot", "events", "mark", "resync", "subscribed"]);

describe("P4, P5: replica vectors", () => {
  test.each(section<ReplicaCase>("vectors/replica.json", "cases"))("$name", ({ given, steps }) => {
    const replica = new Replica();
    replica.deltas = deltas;
    if (given) replica.restore(...restored(given));
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

import { describe, expect, test } from "vitest";

import { jsonPatch } from "../../../src/json-patch.ts";
import { PendingMutation } from "../../../src/mutation.ts";
import { Room } from "../../../src/room.ts";
import { parseFrames, type ReplicaFrame } from "../../../src/wire.ts";
import { type Given, restored, section } from "./files.ts";

interface ViewCase {
  name: string;
  given: Given;
  steps: ViewStep[];
}

interface ViewStep {
  adds?: string;
  changes?: { op?: "put" | "patch" | "delete"; entity_id?: string; payload?: unknown; event?: string }[];
  hears?: unknown;
  shows: Record<string, unknown>;
  layers: number;
}

describe("P7: view vectors", () => {
  test.each(section<ViewCase>("vectors/view.json", "cases"))("$name", ({ given, steps }) => {
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
    room.subscription.replica.restore(...restored(given));
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

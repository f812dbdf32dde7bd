// The outbox vectors at a lane of this client. It numbers mutations when they are first sent, and keeps what an answer
// settles as accepted or rejected; where it goes another way than the vectors' client, it is written down why.

import { describe, expect, test } from "vitest";

import { Lane } from "../../../src/lane.ts";
import { PendingMutation } from "../../../src/mutation.ts";
import { type Ack, type Mutate, type Position, type Reject, toFrame } from "../../../src/wire.ts";
import { section } from "./files.ts";

interface Step {
  adds?: { op?: "put"; entity_id?: string; payload?: unknown; event?: string }[];
  at?: string;
  is?: string;
  needs?: number;
  takes?: string[];
  hears?: Ack | Reject;
  settles?: string[];
  pauses?: { after_ms?: number; auth?: boolean };
  lost?: boolean;
  overdue?: boolean;
  retries?: boolean;
}

class Player {
  readonly settled: string[] = [];
  readonly lane: Lane;
  now = 0;
  asked = 0; // for a new token
  readonly #places = new Map<PendingMutation, { is: string; needs: number | undefined; epoch: string }>();

  constructor() {
    let lanes = 0;
    this.lane = new Lane("gift-list:1", {
      newClient: () => `c${++lanes}`,
      accepted: (mutation) => void this.settled.push(`${this.place(mutation)} accepted`),
      rejected: (mutation, error) =>
        void this.settled.push(`${this.place(mutation)} ${error.unknown ? "unknown" : `rejected ${error.code}`}`),
      unauthorized: () => void this.asked++,
    });
    this.lane.open();
  }

  place(mutation: PendingMutation): string {
    return this.#places.get(mutation)?.is ?? "nowhere";
  }

  add({ adds = [], at = "", is = "", needs }: Step): void {
    const [epoch = "", version] = at.split("-");
    const changes = adds.map(({ op = "put", entity_id: id, payload, event }) => ({ op, id, payload, event }));
    const made: Position = { epoch, version: Number(version) };
    const before = this.lane.pending.findLast(({ wish }) =>
      wish.changes.some(({ id }) => changes.some((c) => c.id === id)),
    );
    const mutation = new PendingMutation("gift-list:1", { changes }, made, before);
    this.#places.set(mutation, { is, needs, epoch });
    this.lane.add(mutation);
  }

  take(window: number): string[] {
    const sent: Mutate[] = [];
    this.lane.take(this.now, window, (frame) => {
      sent.push(frame);
      return "now";
    });
    for (const { client, seq, needs, epoch } of sent)
      for (const { is, ...asked } of this.#places.values())
        if (is === `${client}.${seq}`) expect({ needs, epoch: epoch ?? "" }).toEqual(asked);
    return sent.map(({ client, seq }) => `${client}.${seq}`);
  }

  play(step: Step, window: number): void {
    if (step.adds) this.add(step);
    if (step.takes) expect(this.take(window)).toEqual(step.takes);
    if (step.hears) {
      const asked = this.asked;
      this.settled.length = 0;
      this.lane.answer(toFrame(step.hears) as Ack | Reject, this.now);
      const wanted = (step.settles ?? []).map((text) => text.replace(/applied|unchanged|duplicate/, "accepted"));
      expect(this.settled).toEqual(wanted);
      expect(this.asked - asked).toBe(step.pauses?.auth ? 1 : 0);
      const after = step.pauses?.after_ms ?? 0;
      if (after > 0) expect(this.lane.due ?? (this.lane.state as { wait?: number }).wait).toBe(this.now + after);
    }
    if (step.lost || step.overdue) {
      this.lane.close();
      this.lane.open();
    }
    if (step.retries) this.now = this.lane.due ?? this.now;
  }
}

describe("P3: outbox vectors", () => {
  test.each(section<{ name: string; may?: string; window: number; steps: Step[] }>("vectors/outbox.json", "cases"))(
    "$name",
    ({ name, may, window, steps }) => {
      const run = (): void => {
        const player = new Player();
        for (const step of steps) player.play(step, window);
      };
      if (may === undefined) run();
      else expect(run, `${name}: this client does as the case shows, and not what it may do instead`).toThrow();
    },
  );
});

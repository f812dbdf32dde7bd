// The state × event table of the connection, written down, and the paths through it that matter.

import { describe, expect, test } from "vitest";

import {
  dueAt,
  type Effect,
  type Event,
  type Machine,
  start,
  type State,
  step,
  type Surroundings,
} from "../../src/connection.ts";

const at = (now: number, more: Partial<Surroundings> = {}): Surroundings => ({
  now,
  random: 0.5,
  deadlines: [5_000, 10_000, 10_000],
  ...more,
});

const base: Machine = { ...start, lines: 7, rung: 1 };
const liveState: State = {
  phase: "live",
  line: 7,
  rung: 1,
  since: 0,
  heard: 0,
  heartbeat: 25_000,
  due: 50_000,
  probing: false,
  trial: { at: 60_000 },
};
const states: Record<string, Machine> = {
  idle: { ...base, state: { phase: "idle" } },
  connecting: { ...base, state: { phase: "connecting", line: 7, rung: 1, until: 5_000 } },
  live: { ...base, state: liveState },
  probing: { ...base, state: { ...liveState, probing: true, due: 2_000 } },
  trying: { ...base, lines: 8, state: { ...liveState, trial: { line: 8, rung: 0, until: 9_000 } } },
  waiting: { ...base, state: { phase: "waiting", retryAt: 5_000, reason: "close 1006" } },
  "blocked by auth": { ...base, state: { phase: "blocked", by: "auth", reason: "unauthorized" } },
  "blocked by origin": { ...base, state: { phase: "blocked", by: "forbidden", reason: "forbidden" } },
  closed: { ...base, state: { phase: "closed" } },
};
const events: Record<string, Event> = {
  open: { type: "open" },
  hold: { type: "hold" },
  close: { type: "close" },
  wake: { type: "wake" },
  expect: { type: "expect" },
  "timer, early": { type: "timer" },
  "timer, due": { type: "timer" },
  dialing: { type: "dialing", line: 7 },
  welcome: { type: "welcome", line: 7, heartbeat: 25_000 },
  heard: { type: "heard", line: 7 },
  lost: { type: "lost", line: 7, reason: "close 1006" },
  "lost for good": { type: "lost", line: 7, reason: "origin", block: "forbidden" },
  "an old line": { type: "lost", line: 3, reason: "close 1006" },
  "trial welcome": { type: "welcome", line: 8, heartbeat: 25_000 },
  "trial lost": { type: "lost", line: 8, reason: "close 1006" },
};

const say = (effect: Effect): string => `${effect.do} ${effect.line}`;

function cell(state: string, event: string): string {
  const machine = states[state];
  const happened = events[event];
  if (!machine || !happened) throw new Error(`no ${state} or ${event}`);
  const now = event === "timer, due" ? dueAt(machine) : 1_000;
  const [next, ...effects] = step(machine, happened, at(Number.isFinite(now) ? now : 1_000));
  const same = JSON.stringify(next.state) === JSON.stringify(machine.state) ? "·" : next.state.phase;
  return [same, ...effects.map(say)].join(", ");
}

describe("state × event", () => {
  test("the table", () => {
    const table = Object.keys(states).flatMap((state) =>
      Object.keys(events).map((event) => `${state.padEnd(18)}| ${event.padEnd(14)}| ${cell(state, event)}`),
    );
    expect(`\n${table.join("\n")}\n`).toMatchInlineSnapshot(`
      "
      idle              | open          | connecting, dial 8
      idle              | hold          | ·
      idle              | close         | closed
      idle              | wake          | ·
      idle              | expect        | ·
      idle              | timer, early  | ·
      idle              | timer, due    | ·
      idle              | dialing       | ·
      idle              | welcome       | ·
      idle              | heard         | ·
      idle              | lost          | ·
      idle              | lost for good | ·
      idle              | an old line   | ·
      idle              | trial welcome | ·
      idle              | trial lost    | ·
      connecting        | open          | ·
      connecting        | hold          | idle, drop 7
      connecting        | close         | closed, drop 7
      connecting        | wake          | ·
      connecting        | expect        | ·
      connecting        | timer, early  | ·
      connecting        | timer, due    | connecting, drop 7, dial 8
      connecting        | dialing       | connecting
      connecting        | welcome       | live, live 7
      connecting        | heard         | ·
      connecting        | lost          | waiting, drop 7
      connecting        | lost for good | blocked, drop 7
      connecting        | an old line   | ·
      connecting        | trial welcome | ·
      connecting        | trial lost    | ·
      live              | open          | ·
      live              | hold          | idle, drop 7
      live              | close         | closed, drop 7
      live              | wake          | live, ping 7
      live              | expect        | live
      live              | timer, early  | ·
      live              | timer, due    | live, ping 7
      live              | dialing       | ·
      live              | welcome       | ·
      live              | heard         | live
      live              | lost          | waiting, drop 7
      live              | lost for good | blocked, drop 7
      live              | an old line   | ·
      live              | trial welcome | ·
      live              | trial lost    | ·
      probing           | open          | ·
      probing           | hold          | idle, drop 7
      probing           | close         | closed, drop 7
      probing           | wake          | ·, ping 7
      probing           | expect        | ·
      probing           | timer, early  | ·
      probing           | timer, due    | connecting, drop 7, dial 8
      probing           | dialing       | ·
      probing           | welcome       | ·
      probing           | heard         | live
      probing           | lost          | waiting, drop 7
      probing           | lost for good | blocked, drop 7
      probing           | an old line   | ·
      probing           | trial welcome | ·
      probing           | trial lost    | ·
      trying            | open          | ·
      trying            | hold          | idle, drop 7, drop 8
      trying            | close         | closed, drop 7, drop 8
      trying            | wake          | live, ping 7
      trying            | expect        | live
      trying            | timer, early  | ·
      trying            | timer, due    | live, drop 8
      trying            | dialing       | ·
      trying            | welcome       | ·
      trying            | heard         | live
      trying            | lost          | waiting, drop 7, drop 8
      trying            | lost for good | blocked, drop 7, drop 8
      trying            | an old line   | ·
      trying            | trial welcome | live, drop 7, live 8
      trying            | trial lost    | live
      waiting           | open          | ·
      waiting           | hold          | idle
      waiting           | close         | closed
      waiting           | wake          | connecting, dial 8
      waiting           | expect        | ·
      waiting           | timer, early  | ·
      waiting           | timer, due    | connecting, dial 8
      waiting           | dialing       | ·
      waiting           | welcome       | ·
      waiting           | heard         | ·
      waiting           | lost          | ·
      waiting           | lost for good | ·
      waiting           | an old line   | ·
      waiting           | trial welcome | ·
      waiting           | trial lost    | ·
      blocked by auth   | open          | connecting, dial 8
      blocked by auth   | hold          | idle
      blocked by auth   | close         | closed
      blocked by auth   | wake          | connecting, dial 8
      blocked by auth   | expect        | ·
      blocked by auth   | timer, early  | ·
      blocked by auth   | timer, due    | ·
      blocked by auth   | dialing       | ·
      blocked by auth   | welcome       | ·
      blocked by auth   | heard         | ·
      blocked by auth   | lost          | ·
      blocked by auth   | lost for good | ·
      blocked by auth   | an old line   | ·
      blocked by auth   | trial welcome | ·
      blocked by auth   | trial lost    | ·
      blocked by origin | open          | connecting, dial 8
      blocked by origin | hold          | idle
      blocked by origin | close         | closed
      blocked by origin | wake          | ·
      blocked by origin | expect        | ·
      blocked by origin | timer, early  | ·
      blocked by origin | timer, due    | ·
      blocked by origin | dialing       | ·
      blocked by origin | welcome       | ·
      blocked by origin | heard         | ·
      blocked by origin | lost          | ·
      blocked by origin | lost for good | ·
      blocked by origin | an old line   | ·
      blocked by origin | trial welcome | ·
      blocked by origin | trial lost    | ·
      closed            | open          | ·
      closed            | hold          | ·
      closed            | close         | ·
      closed            | wake          | ·
      closed            | expect        | ·
      closed            | timer, early  | ·
      closed            | timer, due    | ·
      closed            | dialing       | ·
      closed            | welcome       | ·
      closed            | heard         | ·
      closed            | lost          | ·
      closed            | lost for good | ·
      closed            | an old line   | ·
      closed            | trial welcome | ·
      closed            | trial lost    | ·
      "
    `);
  });
});

function walk(...moves: readonly [now: number, event: Event, more?: Partial<Surroundings>][]): [Machine, string[]] {
  let machine = start;
  const said: string[] = [];
  for (const [now, event, more] of moves) {
    const [next, ...effects] = step(machine, event, at(now, more));
    machine = next;
    said.push(...effects.map(say));
  }
  return [machine, said];
}
const lost = (line: number, more: Partial<Event & { type: "lost" }> = {}): Event => ({
  type: "lost",
  line,
  reason: "x",
  ...more,
});
const welcome = (line: number): Event => ({ type: "welcome", line, heartbeat: 25_000 });

describe("paths", () => {
  test("two failures take it to the next rung at once; the last one leads back to the first after a wait", () => {
    const [machine] = walk([0, { type: "open" }], [1, lost(1)], [500, { type: "timer" }], [501, lost(2)]);
    expect(machine.state).toMatchObject({ phase: "connecting", rung: 1 });
    const [around] = walk(
      [0, { type: "open" }],
      [1, lost(1, { slow: true })],
      [2, lost(2, { slow: true })],
      [3, lost(3, { slow: true })],
    );
    expect(around).toMatchObject({ rung: 0, state: { phase: "waiting" } });
  });

  test("a line that never says welcome is given up at its deadline, and the next rung is tried", () => {
    const [machine, said] = walk([0, { type: "open" }], [10, { type: "dialing", line: 1 }], [5_010, { type: "timer" }]);
    expect(machine.state).toMatchObject({ phase: "connecting", rung: 1, line: 2 });
    expect(said).toEqual(["dial 1", "drop 1", "dial 2"]);
  });

  test("a lower rung climbs: a better line is dialed beside the working one, and takes over when it is live", () => {
    const down: [number, Event][] = [
      [0, { type: "open" }],
      [1, lost(1, { slow: true })],
      [2, welcome(2)],
    ];
    const [machine] = walk(...down);
    const climbAt = dueAt(machine);
    expect(climbAt).toBeLessThan(10_000);
    const [tried, said] = walk(...down, [climbAt, { type: "timer" }], [climbAt + 1, { type: "dialing", line: 3 }]);
    expect(tried.state).toMatchObject({ phase: "live", line: 2, trial: { line: 3, rung: 0 } });
    const [moved, all] = walk(...down, [climbAt, { type: "timer" }], [climbAt + 5, welcome(3)]);
    expect(moved.state).toMatchObject({ phase: "live", line: 3, rung: 0 });
    expect(said).toEqual(["dial 1", "drop 1", "dial 2", "live 2", "dial 3"]);
    expect(all.slice(-2)).toEqual(["drop 2", "live 3"]);
  });

  test("silence is tested after two heartbeats, and ends the line 2 s later; any sign of life ends the test", () => {
    const live: [number, Event][] = [
      [0, { type: "open" }],
      [0, welcome(1)],
    ];
    const [silent, said] = walk(...live, [50_000, { type: "timer" }], [52_000, { type: "timer" }]);
    expect(silent.state.phase).toBe("waiting");
    expect(said).toContain("ping 1");
    const [alive] = walk(
      ...live,
      [50_000, { type: "timer" }],
      [51_000, { type: "heard", line: 1 }],
      [52_000, { type: "timer" }],
    );
    expect(alive.state).toMatchObject({ phase: "live", line: 1, probing: false });
  });

  test("a wake tests a live line within 2 s and ends a wait", () => {
    const [probing, said] = walk([0, { type: "open" }], [0, welcome(1)], [100, { type: "wake" }]);
    expect(said.at(-1)).toBe("ping 1");
    expect(dueAt(probing)).toBe(2_100);
    const [dialed] = walk([0, { type: "open" }], [0, lost(1)], [1, { type: "wake" }]);
    expect(dialed.state.phase).toBe("connecting");
  });

  test("waits grow with full jitter, hold what the server asks for, and begin anew after a proven line", () => {
    let machine = start;
    const waits: number[] = [];
    [machine] = step(machine, { type: "open" }, at(0));
    for (let n = 0; n < 12; n++) {
      const only = { deadlines: [5_000], random: 0.999 };
      [machine] = step(machine, lost(machine.lines), at(0, only));
      waits.push(Math.round(dueAt(machine)));
      [machine] = step(machine, { type: "timer" }, at(1e9, only));
    }
    expect(waits.slice(0, 4)).toEqual([250, 500, 999, 1998]);
    expect(Math.max(...waits)).toBe(14_985);
    const [asked] = walk([0, { type: "open" }], [1, welcome(1)], [9_000, lost(1, { retryAfterMs: 3_000 })]);
    expect(dueAt(asked)).toBe(9_000 + 3_000 + 125);
  });

  test("it gives up only when told so", () => {
    const moves: [number, Event, Partial<Surroundings>?][] = [[0, { type: "open" }]];
    for (let n = 0; n < 3; n++) moves.push([n, { type: "wake" }, { attempts: 2 }], [n, lost(n + 1), { attempts: 2 }]);
    expect(walk(...moves)[0].state.phase).toBe("closed");
  });
});

// The connection as a pure state machine: what happens goes in, what to do comes out. It has no clock, no timer, no
// socket and no randomness of its own; line.ts owns those. README.md draws the table; connection.test.ts is the table.
//
//   idle        nobody wants a line; the start
//   connecting  a line is being opened on a rung of the ladder of transports, best first
//   live        a line carries frames; another one may be tried beside it on a better rung
//   waiting     lost; dials again at `retryAt`
//   blocked     dialing again would not help: the token, the right to connect or the version has to change
//   closed      for good
//
// Every line has a number. What happens on a line that is no longer the state's is nothing: late callbacks are harmless.

export type State =
  | { readonly phase: "idle" }
  | { readonly phase: "connecting"; readonly line: number; readonly rung: number; readonly until: number }
  | Live
  | { readonly phase: "waiting"; readonly retryAt: number; readonly reason: string }
  | { readonly phase: "blocked"; readonly by: Block; readonly reason: string }
  | { readonly phase: "closed" };

export interface Live {
  readonly phase: "live";
  readonly line: number;
  readonly rung: number;
  readonly since: number;
  readonly heard: number;
  /** How long the server may be silent; 0 where the transport watches itself. */
  readonly heartbeat: number;
  /** When the line has to be looked at: tested, or given up where a test is under way. */
  readonly due: number;
  readonly probing: boolean;
  /** A better line that is being opened, or when to open one. */
  readonly trial: { readonly line: number; readonly rung: number; readonly until: number } | { readonly at: number };
}

export type Block = "auth" | "forbidden" | "version";

/** What the machine remembers across states. */
export interface Machine {
  readonly state: State;
  readonly lines: number; // given out so far
  readonly rung: number; // where to dial next
  readonly strikes: number; // against that rung
  readonly failures: number; // since a line last proved itself; the backoff grows with them
  readonly climbs: number; // tries of a better rung that failed
}

export type Event =
  | { readonly type: "open" | "hold" | "close" | "wake" | "timer" | "expect" }
  | { readonly type: "dialing" | "heard"; readonly line: number }
  | { readonly type: "welcome"; readonly line: number; readonly heartbeat: number }
  | ({ readonly type: "lost"; readonly line: number } & Loss);

/** How a line ended. */
export interface Loss {
  readonly reason: string;
  /** What the server asked for before the next try. */
  readonly retryAfterMs?: number | undefined;
  /** It took too long, so a second try of the same kind is not worth its time. */
  readonly slow?: boolean | undefined;
  readonly block?: Block | undefined;
  /** The transport had no part in it. */
  readonly blameless?: boolean | undefined;
}

export type Effect =
  | { readonly do: "dial"; readonly line: number; readonly rung: number }
  | { readonly do: "drop"; readonly line: number }
  | { readonly do: "ping"; readonly line: number }
  /** The line is the one to talk on from now on. */
  | { readonly do: "live"; readonly line: number };

export interface Surroundings {
  readonly now: number;
  /** In [0, 1). */
  readonly random: number;
  /** How long each transport may take from its start to its welcome, best first. */
  readonly deadlines: readonly number[];
  /** The tries after which it gives up; never where it is missing. */
  readonly attempts?: number | undefined;
}

type Step = readonly [Machine, ...Effect[]];

function to(machine: Machine, state: State, ...effects: Effect[]): Step {
  return [{ ...machine, state }, ...effects];
}

export const tokenMs = 10_000; // for the token; then the attempt has failed
export const probeMs = 2_000; // for any sign of life after a ping on suspicion
const answerMs = 5_000; // for any sign of life after something that wants an answer
const provenMs = 5_000; // a line that lived so long is no proof against its rung
const firstWaitMs = 250; // the backoff doubles from here
const longestWaitMs = 15_000; // and stays here
const firstClimbMs = 5_000; // the time between tries of a better rung doubles from here
const longestClimbMs = 300_000; // and stays here
const strikesOut = 2; // then the next rung is tried

export const start: Machine = { state: { phase: "idle" }, lines: 0, rung: 0, strikes: 0, failures: 0, climbs: 0 };

/** When the machine wants a timer event; Infinity for never. */
export function dueAt({ state }: Machine): number {
  if (state.phase === "connecting") return state.until;
  if (state.phase === "waiting") return state.retryAt;
  if (state.phase !== "live") return Infinity;
  return Math.min(state.due, "at" in state.trial ? state.trial.at : state.trial.until);
}

export function step(machine: Machine, event: Event, around: Surroundings): Step {
  const { state } = machine;
  if (state.phase === "closed") return [machine];
  if (event.type === "close") return to(machine, { phase: "closed" }, ...dropAll(state));
  if (event.type === "hold") return [{ ...start, lines: machine.lines }, ...dropAll(state)];
  if (state.phase === "connecting") return connecting(machine, state, event, around);
  if (state.phase === "live") return live(machine, state, event, around);
  return again(state, event, around) ? dial(machine, around) : [machine];
}

function again(state: Exclude<State, Live>, event: Event, { now }: Surroundings): boolean {
  const { type } = event;
  if (state.phase === "waiting") return type === "wake" || (type === "timer" && now >= state.retryAt);
  return type === "open" || (type === "wake" && state.phase === "blocked" && state.by === "auth");
}

function connecting(
  machine: Machine,
  state: Extract<State, { phase: "connecting" }>,
  event: Event,
  around: Surroundings,
): Step {
  const { line, rung } = state;
  if (event.type === "timer")
    return around.now >= state.until ? failed(machine, { reason: "timeout", slow: true }, around) : [machine];
  if (!("line" in event) || event.line !== line) return [machine];
  if (event.type === "lost") return failed(machine, event, around);
  if (event.type === "welcome")
    return to(machine, lively(line, rung, event.heartbeat, machine, around), { do: "live", line });
  return event.type === "dialing" ? to(machine, { ...state, until: deadline(rung, around) }) : [machine];
}

function deadline(rung: number, { now, deadlines }: Surroundings): number {
  return now + (deadlines[rung] ?? 0);
}

function live(machine: Machine, state: Live, event: Event, around: Surroundings): Step {
  const { now } = around;
  const { line } = state;
  if (event.type === "timer") return tick(machine, state, around);
  if (event.type === "wake")
    return to(machine, { ...state, due: Math.min(state.due, now + probeMs), probing: true }, { do: "ping", line });
  if (event.type === "expect" && !state.probing)
    return to(machine, { ...state, due: Math.min(state.due, now + answerMs) });
  if (!("line" in event)) return [machine];
  if (event.line !== line) return tried(machine, state, event, around);
  if (event.type === "lost") return failed(machine, event, around);
  if (event.type !== "heard") return [machine];
  return to(machine, { ...state, heard: now, probing: false, due: silenceEnds(state.heartbeat, now) });
}

// What happens on the line that is tried beside the working one.
function tried(machine: Machine, state: Live, event: Extract<Event, { line: number }>, around: Surroundings): Step {
  const { trial } = state;
  if (!("line" in trial) || trial.line !== event.line) return [machine];
  if (event.type === "dialing")
    return to(machine, { ...state, trial: { ...trial, until: deadline(trial.rung, around) } });
  if (event.type === "lost") return [climbLater(machine, state, around)];
  if (event.type !== "welcome") return [machine];
  const moved = { ...machine, rung: trial.rung, strikes: 0 };
  const next = lively(trial.line, trial.rung, event.heartbeat, moved, around);
  return to(moved, next, { do: "drop", line: state.line }, { do: "live", line: trial.line });
}

// Looks at a live line when it is due. Timers of a hidden page come late, so only timestamps count.
function tick(machine: Machine, state: Live, around: Surroundings): Step {
  const { now } = around;
  const overdue = now >= state.due;
  if (overdue && state.probing) return failed(machine, { reason: "silent", slow: true }, around);
  const current = overdue ? { ...state, probing: true, due: now + probeMs } : state;
  const effects: Effect[] = overdue ? [{ do: "ping", line: state.line }] : [];
  const { trial } = current;
  if (now < ("at" in trial ? trial.at : trial.until)) return to(machine, current, ...effects);
  if ("line" in trial) return [climbLater(machine, current, around), ...effects, { do: "drop", line: trial.line }];
  const line = machine.lines + 1;
  const rung = machine.climbs % 2 === 0 ? 0 : state.rung - 1;
  const next = { ...current, trial: { line, rung, until: now + tokenMs } };
  return to({ ...machine, lines: line }, next, ...effects, { do: "dial", line, rung });
}

function climbLater(machine: Machine, state: Live, around: Surroundings): Machine {
  const climbs = machine.climbs + 1;
  return { ...machine, climbs, state: { ...state, trial: { at: climbAt(state.rung, climbs, around) } } };
}

function climbAt(rung: number, climbs: number, { now, random }: Surroundings): number {
  return rung === 0 ? Infinity : now + Math.min(longestClimbMs, firstClimbMs * 2 ** climbs) * (0.5 + random / 2);
}

function lively(line: number, rung: number, heartbeat: number, machine: Machine, around: Surroundings): Live {
  const { now } = around;
  const trial = { at: climbAt(rung, machine.climbs, around) };
  return {
    phase: "live",
    line,
    rung,
    since: now,
    heard: now,
    heartbeat,
    due: silenceEnds(heartbeat, now),
    probing: false,
    trial,
  };
}

function silenceEnds(heartbeat: number, now: number): number {
  return heartbeat > 0 ? now + 2 * heartbeat : Infinity;
}

function dial(machine: Machine, around: Surroundings): Step {
  const { rung } = machine;
  const line = machine.lines + 1;
  const until = around.now + tokenMs;
  return to({ ...machine, lines: line }, { phase: "connecting", line, rung, until }, { do: "dial", line, rung });
}

// The state's line is gone, or did not come to be.
function failed(machine: Machine, loss: Loss, around: Surroundings): Step {
  const { state } = machine;
  const drops = dropAll(state);
  if (loss.block) return to(machine, { phase: "blocked", by: loss.block, reason: loss.reason }, ...drops);
  const proven = state.phase === "live" && around.now - state.since >= provenMs;
  const failures = proven ? 0 : machine.failures;
  const blame = loss.blameless ? 0 : loss.slow ? strikesOut : 1;
  const strikes = proven ? 0 : machine.strikes + blame;
  const climbs = proven && state.rung === 0 ? 0 : machine.climbs;
  const next = { ...machine, strikes, climbs, failures: failures + 1 };
  if (around.attempts !== undefined && next.failures > around.attempts) return to(next, { phase: "closed" }, ...drops);
  const down = strikes >= strikesOut && around.deadlines.length > 1;
  const rung = down ? (machine.rung + 1) % around.deadlines.length : machine.rung;
  const moved = { ...next, rung, strikes: down ? 0 : strikes };
  if (down && rung > 0 && loss.retryAfterMs === undefined) {
    const [dialed, ...effects] = dial(moved, around);
    return [dialed, ...drops, ...effects];
  }
  // Full jitter, so that clients that were cut off together do not come back together.
  const bound = Math.min(longestWaitMs, firstWaitMs * 2 ** failures);
  const retryAt = around.now + (loss.retryAfterMs ?? 0) + around.random * bound;
  return to(moved, { phase: "waiting", retryAt, reason: loss.reason }, ...drops);
}

function dropAll(state: State): Effect[] {
  const lines = "line" in state ? [state.line] : [];
  if (state.phase === "live" && "line" in state.trial) lines.push(state.trial.line);
  return lines.map((line) => ({ do: "drop", line }));
}

// Faults on single frames of a line, which no good line has: one is lost, comes twice, overtakes others, or comes late.
// A line is a list of frames on their way in one direction.

import type { TestSocket } from "../../src/testing.ts";

type Int = (n: number) => number;

const farthest = 6; // frames that one overtakes, or is overtaken by

/** What can happen to a frame. */
export const faultKinds = ["lost", "twice", "overtaken", "late"] as const;
export type FaultKind = (typeof faultKinds)[number];

/** Frames that were taken off a line and are put back later, if that is still open. */
export class Faults {
  /** How often each kind has happened, over all games. */
  static readonly count: Record<FaultKind, number> = { lost: 0, twice: 0, overtaken: 0, late: 0 };

  readonly #int: Int;
  readonly #late: { readonly line: () => string[] | undefined; readonly frame: string }[] = [];

  constructor(int: Int) {
    this.#int = int;
  }

  /** Does something to one frame that is on its way, if there is one. */
  strike(sockets: readonly TestSocket[]): void {
    const ends = sockets.flatMap((socket) => [
      (): string[] | undefined => (socket.state === "open" ? socket.session?.out : undefined),
      (): string[] | undefined => (socket.state === "open" ? socket.toServer : undefined),
    ]);
    const busy = ends.filter((line) => (line()?.length ?? 0) > 0);
    const line = busy[this.#int(busy.length)];
    const frames = line?.();
    if (!line || !frames) return;
    const kind = faultKinds[this.#int(faultKinds.length)] ?? "lost";
    const at = this.#int(frames.length);
    const frame = frames[at] ?? "";
    if (frame.includes('"type":"welcome"')) return; // a line without it is no line
    Faults.count[kind]++;
    if (kind !== "twice") frames.splice(at, 1);
    if (kind === "twice" || kind === "overtaken") frames.splice(at + 1 + this.#int(farthest), 0, frame);
    if (kind === "late") this.#late.push({ line, frame });
  }

  /** Has one of the late frames come, if there is one. */
  release(): void {
    const [late] = this.#late.splice(this.#int(this.#late.length || 1), 1);
    late?.line()?.unshift(late.frame);
  }

  /** Late frames come no more. */
  end(): void {
    this.#late.length = 0;
  }
}

// A clock that moves when told, and a seeded die.

import type { Clock, Timer } from "../env.ts";

export class FakeClock implements Clock {
  #now = 0;
  #next = 1;
  readonly #timers = new Map<number, { at: number; action: () => void }>();

  readonly now = (): number => this.#now;

  readonly setTimeout = (action: () => void, ms: number): Timer => {
    this.#timers.set(this.#next, { at: this.#now + Math.max(ms, 0), action });
    return this.#next++;
  };

  readonly clearTimeout = (timer: Timer): void => {
    this.#timers.delete(timer as number);
  };

  /** Moves on by ms, with every timer that is due on the way, and lets promises settle in between. */
  async run(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const [due] = [...this.#timers]
        .filter(([, { at }]) => at <= end)
        .toSorted(([a, x], [b, y]) => x.at - y.at || a - b);
      if (!due) break;
      this.#timers.delete(due[0]);
      this.#now = Math.max(this.#now, due[1].at);
      due[1].action();
      await settle();
    }
    this.#now = end;
  }
}

/** Lets every promise that can settle without time do so, those of streams and bodies too. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise<void>((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.addEventListener("message", () => {
        port1.close();
        resolve();
      });
      port1.start();
      port2.postMessage(undefined);
    });
  }
}

/** Numbers in [0, 1), the same for the same seed. */
export function die(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

// Long poll and plain poll: POST /v1/sync again and again. A long poll is held by the server until there is news; what is
// to be written meanwhile goes in a request of its own, one at a time. A browser has six connections per host, so held
// polls take one of a few slots that all pages of the origin share, and without one this is a plain poll.

import { type Ask, lossOf, post, read } from "./requests.ts";
import type { Dial, Line, Sink, Transport } from "./transport.ts";

const deadlineMs = 10_000;
const holdSeconds = 25;
const graceMs = 10_000; // beyond the wait; then the request has failed
const slots = 3; // of the six connections that a browser has per host: held polls leave the others to writes
const writeBytes = 128 << 10; // of frames in one request

/** Polls that the server holds until there is news. */
export function longPoll(): Transport {
  return { via: "long-poll", deadlineMs, watchesItself: true, open: (dial, sink) => new PollLine(dial, sink, true) };
}

/** Polls at an interval, 10 s unless told otherwise. */
export function poll(): Transport {
  return { via: "poll", deadlineMs, watchesItself: true, open: (dial, sink) => new PollLine(dial, sink, false) };
}

class PollLine implements Line {
  readonly #dial: Dial;
  readonly #sink: Sink;
  readonly #abort = new AbortController();
  readonly #hold: boolean;
  #session: string | undefined;
  #queue: string[] = [];
  #writing = false;
  #giveBack: (() => void) | undefined;
  #wakeUp: (() => void) | undefined;

  constructor(dial: Dial, sink: Sink, hold: boolean) {
    this.#dial = dial;
    this.#sink = sink;
    this.#hold = hold;
    void this.#run();
  }

  get buffered(): number {
    return this.#queue.reduce((bytes, frame) => bytes + frame.length, 0);
  }

  send(frames: readonly string[]): void {
    this.#queue.push(...frames);
    if (this.#session !== undefined) void this.#write();
  }

  close(): void {
    this.#abort.abort();
    this.#giveBack?.();
    this.#wakeUp?.();
  }

  async #run(): Promise<void> {
    try {
      await this.#exchange(0, true);
      if (this.#hold) this.#giveBack = await (this.#dial.env.takeSlot ?? takeSlot)();
      while (!this.#abort.signal.aborted) {
        if (this.#giveBack) await this.#exchange(holdSeconds, true);
        else await this.#pause().then(() => this.#exchange(0, true));
      }
      this.#giveBack?.();
    } catch (error) {
      this.#failed(error);
    }
  }

  // Waits until the next poll is due.
  #pause(): Promise<void> {
    const { env, pollMs } = this.#dial;
    return new Promise((resolve) => {
      const timer = env.setTimeout(resolve, pollMs);
      this.#wakeUp = () => {
        env.clearTimeout(timer);
        resolve();
      };
    });
  }

  // Sends what is queued, one request at a time, so that it arrives in order.
  async #write(): Promise<void> {
    if (this.#writing) return;
    this.#writing = true;
    try {
      while (this.#queue.length > 0 && !this.#abort.signal.aborted) await this.#exchange(0, false);
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#writing = false;
    }
  }

  async #exchange(wait: number, reading: boolean): Promise<void> {
    const { env } = this.#dial;
    const frames = this.#writing && reading ? [] : this.#take();
    const abort = new AbortController();
    const stop = (): void => abort.abort();
    this.#abort.signal.addEventListener("abort", stop);
    const timer = env.setTimeout(stop, wait * 1000 + graceMs);
    try {
      const ask: Ask = {
        session: this.#session,
        frames,
        wait,
        positions: reading && this.#session !== undefined ? this.#dial.positions() : undefined,
      };
      const answer = await read(await post(this.#dial, ask, abort.signal));
      if (this.#abort.signal.aborted) return;
      const first = this.#session === undefined;
      this.#session = answer.session;
      const welcomed = !first || answer.frames.some(({ type }) => type === "welcome");
      this.#sink.frames(welcomed ? answer.frames : [{ type: "welcome" }, ...answer.frames], answer.bytes);
    } finally {
      env.clearTimeout(timer);
      this.#abort.signal.removeEventListener("abort", stop);
    }
  }

  #take(): string[] {
    let bytes = 0;
    const fits = this.#queue.findIndex((frame) => (bytes += frame.length) > writeBytes);
    return this.#queue.splice(0, fits < 0 ? this.#queue.length : Math.max(fits, 1));
  }

  #failed(error: unknown): void {
    if (this.#abort.signal.aborted) return;
    this.close();
    this.#sink.lost(lossOf(error));
  }
}

// A page without locks, as one of an insecure origin is, takes none: it cannot know what the others hold.
async function takeSlot(): Promise<(() => void) | undefined> {
  const locks = globalThis.navigator?.locks;
  if (!locks) return globalThis.document ? undefined : () => undefined;
  for (let slot = 0; slot < slots; slot++) {
    const giveBack = await new Promise<(() => void) | undefined>((resolve) => {
      const held = locks.request(`lockstep-poll-${slot}`, { ifAvailable: true }, (lock) =>
        lock ? new Promise<void>((release) => resolve(release)) : resolve(undefined),
      );
      held.catch(() => resolve(() => undefined));
    });
    if (giveBack) return giveBack;
  }
  return undefined;
}

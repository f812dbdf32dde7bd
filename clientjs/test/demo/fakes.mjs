// What the demo's modules need of the world, in a form that tests can steer: a clock that moves when told, a seeded
// die, and a server in memory that keeps the rules of the wire as plainly as can be.

/** A clock that stands still until `run` moves it. */
export class FakeClock {
  #now = 0;
  #timers = new Map();
  #next = 1;

  now = () => this.#now;

  setTimeout = (action, ms) => {
    this.#timers.set(this.#next, { at: this.#now + ms, action });
    return this.#next++;
  };

  clearTimeout = (id) => {
    this.#timers.delete(id);
  };

  /** Moves on by ms, with every timer that is due on the way. */
  run(ms) {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers]
        .filter(([, { at }]) => at <= end)
        .toSorted((a, b) => a[1].at - b[1].at || a[0] - b[0])[0];
      if (!due) break;
      this.#timers.delete(due[0]);
      this.#now = Math.max(this.#now, due[1].at);
      due[1].action();
    }
    this.#now = end;
  }
}

/** A seeded die: numbers in [0, 1), the same for the same seed (mulberry32). */
export function die(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One end of a line whose bytes move only when `deliver` says so. The client holds it as its socket. */
export class FakeSocket extends EventTarget {
  open = true;
  #closing = false;
  toServer = [];
  toClient = [];

  send(text) {
    if (this.open) this.toServer.push(...text.split("\n"));
  }

  /** Called by the client, which hears of the end later. What it has sent may still be read. */
  close() {
    this.open = false;
    this.#closing = true;
  }

  /** Hands the client up to `most` of the frames that the server has sent, in one message. */
  deliver(most = Infinity) {
    const lines = this.toClient.splice(0, most);
    if (lines.length > 0 && this.open)
      this.dispatchEvent(Object.assign(new Event("message"), { data: lines.join("\n") }));
    if (this.#closing) this.#end(1005);
    this.#closing = false;
  }

  /** Cuts the line: the client hears of it, and what was on its way to it is lost. */
  cut(code = 1006) {
    if (!this.open) return;
    this.open = false;
    this.toClient = [];
    this.#end(code);
  }

  #end(code) {
    this.dispatchEvent(Object.assign(new Event("close"), { code, reason: "" }));
  }
}

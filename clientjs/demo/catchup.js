// A meter of what the last return cost: the frames that a topic's cursor gave from its start until it was level with the
// server's clock at the welcome. Later events are news, not catching up.

const quietMs = 1_000; // without a frame; then a topic had nothing to catch up with

export class CatchUpMeter {
  /** Events or rows, bytes of frames, and milliseconds from the welcome to the last of them. */
  cost = { events: 0, bytes: 0, ms: 0 };
  #clock;
  #since = 0; // when the line went live, on our clock
  #until = 0; // and on the server's
  #behind = new Set(); // topics
  #timer = 0;

  constructor(clock) {
    this.#clock = clock;
  }

  /** Starts over: a line has gone live. */
  start(welcome) {
    this.cost = { events: 0, bytes: 0, ms: 0 };
    this.#since = this.#clock.now();
    this.#until = Date.parse(welcome.server_time);
    this.#behind.clear();
  }

  /** Counts a frame of a topic, if its cursor is still catching up. */
  take(frame, bytes, running) {
    if (frame.type === "subscribed" || frame.type === "resync") this.#behind.add(frame.topic);
    if (!this.#behind.has(frame.topic)) return;
    if (!running && isNews(frame, this.#until)) {
      this.#behind.delete(frame.topic);
      return;
    }
    this.cost.bytes += bytes;
    this.cost.events += (frame.events ?? frame.entities ?? []).length;
    this.cost.ms = Math.round(this.#clock.now() - this.#since);
    this.#clock.clearTimeout(this.#timer);
    this.#timer = this.#clock.setTimeout(() => this.#behind.clear(), quietMs);
  }
}

function isNews({ type, conflated, events }, until) {
  return type === "events" && !conflated && Date.parse(events[0]?.data.timestamp) > until;
}

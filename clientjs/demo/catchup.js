// A meter of what the last return cost: the frames that a topic's cursor gave from its start until the first that holds
// nothing from before the welcome, by the server's clock. Later events are news, not catching up.

const ofCursors = new Set(["subscribed", "resync", "snapshot", "events", "mark"]); // the rest answers, or is ephemeral

export class CatchUpMeter {
  /**
   * Events or rows, how many events they stand for, bytes of frames, and milliseconds from the welcome to the last of
   * them. The first line's cost is that of loading.
   */
  cost = { first: true, events: 0, happened: 0, bytes: 0, ms: 0 };
  #now;
  #since = 0; // when the line went live, on our clock
  #until = 0; // and on the server's
  #behind = new Set(); // topics

  /** @param {() => number} now milliseconds */
  constructor(now) {
    this.#now = now;
  }

  /** Starts over: a line has gone live. */
  start(welcome) {
    this.cost = { first: this.#since === 0, events: 0, happened: 0, bytes: 0, ms: 0 };
    this.#since = this.#now();
    this.#until = Date.parse(welcome.server_time);
    this.#behind.clear();
  }

  /** Counts a frame of a topic, if its cursor is still catching up; `running` says that it is amid several frames. */
  take(frame, bytes, running) {
    if (frame.type === "subscribed" || frame.type === "resync") this.#behind.add(frame.topic);
    if (!this.#behind.has(frame.topic) || !ofCursors.has(frame.type)) return;
    if (!running && isNews(frame, this.#until)) {
      this.#behind.delete(frame.topic);
      return;
    }
    this.cost.bytes += bytes;
    this.cost.events += (frame.events ?? frame.entities ?? []).length;
    if (frame.type === "events") this.cost.happened += frame.to - frame.from;
    this.cost.ms = Math.round(this.#now() - this.#since);
  }
}

// A mark says that there is no more.
function isNews({ type, events }, until) {
  if (type === "mark") return true;
  return type === "events" && events.every(({ data }) => Date.parse(data.timestamp) > until);
}

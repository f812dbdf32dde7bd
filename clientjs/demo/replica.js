// A replica is one topic's rows and position. It keeps two states: `shown`, which the server had at one moment, and,
// during a run of several frames, a staged one that the frames build up. The staged state is shown when the run is
// complete (`more` false), and never before. Resuming starts from the staged position, so no chunk is sent twice.
//
// What a frame did is said in one word:
//   "shown"   what is shown has changed or moved
//   "staged"  the run goes on
//   "known"   nothing new
//   "gap"     the frame does not join on: subscribe again

/** @typedef {{entity_id: string, version: number, payload: any}} Row */

export class Replica {
  /** What may be displayed: the rows the server had at (epoch, version). Epoch "" is before the first load. */
  shown = { epoch: "", version: 0, rows: new Map() };
  #staged = null; // the same shape; null outside of runs

  /** Where to resume: behind the last frame taken, shown or not. */
  get position() {
    const { epoch, version } = this.#staged ?? this.shown;
    return { epoch, version };
  }

  /** Whether a run is under way. */
  get running() {
    return this.#staged !== null;
  }

  /** Begins again from nothing. What is shown stays until the run that follows is complete. */
  restart(epoch) {
    this.#staged = { epoch, version: 0, rows: new Map() };
  }

  /** Takes the frame that says where the cursor starts. */
  subscribed(frame) {
    const { epoch, version } = this.position;
    if (frame.epoch !== epoch || frame.version !== version) this.restart(frame.epoch);
  }

  /** Takes a chunk of rows, which brings a replica that has all the chunks before it to `to`. */
  snapshot(frame) {
    const run = this.#stage(frame.epoch);
    if (run.epoch !== frame.epoch) return "gap";
    if (frame.to < run.version) return "known";
    for (const { entity_id, version, payload } of frame.entities)
      run.rows.set(entity_id, { entity_id, version, payload });
    return this.#reach(run, { epoch: frame.epoch, version: frame.to, more: frame.more });
  }

  /** Takes events that bring a replica at `from` to `to`. */
  events(frame) {
    const { epoch, version } = this.position;
    // The epoch of an empty topic stands for whatever epoch comes next.
    if (frame.epoch !== epoch && version > 0) return "gap";
    if (frame.from > version) return "gap";
    if (frame.to <= version && !this.running) return "known";
    const run = frame.more || this.running ? this.#stage(frame.epoch) : this.shown;
    for (const event of frame.events) {
      if (event.version > version) apply(run.rows, event);
    }
    return this.#reach(run, { epoch: frame.epoch, version: Math.max(frame.to, version), more: frame.more });
  }

  /** Takes the word that the cursor is at a version: one ahead of ours means that the end of the log was lost. */
  mark(frame) {
    const { epoch, version } = this.position;
    return frame.version > version || (version > 0 && frame.epoch !== epoch) ? "gap" : "known";
  }

  #stage(epoch) {
    this.#staged ??= { epoch: this.shown.epoch, version: this.shown.version, rows: new Map(this.shown.rows) };
    if (this.#staged.version === 0) this.#staged.epoch = epoch;
    return this.#staged;
  }

  #reach(run, { epoch, version, more }) {
    run.version = version;
    if (more) return "staged";
    this.shown = { epoch, version, rows: run.rows };
    this.#staged = null;
    return "shown";
  }
}

// A catch-up is conflated, so an update may come for a row that was never here, and a delete for nothing.
function apply(rows, { op = "put", version, data: { entity_id, payload } }) {
  if (op === "none") return;
  if (op === "delete") rows.delete(entity_id);
  else rows.set(entity_id, { entity_id, version, payload });
}

// A connection carries frames over one WebSocket at a time and dials again when the line is lost. It keeps the frames
// that concern the line (welcome, bye, pong) and hands every other one on.
//
// Its state is one of
//   { phase: "held" }                          nobody wants a line; the start
//   { phase: "connecting", socket }            dialed, no welcome yet
//   { phase: "live", socket, welcome, heard }  `heard` is when the last message came
//   { phase: "waiting" }                       lost; dials again after a while
//   { phase: "refused", reason }               the server said not to come back
// and `timer` always belongs to the present state: entering a state ends the timer of the one before.

export const subprotocol = "lockstep.v1";

const handshakeMs = 10_000; // to the welcome; then the line is dropped
const probeMs = 2_000; // for any answer to a ping sent on suspicion; then the line is dropped
const firstWaitMs = 250; // the backoff doubles from here
const longestWaitMs = 8_000; // and stays here
const refusals = new Set([4403]); // close codes that dialing again would not mend
const utf8 = new TextEncoder();

export class Connection {
  #dial;
  #clock;
  #random;
  #onFrame;
  #onState;
  #state = { phase: "held" };
  #timer = 0;
  #failures = 0; // since the last welcome
  #retryAfter = 0; // what the last bye asked for, in milliseconds

  /**
   * @param {object} options
   * @param {() => WebSocket} options.dial opens a socket
   * @param {(frame: object, bytes: number) => void} options.onFrame
   * @param {(state: object) => void} options.onState
   * @param {{now(): number, setTimeout: Function, clearTimeout: Function}} options.clock
   * @param {() => number} [options.random]
   */
  constructor({ dial, onFrame, onState, clock, random = Math.random }) {
    this.#dial = dial;
    this.#onFrame = onFrame;
    this.#onState = onState;
    this.#clock = clock;
    this.#random = random;
  }

  get state() {
    return this.#state;
  }

  /** Opens the line, now and after every loss, until hold. */
  open() {
    if (this.#state.phase === "held" || this.#state.phase === "refused") this.#connect();
  }

  /** Closes the line and keeps it closed until open. */
  hold() {
    this.#leave(1000);
    this.#failures = 0;
    this.#enter({ phase: "held" });
  }

  /** Sends frames in one message. Without a live line they go nowhere: the caller sends them again after the next. */
  send(frames) {
    const { phase, socket } = this.#state;
    if (phase === "live" && frames.length > 0) socket.send(frames.map((frame) => JSON.stringify(frame)).join("\n"));
  }

  /** Says that the world may have changed (network, visibility): a live line is tested, a waiting one dials at once. */
  wake() {
    if (this.#state.phase === "waiting") this.#connect();
    if (this.#state.phase === "live") this.#probe();
  }

  #connect() {
    const socket = this.#dial();
    socket.addEventListener("message", (message) => {
      if (this.#state.socket === socket) this.#heard(socket, message.data);
    });
    socket.addEventListener("close", (close) => {
      if (this.#state.socket === socket) this.#lost(close.code, close.reason);
    });
    this.#enter({ phase: "connecting", socket }, handshakeMs, () => this.#lost());
  }

  #heard(socket, text) {
    if (this.#state.phase === "live") this.#state.heard = this.#clock.now();
    for (const line of text.split("\n")) {
      if (line === "" || this.#state.socket !== socket) continue; // a frame before this one ended the line
      const frame = JSON.parse(line);
      if (frame.type === "welcome") this.#welcomed(socket, frame);
      else if (frame.type === "bye") this.#retryAfter = frame.retry_after_ms ?? 0;
      else if (frame.type !== "pong") this.#onFrame(frame, utf8.encode(line).length);
    }
  }

  #welcomed(socket, welcome) {
    this.#failures = 0;
    this.#retryAfter = 0;
    this.#enter({ phase: "live", socket, welcome, heard: this.#clock.now() }, heartbeat(welcome), () => this.#watch());
  }

  // Judges the line by timestamps, for timers of a hidden page come late. The server speaks at least once in every
  // heartbeat; two silent ones are suspicious.
  #watch() {
    const { welcome, heard } = this.#state;
    const left = 2 * heartbeat(welcome) - (this.#clock.now() - heard);
    if (left <= 0) this.#probe();
    else this.#after(left, () => this.#watch());
  }

  #probe() {
    const asked = this.#clock.now();
    this.send([{ type: "ping" }]);
    this.#after(probeMs, () => {
      if (this.#state.heard < asked) this.#lost();
      else this.#watch();
    });
  }

  #lost(code = 1006, reason = "") {
    this.#leave();
    if (refusals.has(code)) {
      this.#enter({ phase: "refused", reason: reason || `close code ${code}` });
      return;
    }
    // Full jitter, so that clients that were cut off together do not come back together.
    const bound = Math.min(longestWaitMs, firstWaitMs * 2 ** this.#failures++);
    const wait = this.#retryAfter + this.#random() * bound;
    this.#enter({ phase: "waiting" }, wait, () => this.#connect());
  }

  // Gives up the socket of the present state, if it has one. Its events no longer concern us.
  #leave(code) {
    const { socket } = this.#state;
    this.#state = { phase: "leaving" };
    if (socket) socket.close(code);
  }

  #enter(state, ms, expired) {
    this.#state = state;
    this.#after(ms, expired);
    this.#onState(state);
  }

  #after(ms, expired) {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = expired ? this.#clock.setTimeout(expired, ms) : 0;
  }
}

function heartbeat(welcome) {
  return welcome.heartbeat_ms ?? 25_000;
}

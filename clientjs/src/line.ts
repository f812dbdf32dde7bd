// The shell around the connection machine: it has the clock, the timer, the tokens and the lines, does what the machine
// says, and tells the machine what happens.

import { dueAt, type Effect, type Event, type Loss, type Machine, start, type State, step } from "./connection.ts";
import type { Env, Timer } from "./env.ts";
import { subject, type TokenOption, Tokens } from "./token.ts";
import { encode, type Dial, type Line, type Transport, type Via } from "./transport.ts";
import type { ClientFrame, ServerFrame, Welcome } from "./wire.ts";

export interface LinesOptions {
  readonly env: Env;
  readonly transports: readonly Transport[];
  readonly token: TokenOption | undefined;
  readonly attempts: number | undefined;
  readonly pollMs: number;
  url(path: string): URL;
  positions(): Record<string, string>;
  /** A line is the one to talk on from now on; what was sent on another one is sent again. */
  live(welcome: Welcome): void;
  frame(frame: ServerFrame): void;
  /** All frames of a message have been handed over. */
  settled(): void;
  changed(): void;
  debug(what: string, detail: unknown): void;
}

const defaultHeartbeatMs = 25_000;

interface Opened {
  line: Line | undefined;
  token: string | undefined;
  welcome: Welcome | undefined;
}

export class Lines {
  readonly #options: LinesOptions;
  readonly #tokens: Tokens;
  readonly #lines = new Map<number, Opened>();
  #machine: Machine = start;
  #timer: Timer;
  #refused: { token: string | undefined } | undefined; // by the server; the same one is not tried twice
  #subject: string | undefined; // whom the line in use speaks for

  constructor(options: LinesOptions) {
    this.#options = options;
    this.#tokens = new Tokens(options.token, options.env, (token) => this.#renewed(token));
  }

  get state(): State {
    return this.#machine.state;
  }

  get via(): Via | undefined {
    const { state } = this;
    return state.phase === "live" || state.phase === "connecting"
      ? this.#options.transports[state.rung]?.via
      : undefined;
  }

  /** Bytes that wait to be sent on the live line. */
  get buffered(): number {
    return this.#live?.line?.buffered ?? 0;
  }

  tell(type: "open" | "hold" | "close" | "wake" | "expect"): void {
    this.#happened({ type });
  }

  /** Sends frames on the live line; without one they go nowhere, and are sent again by who keeps them. */
  send(frames: readonly ClientFrame[]): void {
    this.sendEncoded(frames.map(encode));
  }

  sendEncoded(frames: readonly string[]): void {
    if (frames.length === 0) return;
    for (const frame of frames) this.#options.debug("send", frame);
    this.#live?.line?.send(frames);
  }

  /** Says that the server wants another token. */
  unauthorized(): void {
    this.#tokens.renew(this.#live?.token);
  }

  /** Gives the live line up, as when an answer is overdue. */
  giveUp(reason: string): void {
    const { state } = this;
    if (state.phase === "live") this.#happened({ type: "lost", line: state.line, reason });
  }

  get #live(): Opened | undefined {
    const { state } = this;
    return state.phase === "live" ? this.#lines.get(state.line) : undefined;
  }

  #happened(event: Event): void {
    const { env, transports, attempts } = this.#options;
    const before = this.#machine.state;
    const deadlines = transports.map(({ deadlineMs }) => deadlineMs);
    const [machine, ...effects] = step(this.#machine, event, {
      now: env.now(),
      random: env.random(),
      deadlines,
      attempts,
    });
    this.#machine = machine;
    env.clearTimeout(this.#timer);
    const due = dueAt(machine);
    if (due < Infinity)
      this.#timer = env.setTimeout(() => this.#happened({ type: "timer" }), Math.max(due - env.now(), 0));
    const { state } = machine;
    if (state.phase !== before.phase) this.#options.debug(state.phase, "reason" in state ? state.reason : this.via);
    for (const effect of effects) this.#do(effect);
    if (state.phase !== before.phase || effects.some((effect) => effect.do === "live")) this.#options.changed();
  }

  #do(effect: Effect): void {
    const opened = this.#lines.get(effect.line);
    switch (effect.do) {
      case "dial":
        void this.#dial(effect.line, effect.rung);
        return;
      case "drop":
        this.#lines.delete(effect.line);
        opened?.line?.close();
        return;
      case "ping":
        opened?.line?.send([encode({ type: "ping" })]);
        return;
      case "live":
        if (!opened?.welcome) return;
        this.#refused = undefined;
        this.#subject = subject(opened.token);
        this.#tokens.use(opened.token);
        this.#options.live(opened.welcome);
    }
  }

  async #dial(number: number, rung: number): Promise<void> {
    const opened: Opened = { line: undefined, token: undefined, welcome: undefined };
    this.#lines.set(number, opened);
    const transport = this.#options.transports[rung];
    try {
      opened.token = await this.#tokens.fetch().catch((error: unknown) => {
        this.#lost(number, { reason: String(error), blameless: true });
        return undefined;
      });
      if (this.#lines.get(number) !== opened || !transport) return;
      if (this.#refused && this.#refused.token === opened.token) {
        this.#lost(number, { reason: "unauthorized", block: "auth" });
        return;
      }
      this.#happened({ type: "dialing", line: number });
      opened.line = this.#open(number, opened, transport);
    } catch (error) {
      this.#lost(number, { reason: String(error) });
    }
  }

  #open(number: number, opened: Opened, transport: Transport): Line {
    const { env, pollMs, url, positions } = this.#options;
    const dial: Dial = {
      env,
      get token() {
        return opened.token; // renewed in place
      },
      pollMs,
      url,
      positions,
    };
    return transport.open(dial, {
      frames: (frames) => this.#heard(number, opened, transport, frames),
      lost: ({ unauthorized, ...loss }) => {
        if (unauthorized) this.#refused = { token: opened.token };
        this.#lost(number, loss);
      },
    });
  }

  #lost(line: number, loss: Loss): void {
    if (this.#lines.delete(line)) this.#happened({ type: "lost", line, ...loss });
  }

  #heard(line: number, opened: Opened, transport: Transport, frames: readonly ServerFrame[]): void {
    const known = (): boolean => this.#lines.get(line) === opened;
    if (!known()) return;
    this.#happened({ type: "heard", line });
    for (const frame of frames) {
      if (!known()) return; // a frame before this one ended the line
      this.#options.debug("receive", frame);
      if (frame.type === "welcome") {
        opened.welcome = frame;
        const heartbeat = transport.watchesItself ? 0 : (frame.heartbeat_ms ?? defaultHeartbeatMs);
        this.#happened({ type: "welcome", line, heartbeat });
      } else if (frame.type === "bye") {
        opened.line?.close();
        this.#lost(line, { reason: frame.reason, retryAfterMs: frame.retry_after_ms ?? 0 });
      } else if (frame.type !== "pong" && this.#live === opened) this.#options.frame(frame);
    }
    this.#options.settled();
  }

  // A token for the same user goes to the server in place, positions kept; for another one the line begins anew.
  #renewed(token: string): void {
    const { state } = this;
    const live = this.#live;
    if (state.phase !== "live" || !live) return;
    if (subject(token) !== this.#subject) return this.giveUp("another user");
    live.token = token;
    this.#tokens.use(token);
    this.send([{ type: "auth", token }]);
  }

  stop(): void {
    this.#tokens.stop();
    this.#options.env.clearTimeout(this.#timer);
  }
}

// SSE, read as a fetch stream, which can send Authorization: POST /v1/sync with Accept: text/event-stream. What is to be
// written goes in requests beside it. It holds a connection for good, so it is for HTTP/2, or for who asks for it.

import { lossOf, post, read } from "./requests.ts";
import type { Dial, Line, Sink, Transport } from "./transport.ts";
import { parseFrames } from "./wire.ts";

const deadlineMs = 10_000;

/** Frames in a stream of server-sent events; writes by POST. */
export function sse(): Transport {
  return { via: "sse", deadlineMs, watchesItself: false, open: (dial, sink) => new StreamLine(dial, sink) };
}

class StreamLine implements Line {
  readonly #dial: Dial;
  readonly #sink: Sink;
  readonly #abort = new AbortController();
  #session: string | undefined;
  #queue: string[] = [];
  #writing = false;

  constructor(dial: Dial, sink: Sink) {
    this.#dial = dial;
    this.#sink = sink;
    this.#listen().then(
      () => this.#failed(new Error("the stream ended")),
      (error: unknown) => this.#failed(error),
    );
  }

  get buffered(): number {
    return this.#queue.reduce((bytes, frame) => bytes + frame.length, 0);
  }

  send(frames: readonly string[]): void {
    this.#queue.push(...frames);
    void this.#write();
  }

  close(): void {
    this.#abort.abort();
  }

  async #listen(): Promise<void> {
    const ask = { session: undefined, frames: [], wait: 0 };
    const answer = await post(this.#dial, ask, this.#abort.signal, "text/event-stream");
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = (await reader?.read()) ?? { value: undefined, done: true };
      if (done || this.#abort.signal.aborted) return;
      const events = (rest + value).split("\n\n");
      rest = events.pop() ?? "";
      for (const event of events) this.#heard(event);
    }
  }

  // One event's data lines are frames; comments keep the line alive and say nothing.
  #heard(event: string): void {
    const lines = event.split("\n").filter((line) => line.startsWith("data:"));
    const frames = parseFrames(lines.map((line) => line.slice(5).trimStart()).join("\n"));
    for (const frame of frames) if (frame.type === "welcome") this.#session = frame.session;
    if (!this.#abort.signal.aborted) this.#sink.frames(frames, event.length);
  }

  async #write(): Promise<void> {
    if (this.#writing) return;
    this.#writing = true;
    try {
      while (this.#queue.length > 0 && !this.#abort.signal.aborted) {
        const ask = { session: this.#session, frames: this.#queue.splice(0), wait: 0 };
        const answer = await read(await post(this.#dial, ask, this.#abort.signal));
        if (!this.#abort.signal.aborted) this.#sink.frames(answer.frames, answer.bytes);
      }
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#writing = false;
    }
  }

  #failed(error: unknown): void {
    if (this.#abort.signal.aborted) return;
    this.close();
    this.#sink.lost(lossOf(error));
  }
}

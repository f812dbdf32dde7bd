// Calls of the application's own handlers on the server, and their replies. A call that has none when the line goes is
// over: whether it was carried out is for its handler to know.

import type { Env } from "./env.ts";
import { LockstepError } from "./errors.ts";
import type { ClientFrame, Reply } from "./wire.ts";

const patienceMs = 30_000;

export class Calls {
  readonly #env: Env;
  readonly #send: (frame: ClientFrame) => void;
  readonly #open = new Map<number, (reply: Pick<Reply, "result" | "error"> | LockstepError) => void>();
  #last = 0;

  constructor(env: Env, send: (frame: ClientFrame) => void) {
    this.#env = env;
    this.#send = send;
  }

  call<R>(method: string, params: unknown, timeoutMs: number = patienceMs, live: boolean): Promise<R> {
    if (!live) return Promise.reject(unavailable("there is no line"));
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      const timer = this.#env.setTimeout(() => this.#open.get(id)?.(unavailable("no reply in time")), timeoutMs);
      this.#open.set(id, (reply) => {
        this.#env.clearTimeout(timer);
        this.#open.delete(id);
        if (reply instanceof LockstepError) reject(reply);
        else if (reply.error) reject(new LockstepError(reply.error));
        else resolve(reply.result as R);
      });
      this.#send({ type: "call", id, method, params });
    });
  }

  reply(frame: Reply): void {
    this.#open.get(Number(frame.id))?.(frame);
  }

  /** Says that the line is gone. */
  end(): void {
    for (const settle of Array.from(this.#open.values())) settle(unavailable("the line was lost"));
  }
}

function unavailable(message: string): LockstepError {
  return new LockstepError({ code: "unavailable", message, retry: "later" });
}

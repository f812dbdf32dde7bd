// Calls of the application's own handlers on the server, and their replies. A call that has none when the line goes is
// over: whether it was carried out is for its handler to know.

import type { Client } from "./client.ts";
import { LockstepError } from "./errors.ts";
import type { Problem, Reply } from "./wire.ts";

type Settle = (reply: Pick<Reply, "result" | "error">) => void;

const patienceMs = 30_000;
const open = new WeakMap<Client, Map<string | number, Settle>>();
let last = 0;

/** Calls a handler of the application on the server. Rejected with a LockstepError; unavailable without a line. */
export function call<R = unknown>(client: Client, method: string, params?: unknown, timeoutMs?: number): Promise<R> {
  const { env, taps } = client;
  let calls = open.get(client);
  if (!calls) {
    const settles = (calls = new Map<string | number, Settle>());
    open.set(client, calls);
    taps.add((frame) => {
      if (frame?.type === "reply") settles.get(frame.id)?.(frame);
      if (!frame) for (const settle of Array.from(settles.values())) settle(unavailable("the line was lost"));
    });
  }
  const mine = calls;
  client.open();
  return new Promise((resolve, reject) => {
    const id = ++last;
    const timer = env.setTimeout(() => mine.get(id)?.(unavailable("no reply in time")), timeoutMs ?? patienceMs);
    mine.set(id, ({ result, error }) => {
      env.clearTimeout(timer);
      mine.delete(id);
      if (error) reject(new LockstepError(error));
      else resolve(result as R);
    });
    if (client.live) client.say({ type: "call", id, method, params });
    else mine.get(id)?.(unavailable("there is no line"));
  });
}

function unavailable(message: string): { error: Problem } {
  return { error: { code: "unavailable", message, retry: "later" } };
}

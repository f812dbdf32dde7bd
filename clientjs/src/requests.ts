// POST /v1/sync, which polls and streams share: frames of a session out, frames of the server back.

import type { Loss } from "./connection.ts";
import { encode, type Dial } from "./transport.ts";
import { toFrame, type Problem, type ServerFrame } from "./wire.ts";

/** A request that did not bring what it was for. */
export class Failed extends Error {
  readonly loss: Loss & { readonly unauthorized?: boolean | undefined };

  constructor(loss: Failed["loss"]) {
    super(loss.reason);
    this.loss = loss;
  }
}

export interface Ask {
  readonly session: string | undefined;
  readonly frames: readonly string[];
  /** Seconds that the answer may take to come. */
  readonly wait: number;
  readonly positions?: Record<string, string> | undefined;
}

/** Sends one request. Throws Failed, or the abort's error. */
export async function post(dial: Dial, ask: Ask, signal: AbortSignal, accept = "application/json"): Promise<Response> {
  const { env, token } = dial;
  if (!env.fetch) throw new Failed({ reason: "no fetch; pass one as an option" });
  const rest = encode({ session: ask.session, positions: ask.positions, wait: ask.wait });
  const body = `${rest.slice(0, -1)},"frames":[${ask.frames.join(",")}]}`;
  const headers: Record<string, string> = { "Content-Type": "application/json", Accept: accept };
  if (token !== undefined) headers["Authorization"] = `Bearer ${token}`;
  const answer = await env.fetch(dial.url("sync"), { method: "POST", headers, body, signal });
  if (!answer.ok) throw await refused(answer);
  return answer;
}

/** Reads the frames of a complete answer. */
export async function read(answer: Response): Promise<{ session: string; frames: ServerFrame[]; bytes: number }> {
  const text = await answer.text();
  const { session, frames } = JSON.parse(text) as { session: string; frames: unknown[] };
  return { session, frames: frames.map(toFrame), bytes: text.length };
}

async function refused(answer: Response): Promise<Failed> {
  const problem = (await answer.json().catch(() => ({}))) as Partial<Problem>;
  const after = Number(answer.headers.get("Retry-After")) * 1000;
  const reason = problem.code ?? `status ${answer.status}`;
  return new Failed({
    reason,
    retryAfterMs: problem.retry_after_ms ?? (after || undefined),
    unauthorized: answer.status === 401,
    block: reason === "forbidden" ? reason : undefined,
  });
}

/** What a line says of an error: a request that failed, or a network that did. */
export function lossOf(error: unknown): Failed["loss"] {
  return error instanceof Failed ? error.loss : { reason: String(error) };
}

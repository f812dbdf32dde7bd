// Where tokens come from. A token is fetched freshly for each attempt, once however many ask for it at a time, and
// again before it expires.

import { type Env, type Timer } from "./env.ts";

/** A token, or what fetches one; nothing where the application is signed out. */
export type TokenOption = string | (() => string | undefined | Promise<string | undefined>);

const earlyMs = 30_000; // before it expires, or half of its life where that is shorter
const retryMs = 5_000; // after a fetch in place that failed
const patienceMs = 9_000; // with a fetch: well below the time that an attempt has for it, so that no transport is blamed

export class Tokens {
  readonly #source: TokenOption | undefined;
  readonly #env: Env;
  readonly #renewed: (token: string) => void;
  #fetching: Promise<string | undefined> | undefined;
  #timer: Timer;

  /** renewed is told of a token fetched because the one in use was about to expire. */
  constructor(source: TokenOption | undefined, env: Env, renewed: (token: string) => void) {
    this.#source = source;
    this.#env = env;
    this.#renewed = renewed;
  }

  /** Fetches a token; undefined where there is none to be had. One that hangs fails, and the next one begins anew. */
  async fetch(): Promise<string | undefined> {
    const source = this.#source;
    if (typeof source !== "function") return source;
    this.#fetching ??= new Promise<string | undefined>((resolve, reject) => {
      const timer = this.#env.setTimeout(() => reject(new Error("token() takes too long")), patienceMs);
      const done = (async () => source())().finally(() => this.#env.clearTimeout(timer));
      done.then(resolve, reject);
    }).finally(() => (this.#fetching = undefined));
    return this.#fetching;
  }

  /** Says which token the line uses, to renew it in time. */
  use(token: string | undefined): void {
    this.stop();
    const exp = token === undefined ? undefined : claims(token)["exp"];
    if (typeof exp !== "number" || typeof this.#source !== "function") return;
    const left = exp * 1000 - Date.now();
    this.#after(Math.max(left - Math.min(earlyMs, left / 2), 0), token);
  }

  /** Fetches a new token in place of the one in use. */
  renew(old?: string): void {
    const later = (): void => this.#after(retryMs, old);
    this.fetch().then((token) => (token === undefined || token === old ? later() : this.#renewed(token)), later);
  }

  stop(): void {
    this.#env.clearTimeout(this.#timer);
  }

  #after(ms: number, old: string | undefined): void {
    this.stop();
    this.#timer = this.#env.setTimeout(() => this.renew(old), ms);
  }
}

/** Whom a token speaks for, as far as it can be read; two tokens of one user have the same. */
export function subject(token: string | undefined): string {
  const { sub, tenant, tenant_id } = token === undefined ? {} : claims(token);
  return JSON.stringify([sub, tenant, tenant_id]);
}

// A JWT's claims are only read to plan; the server is who verifies them.
function claims(token: string): Record<string, unknown> {
  try {
    const [, body = ""] = token.split(".");
    return JSON.parse(atob(body.replaceAll("-", "+").replaceAll("_", "/"))) as Record<string, unknown>;
  } catch {
    return {};
  }
}

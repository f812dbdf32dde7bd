// The real server over real sockets: built once, started and killed as a test wants.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";

import { WebSocket } from "ws";

import { type ClientOptions, createClient, type SocketClass } from "../../src/index.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));

// Node 20 has no WebSocket. The types of this one begin with a constructor that takes null.
const NodeSocket = WebSocket as unknown as SocketClass;

/** The binary: LOCKSTEP_BIN, or bin/lockstep, which is built where it is missing. */
export function binary(): string {
  const given = process.env["LOCKSTEP_BIN"];
  if (given) return given;
  const bin = `${root}bin/lockstep`;
  if (!existsSync(bin)) execFileSync("go", ["build", "-o", bin, "./cmd/lockstep"], { cwd: root, stdio: "inherit" });
  return bin;
}

export class Server {
  /** What the server checks tokens with; without it the server runs in --dev. */
  readonly #secret: string | undefined;
  readonly #data = mkdtempSync(`${tmpdir()}/lockstep-`);
  #child: ChildProcess | undefined;
  #port = 0;

  constructor(secret?: string) {
    this.#secret = secret;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Starts the server, on the port that it had before. */
  async start(): Promise<void> {
    const listen = ["--listen", `127.0.0.1:${this.#port}`, "--admin-listen", "127.0.0.1:0"];
    const child = spawn(binary(), ["serve", ...(this.#secret ? [] : ["--dev"]), ...listen, "--data", this.#data], {
      env: { ...process.env, ...(this.#secret && { LOCKSTEP_AUTH_SECRET: this.#secret }) },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    let said = "";
    this.#port = await new Promise<number>((resolve, reject) => {
      const listenFor = (text: Buffer): void => {
        said += String(text);
        const port = /(?:127\.0\.0\.1|localhost):(\d+)/.exec(said)?.[1];
        if (port) resolve(this.#port || Number(port));
      };
      child.stdout?.on("data", listenFor);
      child.stderr?.on("data", listenFor);
      child.on("exit", (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
    });
    for (;;)
      if (
        await fetch(`${this.url}/readyz`).then(
          ({ ok }) => ok,
          () => false,
        )
      )
        return;
  }

  /** Ends the server without warning, or as planned. */
  async stop(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await ended;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.#data, { recursive: true, force: true });
  }

  client(options: Partial<ClientOptions> = {}): ReturnType<typeof createClient> {
    return createClient({ url: this.url, user: "alice", WebSocket: NodeSocket, ...options });
  }
}

/** Waits until look holds; a real server is waited for, never slept for. */
export async function until(what: string, look: () => boolean, ms = 15_000): Promise<void> {
  const end = performance.now() + ms;
  while (!look()) {
    if (performance.now() > end) throw new Error(`after ${ms} ms still not: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

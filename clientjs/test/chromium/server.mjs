// The real server, on a directory of its own, started and killed as a test wants.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";

import { until } from "../browser/harness.mjs";

const root = fileURLToPath(new URL("../../../", import.meta.url));

export class Server {
  port = 0;
  #data = mkdtempSync(`${tmpdir()}/lockstep-`);
  #mode;
  #env;
  #child;

  /** With a secret the server checks tokens and answers pages of the origins; without one it runs in --dev. */
  constructor({ secret, origins = "" } = {}) {
    this.#mode = secret ? [] : ["--dev"];
    this.#env = { ...process.env, ...(secret && { LOCKSTEP_AUTH_SECRET: secret, LOCKSTEP_ORIGINS: origins }) };
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts it, on the port that it had before. LOCKSTEP_BIN names another binary than bin/lockstep. */
  async start() {
    const bin = process.env.LOCKSTEP_BIN ?? `${root}bin/lockstep`;
    const listen = ["--listen", `127.0.0.1:${this.port}`, "--admin-listen", "127.0.0.1:0", "--data", this.#data];
    const child = spawn(bin, ["serve", ...this.#mode, ...listen], {
      env: this.#env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    let said = "";
    const port = await new Promise((resolve, reject) => {
      const hear = (text) => {
        said += text;
        const [, found] = said.match(/(?:127\.0\.0\.1|localhost):(\d+)/) ?? [];
        if (found) resolve(Number(found));
      };
      child.stdout.on("data", hear);
      child.stderr.on("data", hear);
      child.on("exit", (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
    });
    this.port ||= port;
    const ready = () =>
      fetch(`${this.url}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      );
    await until("the server is ready", ready);
  }

  async kill() {
    if (!this.#child || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }

  async remove() {
    await this.kill();
    rmSync(this.#data, { recursive: true, force: true });
  }

  /** What the server itself has of a topic: its version, and its rows as a page paints them. */
  async topic(name, headers = {}) {
    const rows = [];
    let version;
    for (let cursor = ""; cursor !== undefined;) {
      const query = new URLSearchParams({
        ...(headers.Authorization ? {} : { user: "test" }),
        ...(cursor && { cursor }),
      });
      const answer = await fetch(`${this.url}/v1/topics/${name}?${query}`, { headers });
      if (!answer.ok) throw new Error(`${name}: ${answer.status} ${await answer.text()}`);
      const page = await answer.json();
      rows.push(...page.entities.map(({ entity_id, payload }) => [entity_id, payload]));
      version = page.version;
      cursor = page.more ? page.next : undefined;
    }
    return { version, painted: JSON.stringify(rows.toSorted(([a], [b]) => (a < b ? -1 : 1))) };
  }
}

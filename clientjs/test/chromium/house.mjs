// A real server, a real TCP proxy in front of it, and pages in Chromium on a port of their own.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer as createHTTP } from "node:http";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";

import { launchChromium, until } from "../browser/harness.mjs";

const root = fileURLToPath(new URL("../../../", import.meta.url));

export { until };

class Server {
  #data = mkdtempSync(`${tmpdir()}/lockstep-`);
  #child;
  port = 0;

  async start() {
    const bin = process.env.LOCKSTEP_BIN ?? `${root}bin/lockstep`;
    const listen = ["--listen", `127.0.0.1:${this.port}`, "--admin-listen", "127.0.0.1:0"];
    this.#child = spawn(bin, ["serve", "--dev", ...listen, "--data", this.#data], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    this.port ||= await new Promise((resolve, reject) => {
      const hear = (text) => {
        said += text;
        const [, port] = said.match(/(?:127\.0\.0\.1|localhost):(\d+)/) ?? [];
        if (port) resolve(Number(port));
      };
      this.#child.stdout.on("data", hear);
      this.#child.stderr.on("data", hear);
      this.#child.on("exit", (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
    });
    await until("the server is ready", () =>
      fetch(`http://127.0.0.1:${this.port}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
  }

  async stop(signal = "SIGKILL") {
    const ended = once(this.#child, "exit");
    this.#child.kill(signal);
    await ended;
  }

  remove() {
    rmSync(this.#data, { recursive: true, force: true });
  }
}

/**
 * A TCP proxy. `upgrades` says what becomes of WebSockets: pass, refuse (403), swallow (no answer at all), or die (cut
 * after the first bytes of the stream). `frozen` lets nothing through in either direction, and closes nothing.
 */
class Proxy {
  upgrades = "pass";
  requests = "pass";
  frozen = false;
  #lines = new Set();
  #server = createServer((client) => this.#accept(client));

  async start(port) {
    this.target = port;
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.port = this.#server.address().port;
  }

  #accept(client) {
    client.on("error", () => undefined);
    client.once("data", (head) => {
      const upgrade = /upgrade: *websocket/i.test(String(head));
      const mode = upgrade ? this.upgrades : this.requests;
      if (mode === "swallow") return;
      if (mode === "refuse") {
        client.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        return;
      }
      const server = connect(this.target, "127.0.0.1");
      const line = { client, server };
      this.#lines.add(line);
      server.on("error", () => client.destroy());
      client.on("close", () => {
        server.destroy();
        this.#lines.delete(line);
      });
      server.on("close", () => client.destroy());
      server.write(head);
      client.on("data", (bytes) => this.frozen || server.write(bytes));
      let heard = 0;
      server.on("data", (bytes) => {
        if (this.frozen) return;
        client.write(bytes);
        heard += bytes.length;
        if (mode === "die" && upgrade && heard > 600) client.destroy();
      });
    });
  }

  cut() {
    for (const { client } of this.#lines) client.destroy();
  }

  stop() {
    this.cut();
    this.#server.close();
  }
}

/** Starts everything, and returns what tests use of it. */
export async function open() {
  const server = new Server();
  await server.start();
  const proxy = new Proxy();
  await proxy.start(server.port);
  // The page has an origin of its own, and its script comes from the server's.
  const html = (
    query,
  ) => `<!doctype html><title>t</title><script src="http://127.0.0.1:${server.port}/client.iife.js"></script>
    <script>
      const options = new URLSearchParams(${JSON.stringify(query)});
      window.client = lockstep.createClient({ url: "http://127.0.0.1:" + options.get("port"), user: options.get("user") ?? "alice", pollMs: 1000 });
      window.list = client.topic(options.get("topic"));
      window.views = 0;
      list.subscribe(() => window.views++);
      window.put = (id, value) => { const m = list.put(id, value); (window.ms ??= []).push(m); return m; };
    </script>`;
  const pages = createHTTP((request, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end(html(new URL(request.url, "http://x").search));
  });
  pages.listen(0, "127.0.0.1");
  await once(pages, "listening");
  const chromium = await launchChromium();
  return {
    server,
    proxy,
    chromium,
    /** Opens a page that follows the topic, through the proxy, in a context of its own or in one given. */
    async page(topic, { context, user = "alice" } = {}) {
      const page = await (context ?? (await chromium.newContext())).newPage();
      const query = new URLSearchParams({ topic, user, port: String(proxy.port) });
      await page.goto(`http://127.0.0.1:${pages.address().port}/?${query}`);
      return page;
    },
    async close() {
      await chromium.close();
      pages.close();
      proxy.stop();
      await server.stop();
      server.remove();
    },
  };
}

export const phase = (page) => page.evaluate(() => `${client.status.phase} ${client.status.via}`);
export const rows = (page) => page.evaluate(() => JSON.stringify(list.rows));
export const stages = (page) => page.evaluate(() => (window.ms ?? []).map((m) => m.stage).join());

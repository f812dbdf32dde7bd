// A real TCP proxy between pages and the server, which can do what proxies in the world do.

import { once } from "node:events";
import { connect, createServer } from "node:net";

const holdMs = 400; // for an answer to begin, where held requests are cut
const dyingBytes = 600; // of a stream, which is then cut

const answer = (status) => `HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;

export class Proxy {
  /** What becomes of WebSockets: pass, refuse (403), swallow (no answer at all), die (cut after its first bytes). */
  upgrades = "pass";
  /** What becomes of requests that the server takes its time over: pass, or cut (504). */
  holds = "pass";
  /** What gets through, of what is open and of what is opened: both ways, up (nothing of the server's), or none. */
  flow = "both";
  port = 0;

  #target;
  #lines = new Set();
  #server = createServer((client) => this.#accept(client));

  constructor(target) {
    this.#target = target;
  }

  async start() {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.port = this.#server.address().port;
    return this;
  }

  /** Lets everything through again; lines that were silent are cut. */
  heal() {
    const silent = this.flow !== "both";
    Object.assign(this, { upgrades: "pass", holds: "pass", flow: "both" });
    if (silent) this.#cut();
  }

  stop() {
    this.#cut();
    this.#server.close();
  }

  #cut() {
    for (const client of this.#lines) client.destroy();
  }

  #accept(client) {
    this.#lines.add(client);
    client.on("error", () => undefined);
    client.on("close", () => this.#lines.delete(client));
    client.once("data", (head) => {
      const mode = /upgrade: *websocket/i.test(String(head)) ? this.upgrades : "request";
      if (mode === "swallow") return;
      if (mode === "refuse") client.end(answer("403 Forbidden"));
      else this.#join(client, mode, head);
    });
  }

  #join(client, mode, head) {
    const server = connect(this.#target, "127.0.0.1");
    let hold;
    let heard = 0;
    const up = (bytes) => {
      if (this.flow === "none") return;
      server.write(bytes);
      clearTimeout(hold);
      if (mode === "request")
        hold = setTimeout(() => this.holds === "cut" && client.end(answer("504 Too Slow")), holdMs);
    };
    server.on("data", (bytes) => {
      if (this.flow !== "both") return;
      clearTimeout(hold);
      client.write(bytes);
      heard += bytes.length;
      if (mode === "die" && heard > dyingBytes) client.destroy();
    });
    server.on("error", () => client.destroy());
    server.on("close", () => client.destroy());
    client.on("data", up);
    client.on("close", () => {
      clearTimeout(hold);
      server.destroy();
    });
    up(head);
  }
}

// A real server, pages in a real Chromium on a port of their own, and proxies between them.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

import { launchChromium, openChromium, until } from "../browser/harness.mjs";
import { Proxy } from "./proxy.mjs";
import { Server } from "./server.mjs";

export { until };

const html = readFileSync(new URL("page.html", import.meta.url), "utf8");

class House {
  server;
  chromium;
  /** By topic, what answers its pages that ask for a token: a function that returns one, or a promise of one. */
  tokens = new Map();
  #pages = createServer((request, response) => void this.#serve(request, response));
  #proxies = [];

  /**
   * With a secret pages need tokens. A plain Chromium is one as a person has it: its pages may be hidden, and are kept
   * when they are left. It has one context.
   */
  async start({ secret, plain = false } = {}) {
    this.#pages.listen(0, "127.0.0.1");
    await once(this.#pages, "listening");
    this.server = new Server({ secret, origins: this.origin });
    const launched = plain ? openChromium() : launchChromium();
    [this.chromium] = await Promise.all([launched, this.server.start()]);
    return this;
  }

  get origin() {
    return `http://127.0.0.1:${this.#pages.address().port}`;
  }

  async proxy() {
    const proxy = await new Proxy(this.server.port).start();
    this.#proxies.push(proxy);
    return proxy;
  }

  /**
   * Opens a page that follows the topic: through the proxy or straight, in a context of its own or in the one given.
   * Who its user is, is decided by its token where there is no user.
   */
  async page(topic, { context, user, proxy = this.server, origin = this.origin, script, die } = {}) {
    const page = await (context ?? (await this.chromium.newContext())).newPage();
    if (script) await page.addInitScript(script);
    const query = new URLSearchParams({ topic, port: String(proxy.port), ...(user && { user }), ...(die && { die }) });
    await page.goto(`${origin}/?${query}`);
    return page;
  }

  /** Waits until all pages paint the rows that the server has, and returns the topic's version. */
  async agree(topic, ...pages) {
    let has;
    await until(`all pages show what the server has of ${topic}`, async () => {
      has = await this.server.topic(topic);
      return (await Promise.all(pages.map(painted))).every((rows) => rows === has.painted);
    });
    return has.version;
  }

  async close() {
    await this.chromium?.close();
    this.#pages.close();
    this.#pages.closeAllConnections();
    for (const proxy of this.#proxies) proxy.stop();
    await this.server?.remove();
  }

  async #serve(request, response) {
    const [, asks, topic] = request.url.split("/");
    if (asks === "token") {
      response.end(await this.tokens.get(topic)());
      return;
    }
    response.setHeader("Content-Type", "text/html");
    response.end(html.replace("CLIENT", `${this.server.url}/client.iife.js`));
  }
}

export const open = (options) => new House().start(options);

/** The rows that the page has painted, when it has done what it was about to do. */
export const painted = (page) =>
  page.evaluate(
    () => new Promise((resolve) => setTimeout(() => resolve(document.querySelector("output").textContent))),
  );

/** Waits until the page's line is live on the transport. */
export const live = (page, via = "websocket", ms = 30_000) =>
  until(
    `live by ${via}`,
    () => page.evaluate((name) => client.status.phase === "live" && client.status.via === name, via),
    ms,
  );

/** Waits until the page knows that its line is gone. */
export const noticed = (page, ms) =>
  until("the loss is noticed", () => page.evaluate(() => client.status.phase !== "live"), ms);

/** Waits until all that the page wrote is observed. */
export async function settled(page) {
  await until("all writes are observed", async () => {
    const stages = await page.evaluate(() => writes.map(({ stage, error }) => error?.code ?? stage));
    const undecided = stages.filter((stage) => stage !== "observed");
    assert.deepEqual(
      undecided.filter((stage) => !["queued", "sent", "accepted"].includes(stage)),
      [],
    );
    return undecided.length === 0;
  });
}

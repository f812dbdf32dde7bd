// Starts the demo as a person would, and a Chromium to look at it with.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const startMs = 30_000;
const patienceMs = 20_000;

/** Runs `lockstep demo` and waits for the address it prints. LOCKSTEP_BIN names another binary than bin/lockstep. */
export async function startDemo() {
  const bin = process.env.LOCKSTEP_BIN ?? `${root}bin/lockstep`;
  const child = spawn(bin, ["demo", "--listen", "127.0.0.1:0"], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  const url = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no address after ${startMs} ms: ${said}`)), startMs);
    const listen = (text) => {
      said += text;
      const [address] = said.match(/http:\/\/127\.0\.0\.1:\d+\S*(?=\s)/) ?? [];
      if (!address) return;
      clearTimeout(timer);
      resolve(address);
    };
    child.stdout.setEncoding("utf8").on("data", listen);
    child.stderr.setEncoding("utf8").on("data", listen);
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`the demo ended with ${code}: ${said}`)));
  });
  return { child, url, said: () => said };
}

/** Presses Ctrl-C and returns {code, signal, ms}. */
export async function interrupt(child) {
  const start = performance.now();
  const ended = once(child, "exit");
  child.kill("SIGINT");
  const [code, signal] = await ended;
  return { code, signal, ms: performance.now() - start };
}

const quiet = ["gpu", "quic", "background-networking", "component-update", "sync"].map((name) => `--disable-${name}`);
const args = ["--no-sandbox", "--no-first-run", ...quiet];

function findChromium() {
  const find = fileURLToPath(new URL("../../scripts/chromium.sh", import.meta.url));
  return execFileSync(find, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim();
}

export function launchChromium() {
  return chromium.launch({ executablePath: findChromium(), headless: true, args });
}

/**
 * Opens a Chromium as a person has it. Under launchChromium every page believes that it is in front, and none is kept
 * when it is left. Here that holds for pages of the one context that it begins with.
 */
export async function openChromium() {
  const profile = mkdtempSync(`${tmpdir()}/chromium-`);
  const own = ["--headless", "--remote-debugging-port=0", `--user-data-dir=${profile}`];
  const child = spawn(findChromium(), [...args, ...own, "about:blank"], { stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(child, "exit");
  let said = "";
  const url = await new Promise((resolve, reject) => {
    child.on("exit", (code) => reject(new Error(`Chromium ended with ${code}: ${said}`)));
    child.stderr.on("data", (text) => {
      said += text;
      const [address] = said.match(/ws:\/\/\S+(?=\s)/) ?? [];
      if (address) resolve(address);
    });
  });
  const browser = await chromium.connectOverCDP(url, { noDefaults: true });
  return {
    context: browser.contexts()[0],
    async close() {
      const session = await browser.newBrowserCDPSession();
      await session.send("Browser.close").catch(() => undefined); // the line goes with it
      await ended;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Waits until look returns something true, and returns it. */
export async function until(what, look, ms = patienceMs) {
  const end = performance.now() + ms;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (performance.now() > end) throw new Error(`after ${ms} ms still not: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

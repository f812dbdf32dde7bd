// Starts the demo as a person would, and a Chromium to look at it with.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
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

export function launchChromium() {
  const find = fileURLToPath(new URL("../../scripts/chromium.sh", import.meta.url));
  const executablePath = execFileSync(find, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim();
  const quiet = ["quic", "background-networking", "component-update", "sync"].map((name) => `--disable-${name}`);
  return chromium.launch({
    executablePath,
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", ...quiet],
  });
}

/** Waits until look returns something true, and returns it. What it saw last is in the error. */
export async function until(what, look, ms = patienceMs) {
  const end = performance.now() + ms;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (performance.now() > end) throw new Error(`after ${ms} ms still not: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

// The top bar: where the earthquakes come from, how fast they are replayed, and how far the replay is.

import { setText } from "./dom.js";

const pollMs = 2_000;
const speeds = [
  [0, "paused"],
  [60, "1 minute per second"],
  [600, "10 minutes per second"],
  [3_600, "1 hour per second"],
  [21_600, "6 hours per second"],
  [86_400, "1 day per second"],
];

/** Keeps the top bar's elements up to date and carries its wishes to the server. */
export class Feed {
  #source = document.querySelector("[data-testid=source]");
  #progress = document.querySelector("[data-testid=progress]");
  #speed = document.querySelector("[data-testid=speed]");
  #restart = document.querySelector("[data-testid=restart]");

  start() {
    for (const [speed, words] of speeds) this.#speed.append(new Option(words, speed));
    this.#speed.addEventListener("change", () => this.#ask("/demo/speed", { speed: Number(this.#speed.value) }));
    this.#restart.addEventListener("click", () => this.#ask("/demo/restart"));
    void this.#poll();
    setInterval(() => document.hidden || this.#poll(), pollMs);
  }

  async #poll() {
    try {
      const answer = await fetch("/demo/info");
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      this.#show(await answer.json());
    } catch {
      setText(this.#source, "The server is not reached.");
    }
  }

  async #ask(path, body) {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body ?? {}),
    }).catch(() => null);
    if (answer?.status === 404) this.#restart.hidden ||= path === "/demo/restart";
    void this.#poll();
  }

  #show({ quakes, speed, replayed, done }) {
    const count = quakes.count.toLocaleString("en");
    const generated = quakes.source === "generated";
    const words = generated
      ? `The earthquakes are generated, not real: a week of ${count} with realistic statistics.`
      : `${done ? "Replayed" : "Replaying"} ${quakes.name}: ${count} earthquakes.`;
    setText(this.#source, words);
    this.#source.dataset.source = quakes.source;
    this.#showSpeed(speed);
    this.#progress.max = Math.max(quakes.count, replayed, 1);
    this.#progress.value = done ? this.#progress.max : replayed;
    this.#progress.title = done ? "The replay is complete." : `${replayed.toLocaleString("en")} replayed`;
  }

  #showSpeed(speed) {
    if (document.activeElement === this.#speed) return;
    if (![...this.#speed.options].some((option) => Number(option.value) === speed)) {
      this.#speed.append(new Option(`${speed} s per second`, speed));
    }
    this.#speed.value = speed;
  }
}

// Looks at every view that is emitted, not only the last: none shows a value, then an older one, then the value again.
// Every write of a game has a number of its own, larger than those before it, so that is told from the values alone. A
// value that comes back after a newer one is none: that is a refused write, taken back.

export class FlickerWatch {
  readonly #who: string;
  readonly #history = new Map<string, (number | undefined)[]>();

  constructor(who: string) {
    this.#who = who;
  }

  look(rows: ReadonlyMap<string, number | undefined>): void {
    for (const id of new Set([...this.#history.keys(), ...rows.keys()])) {
      const seen = this.#history.get(id) ?? [];
      this.#history.set(id, seen);
      if (seen.length === 0 || seen.at(-1) !== rows.get(id)) seen.push(rows.get(id));
    }
  }

  check(): void {
    for (const [id, seen] of this.#history) {
      for (let i = 2; i < seen.length; i++) {
        const [value, then, again] = seen.slice(i - 2, i + 1);
        if (value !== undefined && value === again && then !== undefined && then < value)
          throw new Error(`${this.#who} ${id} shows ${value}, ${then}, and ${value} again: ${seen.join(" ")}`);
      }
    }
  }
}

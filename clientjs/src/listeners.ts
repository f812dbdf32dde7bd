// Listeners are the callbacks of one observable thing. One that throws does not keep the others from hearing; its error
// is reported as an uncaught one.

/** Ends a subscription; a second call does nothing. */
export type Unsubscribe = () => void;

export class Listeners<A extends readonly unknown[] = []> {
  readonly #all = new Set<{ readonly call: (...args: A) => void }>();

  get size(): number {
    return this.#all.size;
  }

  add(call: (...args: A) => void): Unsubscribe {
    const entry = { call };
    this.#all.add(entry);
    return () => void this.#all.delete(entry);
  }

  tell(...args: A): void {
    for (const entry of Array.from(this.#all)) {
      try {
        entry.call(...args);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

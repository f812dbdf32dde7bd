// For tests of applications: a server in memory, lines whose bytes move when told, and time that stands still.
//
//   const world = createTestWorld()
//   const client = createClient({ url: "http://test", ...world.options() })
//   world.server.put("gift-list:1", "g1", { title: "kite" })
//   await world.run(10)

import type { ClientOptions } from "./options.ts";
import { die, FakeClock } from "./testing/clock.ts";
import { TestNetwork } from "./testing/network.ts";
import { TestServer, type TestServerOptions } from "./testing/server.ts";

export interface TestWorldOptions extends TestServerOptions {
  /** The die's seed. */
  readonly seed?: number;
  /** Whether bytes move with the clock; false leaves every one to the test. */
  readonly auto?: boolean;
}

export class TestWorld {
  readonly clock: FakeClock = new FakeClock();
  readonly server: TestServer;
  readonly network: TestNetwork;
  readonly random: () => number;
  readonly #wakes = new Set<() => void>();
  #clients = 0;

  constructor(options: TestWorldOptions = {}) {
    this.server = new TestServer(options);
    this.network = new TestNetwork(this.server, this.clock, options.auto ?? true);
    this.random = die(options.seed ?? 1);
  }

  /** What a client in this world is made with, beside its url. */
  options(): Pick<ClientOptions, "env"> {
    const { clock, network, random } = this;
    return {
      env: {
        now: clock.now,
        setTimeout: clock.setTimeout,
        clearTimeout: clock.clearTimeout,
        random,
        newClient: () => `c${++this.#clients}`,
        WebSocket: network.WebSocket,
        fetch: network.fetch,
        takeSlot: () => Promise.resolve(() => undefined),
        onWake: (wake) => {
          this.#wakes.add(wake);
          return () => this.#wakes.delete(wake);
        },
      },
    };
  }

  /** Lets ms go by. */
  run(ms: number): Promise<void> {
    return this.clock.run(ms);
  }

  /** Says that a page was shown, or the network came back. */
  wake(): void {
    for (const wake of this.#wakes) wake();
  }
}

export function createTestWorld(options?: TestWorldOptions): TestWorld {
  return new TestWorld(options);
}

export { die, FakeClock, settle } from "./testing/clock.ts";
export { TestNetwork, TestSocket } from "./testing/network.ts";
export { TestServer, type TestServerOptions, TestSession } from "./testing/server.ts";
export { type TestMutator, TestTopic } from "./testing/topic.ts";

// Signals go to everybody else who follows a topic. They are never stored, and may be lost.

import type { Unsubscribe } from "./listeners.ts";
import type { Topic } from "./topic.ts";

export interface Signal<P = unknown> {
  readonly event: string;
  readonly payload: P;
  readonly user: string | undefined;
}

/** Tells everybody else who follows the topic, which must be followed here too. */
export function signal({ client, name }: Pick<Topic, "client" | "name">, event: string, payload?: unknown): void {
  client.say({ type: "signal", topic: name, event, payload });
}

/** Follows the topic and calls back with the signals of others. */
export function onSignal<P = unknown>(
  { client, name }: Pick<Topic, "client" | "name">,
  listener: (signal: Signal<P>) => void,
): Unsubscribe {
  return client.follow(name, undefined, (frame) => {
    if (frame?.type === "signal") listener({ event: frame.event, payload: frame.payload as P, user: frame.user_id });
  });
}

// A feed is a topic's events one by one, for who wants each of them and not only the state they lead to.

import { LockstepError } from "./errors.ts";
import type { Unsubscribe } from "./listeners.ts";
import type { Topic } from "./topic.ts";
import type { WireEvent } from "./wire.ts";

/** An event as it was committed, or that some were missed and will not come. */
export type TopicEvent<T = unknown> =
  | {
      readonly kind: "event";
      readonly topic: string;
      readonly version: number;
      /** Its label, such as ADDED or CLAIMED. */
      readonly name: string;
      /** What it did to its row; `none` for a custom event. */
      readonly op: string;
      readonly id: string;
      /** The row's full value after it; null when it was deleted. */
      readonly value: T;
      readonly user: string | undefined;
      readonly time: string | undefined;
    }
  | {
      readonly kind: "missed";
      readonly topic: string;
      /** Why: that of the server's resync, or `dropped`: a catch-up has left custom events out. */
      readonly reason: string;
      /** How many, as far as that is known. */
      readonly count: number;
    };

const most = 10_000; // events that wait to be taken; then the feed ends with too_slow

/** Calls back with events as they are taken in. After an absence only the last one of each row comes. */
export function onEvent<T>(topic: Topic<T>, listener: (event: TopicEvent<T>) => void): Unsubscribe {
  return follow(topic, listener, undefined);
}

/** Every event, one by one, from the present on; while the line is away they wait on the server, inside retention. */
export async function* events<T>(topic: Topic<T>): AsyncGenerator<TopicEvent<T>, void, undefined> {
  let waiting: TopicEvent<T>[] = [];
  let slow = false;
  let wake: (() => void) | undefined;
  const take = (event: TopicEvent<T>): void => {
    if (waiting.length < most) waiting.push(event);
    else slow = true;
    wake?.();
  };
  const stop = follow(topic, take, "every");
  try {
    for (;;) {
      const batch = waiting;
      waiting = [];
      yield* batch;
      if (slow && waiting.length === 0)
        throw new LockstepError({ code: "too_slow", message: `${most} events were not taken`, retry: "later" });
      if (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    stop();
  }
}

function follow<T>(
  { client, name: topic }: Topic<T>,
  listener: (event: TopicEvent<T>) => void,
  more: "every" | undefined,
): Unsubscribe {
  return client.follow(topic, more, (frame, fresh = []) => {
    const kind = "missed";
    if (frame?.type === "resync") listener({ kind, topic, reason: frame.reason, count: frame.count ?? 0 });
    if (frame?.type === "events" && frame.dropped) listener({ kind, topic, reason: "dropped", count: frame.dropped });
    for (const event of fresh) listener(toEvent(topic, event) as TopicEvent<T>);
  });
}

function toEvent(topic: string, { version, event, op, data }: WireEvent): TopicEvent {
  return {
    kind: "event",
    topic,
    version,
    name: event,
    op: op ?? "put",
    id: data.entity_id,
    value: data.payload,
    user: data.user_id,
    time: data.timestamp,
  };
}

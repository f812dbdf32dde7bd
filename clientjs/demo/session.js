// A session is one user's side of the page: the client, and what the page wants to know of it.

import { CatchUpMeter } from "./catchup.js";
import { createClient, onEvent, webSocket } from "./client.js";

const utf8 = new TextEncoder();
const statusOf = { idle: "held", closed: "held", blocked: "refused", connecting: "connecting", waiting: "waiting" };

export class Session {
  #client;
  #topics = new Map();
  #meter = new CatchUpMeter(() => performance.now());
  #wishes = new Map(); // mutation → its changes, until it is observed or refused
  #maps = new WeakMap(); // view → its rows by entity_id

  /**
   * @param {object} options
   * @param {string} options.user
   * @param {string[]} options.topics
   * @param {() => void} options.onChange something that the session shows is different
   * @param {(topic: string, events: object[]) => void} options.onApplied events now shown
   * @param {(topic: string, rejection: object) => void} options.onRejected
   */
  constructor({ user, topics, onChange, onApplied, onRejected }) {
    this.#client = createClient({
      url: location.origin,
      user,
      transports: [webSocket()],
      debug: ({ what, detail }) => what === "receive" && this.#measure(detail),
    });
    this.#client.disconnect(); // until open
    this.#client.onRejected(({ mutation, topic, error }) => {
      const [change = {}] = this.#wishes.get(mutation) ?? [];
      const { code, message, current } = error;
      const row = current && { entity_id: current.id, payload: current.value, version: current.version };
      onRejected(topic, { change, code, message, current: row });
    });
    for (const name of topics) {
      const topic = this.#client.topic(name);
      this.#topics.set(name, topic);
      topic.subscribe(onChange);
      onEvent(topic, (event) => event.kind === "event" && onApplied(name, [event]));
    }
    this.#client.subscribe(onChange);
  }

  /** Goes online, and back after every loss, until hold. */
  open() {
    this.#client.connect();
  }

  /** Goes offline and stays so. Mutations are kept, and sent after the next open. */
  hold() {
    this.#client.disconnect();
  }

  /** held, connecting, waiting, refused, catching-up or live. */
  get status() {
    const { phase } = this.#client.status;
    if (phase !== "live") return statusOf[phase];
    const views = [...this.#topics.values()].map((topic) => topic.getSnapshot().status);
    return views.every((status) => status === "live" || status === "denied") ? "live" : "catching-up";
  }

  /** What the last catch-up cost: events or rows, bytes of frames, and milliseconds. */
  get catchUp() {
    return this.#meter.cost;
  }

  /** The topic's rows as hoped for, by entity_id. */
  rows(topic) {
    const view = this.#topics.get(topic).getSnapshot();
    if (!this.#maps.has(view)) this.#maps.set(view, rowsOf(view));
    return this.#maps.get(view);
  }

  /** The position that is shown, without hopes: {epoch, version}. */
  shown(topic) {
    return this.#topics.get(topic).getSnapshot().position;
  }

  /** How many mutations of the topic are not yet observed. */
  pending(topic) {
    for (const mutation of Array.from(this.#wishes.keys()))
      if (mutation.stage === "observed" || mutation.stage === "rejected") this.#wishes.delete(mutation);
    return [...this.#wishes.keys()].filter((mutation) => mutation.topic === topic).length;
  }

  /**
   * Wishes for changes; the rows show them at once. A change with `guard` asks that its row be as it was seen: `true`
   * means as shown here, and a number means at that version.
   */
  mutate(topic, changes) {
    const mutation = this.#topics.get(topic).transact((tx) => {
      for (const { op, entity_id, payload, guard } of changes) {
        const options = guard === undefined ? {} : { ifVersion: guard === true ? "seen" : guard };
        if (op === "delete") tx.delete(entity_id, options);
        else tx[op](entity_id, payload, options);
      }
    });
    this.#wishes.set(mutation, changes);
  }

  #measure(frame) {
    if (frame.type === "welcome") this.#meter.start(frame);
    const topic = this.#topics.get(frame.topic);
    if (!topic) return;
    const running = topic.getSnapshot().status !== "live";
    this.#meter.take(frame, utf8.encode(JSON.stringify(frame)).length, running);
  }
}

function rowsOf(view) {
  return new Map(
    view.ids.map((entity_id) => {
      const { version, pending } = view.meta(entity_id);
      return [entity_id, { entity_id, version, payload: view.get(entity_id), pending }];
    }),
  );
}

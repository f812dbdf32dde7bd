// A session is one user's conversation with the server: it keeps a replica and an outbox for each topic and a connection
// for all of them, and carries frames between the three.

import { CatchUpMeter } from "./catchup.js";
import { Connection } from "./connection.js";
import { Outbox } from "./outbox.js";
import { Replica } from "./replica.js";

const laterMs = 1_000; // to wait where the server says later and not when

/**
 * One topic as the session follows it. `asked` is the position of a subscribe that has not been answered: until then the
 * topic's frames belong to the cursor before it, and are ignored. `repaired` is where the last gap was: a second one at
 * the same place means that the replica is loaded anew.
 * @typedef {{topic: string, replica: Replica, outbox: Outbox, asked: object | null, repaired: string, denied: string}} Followed
 */

export class Session {
  #followed = new Map();
  #connection;
  #clock;
  #onChange;
  #onApplied;
  #meter;

  /**
   * @param {object} options
   * @param {string[]} options.topics
   * @param {() => WebSocket} options.dial
   * @param {() => string} options.newClient
   * @param {() => void} options.onChange something that the session shows is different
   * @param {(topic: string, events: object[]) => void} options.onApplied events now shown
   * @param {(topic: string, rejection: object) => void} options.onRejected
   * @param {object} options.clock
   */
  constructor({ topics, dial, newClient, onChange, onApplied, onRejected, clock }) {
    this.#clock = clock;
    this.#meter = new CatchUpMeter(clock);
    this.#onChange = onChange;
    this.#onApplied = onApplied;
    this.#connection = new Connection({
      dial,
      clock,
      onFrame: (frame, bytes) => this.#take(frame, bytes),
      onState: (state) => this.#lineIs(state),
    });
    for (const topic of topics) {
      const outbox = new Outbox({
        topic,
        newClient,
        clock,
        send: (frame) => this.#connection.send([frame]),
        onRejected: (rejection) => onRejected(topic, rejection),
      });
      this.#followed.set(topic, {
        topic,
        replica: new Replica(),
        outbox,
        asked: null,
        repaired: "",
        denied: "",
      });
    }
  }

  /** Goes online, and back after every loss, until hold. */
  open() {
    this.#connection.open();
  }

  /** Goes offline and stays so. Mutations are kept, and sent after the next open. */
  hold() {
    this.#connection.hold();
  }

  wake() {
    this.#connection.wake();
  }

  /** held, connecting, waiting, refused, catching-up or live. */
  get status() {
    const { phase } = this.#connection.state;
    if (phase !== "live") return phase;
    return [...this.#followed.values()].every(caughtUp) ? "live" : "catching-up";
  }

  /** What the last catch-up cost: events or rows, bytes of frames, and milliseconds. */
  get catchUp() {
    return this.#meter.cost;
  }

  /** The topic's rows as hoped for, by entity_id. */
  rows(topic) {
    const { replica, outbox } = this.#followed.get(topic);
    return outbox.overlay(replica.shown);
  }

  /** What is shown of the topic, without hopes: {epoch, version, rows}. */
  shown(topic) {
    return this.#followed.get(topic).replica.shown;
  }

  /** How many mutations of the topic are not yet observed. */
  pending(topic) {
    return this.#followed.get(topic).outbox.size;
  }

  /** Wishes for changes; the rows show them at once. */
  mutate(topic, changes) {
    const { replica, outbox } = this.#followed.get(topic);
    outbox.add(changes, replica.shown);
    this.#onChange();
  }

  #lineIs(state) {
    for (const followed of this.#followed.values()) {
      followed.outbox.close();
      followed.asked = null;
      followed.repaired = "";
    }
    if (state.phase === "live") {
      this.#meter.start(state.welcome);
      this.#subscribe([...this.#followed.values()]);
    }
    this.#onChange();
  }

  #subscribe(asking) {
    const frames = asking.map((followed) => {
      const { epoch, version } = followed.replica.position;
      followed.asked = version > 0 ? { epoch, version } : {};
      followed.outbox.close();
      const oldest = followed.outbox.oldestUnanswered;
      const entry = { topic: followed.topic, ...followed.asked, ...(oldest && { oldest_unanswered: oldest }) };
      return { type: "subscribe", client: followed.outbox.client, topics: [entry] };
    });
    this.#connection.send(frames);
  }

  #take(frame, bytes) {
    const followed = this.#followed.get(frame.topic);
    if (!followed) return;
    this.#meter.take(frame, bytes, followed.replica.running);
    this.#handle(followed, frame);
    this.#onChange();
  }

  #handle(followed, frame) {
    switch (frame.type) {
      case "subscribed":
        return this.#subscribed(followed, frame);
      case "ack":
      case "reject":
        return this.#answered(followed, frame);
      case "revoked":
      case "error":
        return this.#denied(followed, frame);
      default:
        if (followed.asked === null) this.#follow(followed, frame);
    }
  }

  #subscribed(followed, frame) {
    if (followed.asked === null) return; // an earlier ask, answered late
    if (followed.asked.version === undefined) followed.replica.restart(frame.epoch);
    else followed.replica.subscribed(frame);
    followed.asked = null;
    followed.denied = "";
    followed.outbox.open(this.#connection.state.welcome?.limits?.in_flight);
  }

  // The topic is not to be had: for good, or for now, and then it is asked for again on the same line.
  #denied(followed, { reason, message, retry, retry_after_ms = laterMs }) {
    followed.denied = reason ?? message;
    if (retry !== "later") return;
    const line = this.#connection.state;
    this.#clock.setTimeout(() => this.#connection.state === line && this.#subscribe([followed]), retry_after_ms);
  }

  #answered({ replica, outbox }, frame) {
    outbox.answer(frame);
    outbox.observe(replica.shown);
  }

  #follow(followed, frame) {
    const { replica, outbox } = followed;
    switch (frame.type) {
      case "resync":
        replica.restart(frame.epoch);
        return;
      case "snapshot":
        return this.#reached(followed, replica.snapshot(frame), []);
      case "events":
        return this.#reached(followed, replica.events(frame), frame.events, () => {
          for (const event of frame.events) outbox.recognize(event, frame.epoch);
        });
      case "mark":
        return this.#reached(followed, replica.mark(frame), []);
    }
  }

  #reached(followed, verdict, events, recognize) {
    if (verdict === "gap") {
      this.#repair(followed);
      return;
    }
    recognize?.();
    followed.outbox.observe(followed.replica.shown);
    if (verdict === "shown") this.#onApplied(followed.topic, events);
  }

  // A frame did not join on. The topic is subscribed again from where the replica is; and if that did not help, from
  // nothing, so that a repair cannot go on for ever.
  #repair(followed) {
    const { epoch, version } = followed.replica.position;
    const here = `${epoch}-${version}`;
    if (followed.repaired === here) followed.replica.restart("");
    followed.repaired = here;
    this.#subscribe([followed]);
  }
}

function caughtUp({ asked, replica, denied }) {
  return denied !== "" || (asked === null && !replica.running);
}

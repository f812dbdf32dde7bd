// A server in memory with one topic per name: an ordered log, its last list, and lanes that decide each mutation once.

import { mergePatch } from "../../demo/patch.js";

const chunk = 3; // entities per frame of a run

class Topic {
  epoch = "aaaaaaaaaaaaa";
  version = 0;
  last = new Map(); // entity_id → its last event
  lanes = new Map(); // client → outcomes by seq
  applied = []; // `client/seq` of every mutation applied, to find doubles

  rows() {
    return new Map(
      [...this.last].filter(([, event]) => event.op !== "delete").map(([id, event]) => [id, event.data.payload]),
    );
  }

  after(version) {
    return [...this.last.values()].filter((event) => event.version > version).toSorted((a, b) => a.version - b.version);
  }
}

export class FakeServer {
  topics = new Map();
  #lines = new Map(); // socket → {version per topic}
  #laterLeft = 0;

  topic(name) {
    if (!this.topics.has(name)) this.topics.set(name, new Topic());
    return this.topics.get(name);
  }

  accept(socket) {
    this.#lines.set(socket, new Map());
    const at = { server_time: "2026-01-01T00:00:05.000Z", heartbeat_ms: 25_000 };
    this.#say(socket, { type: "welcome", session: "s", user_id: "u", ...at, limits: { in_flight: 4 } });
    return socket;
  }

  /** Makes the next n mutations be refused for now. */
  busy(n) {
    this.#laterLeft = n;
  }

  /** Deletes the topic and begins it anew. */
  begin(name, epoch) {
    this.topics.set(name, Object.assign(new Topic(), { epoch }));
    for (const [socket, cursors] of this.#lines) {
      if (!cursors.has(name)) continue;
      this.#say(socket, { type: "resync", topic: name, epoch, reason: "epoch" });
      this.#run(socket, name, 0);
    }
  }

  /** Reads up to `most` frames of a client. */
  read(socket, most = Infinity) {
    for (const line of socket.toServer.splice(0, most)) {
      const frame = JSON.parse(line);
      if (frame.type === "subscribe") this.#subscribe(socket, frame);
      else if (frame.type === "mutate") this.#mutate(socket, frame);
      else if (frame.type === "ping") this.#say(socket, { type: "pong" });
    }
  }

  #say(socket, frame) {
    socket.toClient.push(JSON.stringify(frame));
  }

  #subscribe(socket, frame) {
    for (const { topic: name, epoch, version = 0 } of frame.topics) {
      const topic = this.topic(name);
      const stale = version > 0 && (epoch !== topic.epoch || version > topic.version);
      this.#say(socket, { type: "subscribed", topic: name, epoch: version > 0 ? epoch : topic.epoch, version });
      if (stale) this.#say(socket, { type: "resync", topic: name, epoch: topic.epoch, reason: "epoch" });
      this.#run(socket, name, stale ? 0 : version);
    }
  }

  #run(socket, name, from) {
    const { epoch, version } = this.topic(name);
    const events = this.topic(name).after(from);
    const head = { topic: name, epoch };
    for (
      let at = from, start = 0;
      from === 0 ? start === 0 || start < events.length : start < events.length;
      start += chunk
    ) {
      const part = events.slice(start, start + chunk);
      const more = start + chunk < events.length;
      const to = more ? part.at(-1).version : version;
      const entities = part
        .filter(({ op }) => op !== "delete")
        .map((event) => ({ entity_id: event.data.entity_id, version: event.version, payload: event.data.payload }));
      if (from === 0) this.#say(socket, { ...head, type: "snapshot", version, entities, to, more });
      else this.#say(socket, { ...head, type: "events", from: at, to, events: part, conflated: true, more });
      at = to;
    }
    this.#lines.get(socket).set(name, version);
  }

  #mutate(socket, { client, seq, topic: name, epoch, changes, needs }) {
    const topic = this.topic(name);
    const lane = topic.lanes.get(client) ?? [];
    const answer = { client, seq, topic: name, epoch: topic.epoch };
    const reject = (code, retry, more = {}) =>
      this.#say(socket, { ...answer, type: "reject", code, retry, message: code, ...more });
    if (epoch !== undefined && epoch !== topic.epoch) return reject("epoch_changed", "never");
    if (seq <= lane.length) return this.#say(socket, { ...lane[seq - 1], status: "duplicate" });
    if (seq > lane.length + 1 && lane.length === 0) return reject("expired", "never");
    if (seq > lane.length + 1) return reject("gap", "later", { expected: lane.length + 1 });
    if (this.#laterLeft > 0) {
      this.#laterLeft--;
      return reject("overloaded", "later", { retry_after_ms: 200 });
    }
    const refusal = this.#refusal(topic, lane, changes[0], needs);
    const from = topic.version;
    const event = refusal ? null : this.#apply(topic, changes[0], client, seq);
    const outcome = refusal
      ? { ...answer, type: "reject", retry: "never", message: "", ...refusal }
      : { ...answer, type: "ack", status: "applied", version: topic.version };
    topic.lanes.set(client, [...lane, outcome]);
    this.#say(socket, outcome);
    if (event) this.#tell(name, from, event);
  }

  #refusal(topic, lane, { op, entity_id, if_version }, needs) {
    const last = topic.last.get(entity_id);
    const row = last?.op === "delete" ? undefined : last;
    if (needs && lane[needs - 1].type === "reject") return { code: "needs_rejected" };
    const expected = typeof if_version === "object" ? lane[if_version.seq - 1].version : if_version;
    if (expected !== undefined && expected !== (row?.version ?? 0)) {
      return { code: "conflict", ...(row && { current: row.data, current_version: row.version }) };
    }
    return op === "patch" && !row ? { code: "not_found" } : null;
  }

  #apply(topic, { op, entity_id, payload }, client, seq) {
    const before = topic.last.get(entity_id)?.data.payload;
    const after = { put: () => payload, patch: () => mergePatch(before, payload), delete: () => null }[op]();
    const event = { version: ++topic.version, event: "X", data: { entity_id, payload: after }, client, seq };
    if (op !== "put") event.op = op;
    topic.last.set(entity_id, event);
    topic.applied.push(`${client}/${seq}`);
    return event;
  }

  #tell(name, from, event) {
    const { epoch, version } = this.topic(name);
    for (const [socket, cursors] of this.#lines) {
      if (!cursors.has(name)) continue;
      this.#say(socket, { type: "events", topic: name, epoch, from, to: version, events: [event], more: false });
      cursors.set(name, version);
    }
  }
}

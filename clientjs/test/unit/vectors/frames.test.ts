// Frames of both sides, and the HTTP bodies that hold them.

import { describe, expect, test } from "vitest";

import { LockstepError } from "../../../src/errors.ts";
import { Replica } from "../../../src/replica.ts";
import { parseFrames, type ReplicaFrame, type Reject, type ServerFrame, toFrame } from "../../../src/wire.ts";
import { section, sorted } from "./files.ts";
import { meaning } from "./meaning.ts";
import { Refused, strict } from "./strict.ts";

type Fields = Record<string, unknown>;

const replicaTypes = new Set(["snapshot", "events", "mark", "resync", "subscribed"]);
const otherTypes = ["welcome", "ack", "reject", "signal", "presence", "reply", "error", "revoked", "pong", "bye"];
const ourTypes = new Set([...replicaTypes, ...otherTypes]);

function isReplicaFrame(frame: ServerFrame): frame is ReplicaFrame {
  return replicaTypes.has(frame.type);
}

describe("what servers say is read as it is, and known", () => {
  const frames = section<{ name: string; append: string; loose?: boolean; frame: Fields }>(
    "protocol/server.json",
    "frames",
  );
  test.each(frames)("$name", ({ append, loose, frame }) => {
    if (append === "plain") return expect(() => toFrame(frame)).toThrow("not a frame"); // the client asks for frames
    const [read] = parseFrames(`${JSON.stringify(frame)}\n`);
    expect(read).toEqual(frame);
    if (!loose && append !== "flat") expect(ourTypes).toContain(read?.type);
    if (read && isReplicaFrame(read)) {
      const effect = new Replica().apply(read);
      expect(["shown", "staged", "ignored", "gap", "reset"]).toContain(effect);
    }
    return undefined;
  });
});

describe("what clients say means what it is to mean", () => {
  test.each(section<{ name: string; frame: Fields; means: Fields }>("protocol/client.json", "frames"))(
    "$name",
    ({ frame, means }) => {
      expect(sorted(meaning(strict(new TextEncoder().encode(JSON.stringify(frame))) as Fields))).toEqual(sorted(means));
    },
  );

  // What is wrong with the text itself is found here too; what is wrong with a field, the server says with its place.
  test.each(
    section<{ name: string; text?: string; base64?: string; code: string; field?: string }>(
      "protocol/client.json",
      "refused",
    ),
  )("$name", ({ text, base64, code, field }) => {
    const raw = base64 === undefined ? new TextEncoder().encode(text) : Buffer.from(base64, "base64");
    try {
      const value = strict(raw) as Fields | null;
      expect(typeof value !== "object" || value === null || Array.isArray(value) || field !== undefined).toBe(true);
    } catch (refused) {
      expect(refused).toBeInstanceOf(Refused);
      expect((refused as Refused).code).toBe(code);
    }
  });
});

interface Exchange {
  name: string;
  request: { method: string; path: string };
  answer: { status: number; headers?: Record<string, string>; type?: string; lines?: Fields[]; body?: unknown };
}

describe("what is answered over HTTP", () => {
  test.each(section<Exchange>("protocol/http.json", "exchanges"))("$name", ({ request, answer }) => {
    const { status, headers, type, lines, body } = answer;
    if (type === "application/problem+json") {
      const problem = body as Reject & { status: number; retryable: boolean };
      const error = new LockstepError(problem);
      expect(problem.status).toBe(status);
      expect([error.code, error.retry, error.field]).toEqual([problem.code, problem.retry, problem.field]);
      expect(problem.retryable).toBe(error.retry !== "never");
      return;
    }
    const poll = request.path.includes("/events?") || request.path.endsWith("/events");
    const frames = (lines ?? (Array.isArray(body) ? (body as unknown[]) : [])).map(toFrame);
    if (poll && status === 200) {
      const replica = new Replica();
      expect(frames[0]?.type).toBe("subscribed");
      for (const frame of frames) if (isReplicaFrame(frame)) replica.apply(frame);
      const { epoch, version } = replica.position;
      const position = headers?.["Lockstep-Position"];
      if (version > 0 && position !== undefined) expect(`${epoch}-${version}`).toBe(position);
    }
    const one = body as { type?: string; frames?: unknown[] } | undefined;
    if (one && !Array.isArray(one) && one.frames)
      for (const frame of one.frames) expect(ourTypes).toContain(toFrame(frame).type);
    else if (one && !Array.isArray(one) && one.type) expect(ourTypes).toContain(toFrame(one).type);
  });
});

interface Conversation {
  name: string;
  steps: { by: string; says?: Fields; hears?: Fields[] }[];
}

// Each connection's frames move one replica per topic, without a gap, and at one position all replicas are the same.
describe("conversations", () => {
  test.each(section<Conversation>("protocol/conversations.json", "conversations"))("$name", ({ steps }) => {
    const replicas = new Map<string, Replica>();
    const states = new Map<string, string>();
    for (const { by, hears = [] } of steps)
      for (const frame of parseFrames(hears.map((heard) => JSON.stringify(heard)).join("\n"))) {
        expect(ourTypes).toContain(frame.type);
        if (!isReplicaFrame(frame)) continue;
        const name = `${by} ${frame.topic}`;
        const replica = replicas.get(name) ?? new Replica();
        replicas.set(name, replica);
        if (replica.apply(frame) !== "shown") continue;
        const at = `${frame.topic} ${replica.shown.epoch}-${replica.shown.version}`;
        const rows = JSON.stringify(
          sorted(Object.fromEntries([...replica.rows].map(([id, row]) => [id, row.payload]))),
        );
        expect(rows).toBe(states.get(at) ?? rows);
        states.set(at, rows);
      }
  });
});

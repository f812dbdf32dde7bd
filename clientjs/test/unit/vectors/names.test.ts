// N-3 to N-11 once more, in the other language: what a client may put where a name is wanted.

import { describe, expect, test } from "vitest";

import { section } from "./files.ts";

interface Name {
  text: string;
  repeat?: { text: string; times: number };
  code?: string;
  type?: string;
  identifier?: string;
  epoch?: string;
  version?: number;
}

const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]+$/u;
const topic = /^([a-zA-Z][A-Za-z0-9_-]*):([A-Za-z0-9._~-]+)$/;
const position = /^([a-z2-7]{13})-(0|[1-9]\d*)$/;

function length(text: string): number {
  return new TextEncoder().encode(text).length;
}

function short(most: number, form: RegExp): (text: string) => boolean {
  return (text) => length(text) <= most && form.test(text) && !text.endsWith("\n");
}

function isTopic(text: string): boolean {
  const identifier = topic.exec(text)?.[2];
  return short(200, topic)(text) && identifier !== "." && identifier !== "..";
}

function isVersion(text: string): boolean {
  return /^(0|[1-9]\d*)$/.test(text) && Number.isSafeInteger(Number(text));
}

/** The topic that belongs to a user (N-11). */
function ownTopic(user: string): string {
  const plain =
    user === "." || user === ".." ? "" : "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  const written = Array.from(new TextEncoder().encode(user), (byte) => {
    const char = String.fromCharCode(byte);
    return plain.includes(char) ? char : `~${byte.toString(16).padStart(2, "0")}`;
  });
  return `user:${written.join("")}`;
}

function full({ text, repeat }: Name): string {
  return text + (repeat ? repeat.text.repeat(repeat.times) : "");
}

const lists: [string, Name[], (text: string) => boolean][] = [
  ["topics", section<Name>("protocol/names.json", "topics"), isTopic],
  ["entity ids", section<Name>("protocol/names.json", "entity_ids"), short(200, printable)],
  ["tenants", section<Name>("protocol/names.json", "tenants"), short(64, /^[a-z0-9-]+$/)],
  ["clients", section<Name>("protocol/names.json", "clients"), short(64, printable)],
  ["users", section<Name>("protocol/names.json", "users"), short(128, printable)],
  ["events", section<Name>("protocol/names.json", "events"), short(64, /^[A-Za-z0-9._:-]+$/)],
  ["epochs", section<Name>("protocol/positions.json", "epochs"), short(13, /^[a-z2-7]{13}$/)],
  ["versions", section<Name>("protocol/positions.json", "versions"), isVersion],
];

describe.each(lists)("%s", (_, cases, taken) => {
  test.each(cases.map((one) => [JSON.stringify(full(one)).slice(0, 60), one] as const))("%s", (_name, one) => {
    expect(taken(full(one))).toBe(one.code === undefined);
    const [, type, identifier] = topic.exec(full(one)) ?? [];
    if (one.type !== undefined) expect(type).toBe(one.type);
    if (one.identifier !== undefined) expect(identifier).toBe(one.identifier);
  });
});

describe("positions", () => {
  test.each(section<Name>("protocol/positions.json", "positions"))("$text", (one) => {
    const [, epoch, version = "x"] = position.exec(full(one)) ?? [];
    expect(isVersion(version)).toBe(one.code === undefined);
    if (one.code === undefined) expect([epoch, Number(version)]).toEqual([one.epoch, one.version]);
  });
});

describe("topics of users", () => {
  test.each(section<{ user: string; topic?: string; code?: string }>("protocol/names.json", "user_topics"))(
    "$user",
    ({ user, topic: own, code }) => {
      expect(isTopic(ownTopic(user))).toBe(code === undefined);
      if (code === undefined) expect(ownTopic(user)).toBe(own);
    },
  );
});

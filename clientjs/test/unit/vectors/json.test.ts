import { describe, expect, test } from "vitest";

import { section, sorted } from "./files.ts";
import { type Bounds, Refused, strict } from "./strict.ts";

interface Text {
  name: string;
  text?: string;
  base64?: string;
  compact?: string;
  path?: string;
}

function bytes({ text, base64 }: Text): Uint8Array {
  return base64 === undefined ? new TextEncoder().encode(text) : new Uint8Array(Buffer.from(base64, "base64"));
}

function refusal(raw: Uint8Array, bounds?: Bounds): Refused {
  try {
    strict(raw, bounds);
  } catch (refused) {
    if (refused instanceof Refused) return refused;
    throw refused;
  }
  throw new Error("it is taken");
}

describe("N-1: which text is let in", () => {
  test.each(section<Text>("vectors/json.json", "accepted"))("$name", (one) => {
    expect(sorted(strict(bytes(one)))).toEqual(sorted(JSON.parse(one.compact ?? "")));
  });

  test.each(section<Text>("vectors/json.json", "refused"))("$name", (one) => {
    const { code, path } = refusal(bytes(one));
    expect(code).toBe("invalid");
    if (path !== undefined) expect(path).toBe(one.path ?? ""); // JSON.parse does not say where
  });

  test.each(section<{ name: string; limits: Bounds; at: string; past: string }>("vectors/json.json", "bounds"))(
    "$name",
    ({ limits, at, past }) => {
      const [taken, refused] = [at, past].map((text) => bytes({ name: "", text }));
      expect(() => strict(taken as Uint8Array, limits)).not.toThrow();
      expect(refusal(refused as Uint8Array, limits).code).toBe("too_large");
    },
  );
});

import { describe, expect, test } from "vitest";

import { jsonPatch } from "../../../src/json-patch.ts";
import { mergePatch } from "../../../src/patch.ts";
import { section, sorted } from "./files.ts";

interface PatchCase {
  name: string;
  base?: unknown;
  patch: unknown;
  result?: unknown;
  code?: string;
}

describe("JSON patch vectors", () => {
  test.each(section<PatchCase>("vectors/patches.json", "json_patch"))("$name", ({ base, patch, result, code }) => {
    if (code !== undefined) expect(() => jsonPatch(base, patch)).toThrow(Error);
    else expect(sorted(jsonPatch(base, patch))).toEqual(sorted(result));
  });
});

describe("merge patch vectors", () => {
  test.each(section<PatchCase>("vectors/patches.json", "merge_patch"))("$name", ({ base, patch, result }) => {
    expect(JSON.stringify(sorted(mergePatch(base, patch)))).toBe(JSON.stringify(sorted(result)));
  });
});

// R-1 once more, in the other language, from SPEC.md's table.

import { describe, expect, test } from "vitest";

import { section } from "./files.ts";

interface Topic {
  name: string;
  version: number;
  tombstones: number;
  retention: number;
  tail: number;
  cases: { at: number; same: Record<Mode, string>; other: Record<Mode, string> }[];
}

type Mode = "latest" | "every";

function resume(mode: Mode, at: number, sameEpoch: boolean, { version, tombstones, retention, tail }: Topic): string {
  if (at > 0 && !sameEpoch) return "resync epoch";
  if (at > version) return "resync ahead";
  if (at === version) return "nothing";
  if (at >= tail) return "tail";
  if (mode === "every") return at >= retention ? "log" : `resync missed ${retention - at}`;
  return at === 0 || at >= tombstones ? "run" : "resync floor";
}

describe("R-1: resume vectors", () => {
  test.each(section<Topic>("vectors/resume.json", "topics"))("$name", (topic) => {
    for (const { at, same, other } of topic.cases)
      for (const mode of ["latest", "every"] as const) {
        expect([mode, at, resume(mode, at, true, topic)]).toEqual([mode, at, same[mode]]);
        expect([mode, at, resume(mode, at, false, topic)]).toEqual([mode, at, other[mode]]);
      }
  });

  test("every rule of the file decides somewhere", () => {
    const said = new Set(
      section<Topic>("vectors/resume.json", "topics").flatMap(({ cases }) =>
        cases.flatMap(({ same, other }) => [...Object.values(same), ...Object.values(other)]),
      ),
    );
    for (const { then } of section<{ then: string }>("vectors/resume.json", "rules"))
      if (then !== "any") expect([...said].some((word) => word.startsWith(then.split(",")[0] ?? ""))).toBe(true);
  });
});

// No vector stays unplayed: every section of every file of inputs and examples is asked for by a test of this folder.

import { readdirSync, readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { folder, readFile } from "./files.ts";

test("every section of every conformance file is played", () => {
  const here = new URL("./", import.meta.url);
  const tests = readdirSync(here)
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => readFileSync(new URL(name, here), "utf8"))
    .join("\n");
  const files = ["vectors", "protocol"].flatMap((under) =>
    readdirSync(new URL(under, folder)).map((name) => `${under}/${name}`),
  );
  expect(files.length).toBeGreaterThan(10);
  const sections = files.flatMap((file) =>
    Object.entries(readFile(file)).flatMap(([name, value]) => (name === "about" ? [] : [[file, name, value] as const])),
  );
  const played = (file: string, name: string): boolean =>
    new RegExp(`\\(\\s*"${file}",\\s*"${name}",?\\s*\\)`).test(tests); // wrapped or not
  const unplayed = sections.filter(([file, name]) => !played(file, name));
  expect(unplayed.map(([file, name]) => `${file}: ${name}`)).toEqual([]);
});

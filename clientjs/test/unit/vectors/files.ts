// The conformance files, section by section. A section that no test here asks for fails coverage.test.ts.

import { readFileSync } from "node:fs";

export const folder: URL = new URL("../../../../conformance/", import.meta.url);

export function readFile(file: string): Record<string, unknown> {
  return JSON.parse(readFileSync(new URL(file, folder), "utf8")) as Record<string, unknown>;
}

/** Returns the cases of one section of a file: at least one. */
export function section<T>(file: string, name: string): T[] {
  const cases = readFile(file)[name];
  if (!Array.isArray(cases) || cases.length === 0) throw new Error(`${file} has no ${name}`);
  return cases as T[];
}

/** Rows as the files write them: [version, payload] by id. */
export type Rows = Record<string, [number, unknown]>;

export interface Given {
  readonly position: string;
  readonly rows: Rows;
}

/** Reads rows that are complete at a position, as a replica restores them. */
export function restored({
  position,
  rows,
}: Given): [{ epoch: string; version: number }, { entity_id: string; version: number; payload: unknown }[]] {
  const [epoch = "", version] = position.split("-");
  const list = Object.entries(rows).map(([entity_id, [v, payload]]) => ({ entity_id, version: v, payload }));
  return [{ epoch, version: Number(version) }, list];
}

/** A value in which the order of members does not count. */
export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => [name, sorted(member)]);
}

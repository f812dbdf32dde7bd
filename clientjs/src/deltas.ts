// For the option `deltas`: patches that come without the row that they make, which saves bytes where rows are large.
//
//   import { deltas } from "lockstep-client/deltas"
//   const client = createClient({ url, deltas })

import { jsonPatch } from "./json-patch.ts";
import { mergePatch } from "./patch.ts";
import type { WireEvent } from "./wire.ts";

/**
 * Gives events that come as patches the payloads that those make of the rows held. Returns false where one cannot be
 * made: there is no such row, or the patch does not fit it.
 */
export function deltas(events: readonly WireEvent[], held: (id: string) => unknown): boolean {
  const made = new Map<string, unknown>();
  for (const { data, op, patch } of events) {
    const id = data.entity_id;
    if (op === "none") continue;
    if ((data.payload ?? null) === null && (op === "patch" || op === "json_patch")) {
      const base = (made.has(id) ? made.get(id) : held(id)) ?? null;
      if (base === null) return false;
      try {
        data.payload = (op === "patch" ? mergePatch : jsonPatch)(base, patch);
      } catch {
        return false;
      }
    }
    made.set(id, data.payload);
  }
  return true;
}

// JSON Merge Patch, RFC 7396. It makes new values and changes none; members that stay keep their identity, and a member
// called __proto__ is only a member.

/** Returns what value becomes under patch; value itself when that changes nothing. */
export function mergePatch(value: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const members = new Map(isObject(value) ? Object.entries(value) : []);
  let changed = !isObject(value);
  for (const [name, change] of Object.entries(patch)) {
    if (change === undefined) continue;
    const before = members.get(name);
    const after = change === null ? undefined : mergePatch(before, change);
    if (change === null ? !members.delete(name) : before === after && members.has(name)) continue;
    changed = true;
    if (change !== null) members.set(name, after);
  }
  return changed ? Object.fromEntries(members) : value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// JSON Merge Patch, RFC 7396. It makes new values and changes none, and a member called __proto__ is only a member.

/** Returns what the value becomes under the patch. */
export function mergePatch(value, patch) {
  if (!isObject(patch)) return patch;
  const members = new Map(isObject(value) ? Object.entries(value) : []);
  for (const [name, change] of Object.entries(patch)) {
    if (change === null) members.delete(name);
    else members.set(name, mergePatch(members.get(name), change));
  }
  return Object.fromEntries(members);
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// The gift list in words: what its rows say, and the changes that a person can wish for. A row's payload is
// { title, claimed_by?, added_by }.

export const giftTopic = "gift-list:demo";

/** A user as the page calls them. */
export function nameOf(user) {
  return user[0].toUpperCase() + user.slice(1);
}

/** The gifts, oldest first: ids begin with the time they were made at. */
export function giftsOf(rows) {
  return [...rows.values()].toSorted((a, b) => (a.entity_id < b.entity_id ? -1 : 1));
}

export function addGift(title, user, now = Date.now(), random = Math.random()) {
  const entity_id = `g${now.toString(36)}${random.toString(36).slice(2, 8).padEnd(6, "0")}`;
  return { op: "put", entity_id, payload: { title, added_by: user } };
}

export function renameGift(id, title) {
  return { op: "patch", entity_id: id, payload: { title } };
}

/** A claim is guarded: it holds only if nobody has touched the gift since it was seen. */
export function claimGift(id, user) {
  return { op: "patch", entity_id: id, payload: { claimed_by: user }, guard: true };
}

export function releaseGift(id) {
  return { op: "patch", entity_id: id, payload: { claimed_by: null } };
}

export function deleteGift(id) {
  return { op: "delete", entity_id: id };
}

/** Whether a refused change is a claim that somebody else's came before. */
function lostClaim(change, current) {
  return Boolean(change.payload?.claimed_by && current?.payload?.claimed_by);
}

/**
 * What to do about a refused mutation: `retry` is a change to wish for again, `notice` a sentence for the person.
 * A claim refused because the gift was only renamed is still wanted, and is wished for again.
 */
export function afterRejection({ change, code, message, current }) {
  const title = change.payload?.title ?? current?.payload?.title ?? "That gift";
  if (code === "conflict" && change.payload?.claimed_by) {
    if (lostClaim(change, current))
      return { notice: `“${title}” is already claimed by ${nameOf(current.payload.claimed_by)}.` };
    if (current?.payload) return { retry: { ...change, guard: current.version } };
  }
  if (code === "not_found" || code === "conflict")
    return { notice: `“${title}” is gone: somebody deleted it meanwhile.` };
  if (code === "expired")
    return { notice: `Please look whether “${title}” is as you want it: the server forgot our last edits.` };
  if (code === "epoch_changed") return { notice: `The list began anew; an edit of “${title}” was let go.` };
  return { notice: `An edit of “${title}” was refused: ${message || code}.` };
}

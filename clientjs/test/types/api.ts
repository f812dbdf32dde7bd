// Compiled, never run: what the types allow, and what they refuse.

import { createClient, type Mutation, type Patch, type View } from "../../src/index.ts";
import { createClient as createCore } from "../../src/core.ts";

interface Gift {
  title: string;
  tags: string[];
  by?: { name: string; age: number };
}

const sync = createClient({ url: "https://x.example", token: async () => "t" });
const list = sync.topic<Gift>("gift-list:1");

list.subscribe((view: View<Gift>) => view.rows.map(({ title }) => title));
const gift: Gift | undefined = list.get("g1");
const mutation: Mutation = list.put("g1", { title: "kite", tags: [] });
list.patch("g1", { by: { name: null }, tags: ["a"] }, { ifVersion: "seen" });
list.transact((tx) => {
  tx.put("g2", { title: "drum", tags: [] }, { ifVersion: 0 });
  tx.delete("g1");
  tx.emit("moved", { anything: true });
});
const patch: Patch<Gift> = { title: "x" };
const status: "idle" | "connecting" | "live" | "waiting" | "blocked" | "closed" = sync.status.phase;
createCore({ url: "/", user: "alice" });

// @ts-expect-error a row has its type
list.put("g1", { title: 7, tags: [] });
// @ts-expect-error a member has its type in a patch too
list.patch("g1", { title: 7 });
// @ts-expect-error there is no such member
list.patch("g1", { nothing: 1 });
// @ts-expect-error versions are numbers, or seen
list.delete("g1", { ifVersion: "latest" });
// @ts-expect-error a url is required
createClient({ user: "alice" });
// @ts-expect-error a view cannot be written to
list.getSnapshot().rows.push(gift);
// @ts-expect-error stages are not for the application to set
mutation.stage = "observed";

export { patch, status };

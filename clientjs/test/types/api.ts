// Compiled, never run: what the types allow, and what they refuse.

import {
  call,
  createClient,
  events,
  keep,
  keepOpen,
  memoryStorage,
  type Mutation,
  onEvent,
  onSignal,
  type Patch,
  presence,
  signal,
  type View,
} from "../../src/index.ts";
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
const answer: Promise<number> = call<number>(sync, "count", { of: "gifts" });
onEvent(list, (event) => event.kind === "event" && event.value.title);
const feed: AsyncGenerator<{ readonly kind: "event" | "missed" }> = events(list);
signal(list, "typing", { at: 7 });
onSignal<{ at: number }>(list, ({ payload }) => payload.at);
presence<{ at: number }>(list).set({ at: 7 });
keepOpen(sync);
createClient({ url: "/", storage: keep(memoryStorage()) });
const status: "idle" | "connecting" | "live" | "waiting" | "blocked" | "closed" = sync.status.phase;
createCore({ url: "/", user: "alice" });

// @ts-expect-error a storage is kept, not given
createClient({ url: "/", storage: memoryStorage() });
// @ts-expect-error a state has its type
presence<{ at: number }>(list).set({ at: "7" });

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

export { answer, feed, patch, status };

// The demo page: two users side by side, each with a session of their own, on the same two topics.

import { Feed } from "./feed.js";
import { Pane } from "./pane.js";

const panes = ["alice", "bob"].map((user) => new Pane(user));
document.querySelector("main").append(...panes.map((pane) => pane.element));
new Feed().start();

// For tests, which compare whole states.
globalThis.lockstepDemo = {
  views: panes.map(({ user, session }) => ({
    user,
    get status() {
      return session.status;
    },
    rows: (topic) => [...session.rows(topic).values()].toSorted((a, b) => (a.entity_id < b.entity_id ? -1 : 1)),
    position: (topic) => `${session.shown(topic).epoch}-${session.shown(topic).version}`,
    pending: (topic) => session.pending(topic),
  })),
};

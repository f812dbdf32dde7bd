// The earthquakes of one pane: a map of all of them, and a list of those that something happened to last.

import { el, keepList, oncePerFrame, setText } from "./dom.js";
import { WorldMap } from "./map.js";
import { latestQuakes, quakeOf, quakeTopic, sayDepth, sayTime, strength } from "./quakes.js";

const listed = 30;

export class QuakePanel {
  #session;
  #map;
  #list = el("ol", { className: "quakes", "data-testid": "quakes", tabIndex: 0, "aria-label": "Latest earthquakes" });
  #count = el("span", { className: "figure", "data-testid": "quake-count" }, "0");
  #canvas = el("canvas", { className: "map", role: "img", "aria-label": "World map of the earthquakes" });
  #empty = el("p", { className: "empty", hidden: true }, "None yet: the replay begins with an empty map.");
  #drawn = null; // the state that was last drawn
  #drawNow = oncePerFrame(() => this.#draw());

  /** The panel's elements, for the pane to place. */
  elements = {
    map: el("figure", { className: "mapbox" }, this.#canvas, legend(this.#count)),
    list: el("section", { className: "panel" }, el("h3", {}, "Latest earthquakes"), this.#list, this.#empty),
  };

  constructor(session) {
    this.#session = session;
    this.#map = new WorldMap(this.#canvas);
  }

  /** Takes note that the session shows something else. */
  changed() {
    if (this.#session.shown(quakeTopic) !== this.#drawn) this.#drawNow();
  }

  /** Takes events that have just been shown while the pane was live. */
  happened(events) {
    for (const { id, version, value } of events) {
      if (value) this.#map.ripple(quakeOf({ entity_id: id, version, payload: value }));
    }
  }

  #draw() {
    this.#drawn = this.#session.shown(quakeTopic);
    const rows = this.#session.rows(quakeTopic);
    const quakes = [...rows.values()].map(quakeOf).toSorted((a, b) => b.mag - a.mag);
    this.#map.show(quakes);
    setText(this.#count, rows.size.toLocaleString("en"));
    this.#empty.hidden = rows.size > 0 || this.#drawn.epoch === "";
    const strongest = quakes[0];
    if (strongest) {
      const words = `World map of ${rows.size} earthquakes, the strongest M ${strongest.mag.toFixed(1)}, ${strongest.place}`;
      this.#canvas.setAttribute("aria-label", words);
    }
    keepList(this.#list, latestQuakes(rows, listed), { key: idOf, make: makeRow, update: updateRow });
  }
}

function legend(count) {
  return el("figcaption", {}, el("span", {}, count, " earthquakes"), key("automatic"), key("reviewed"));
}

function key(status) {
  return el("span", { className: "key" }, el("i", { className: `dot ${status}` }), status);
}

function idOf({ id }) {
  return id;
}

function makeRow() {
  return el(
    "li",
    { className: "quake", "data-testid": "quake" },
    el("span", { className: "mag" }),
    el("span", { className: "where" }),
    el("span", { className: "when" }),
    el("span", { className: "badge" }),
  );
}

function updateRow(row, { mag, place, time, depth, status }) {
  const [magnitude, where, when, badge] = row.children;
  setText(magnitude, mag.toFixed(1));
  magnitude.dataset.strength = strength(mag);
  setText(where, place);
  where.title = place;
  setText(when, `${sayTime(time)} · ${sayDepth(depth)}`);
  setText(badge, status);
  const before = row.dataset.status;
  row.dataset.status = status;
  if (before && before !== status) restart(row, "flash");
}

// Plays an animation from its beginning, even while it runs.
function restart(element, animation) {
  element.classList.remove(animation);
  void element.offsetWidth;
  element.classList.add(animation);
}

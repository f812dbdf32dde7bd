// A pane is one user's side of the page: a session of its own, and everything that it shows.

import { el, sayBytes, setText } from "./dom.js";
import { GiftPanel } from "./giftpanel.js";
import { giftTopic, nameOf } from "./gifts.js";
import { QuakePanel } from "./quakepanel.js";
import { quakeTopic } from "./quakes.js";
import { Session } from "./session.js";

const noticeMs = 9_000;
const statusWords = {
  held: "Offline",
  connecting: "Connecting …",
  waiting: "Connection lost",
  refused: "Refused",
  "catching-up": "Catching up …",
  live: "Live",
};

export class Pane {
  session;
  element;
  #user;
  #online = true;
  #quakes;
  #gifts;
  #notices = el("div", { className: "notices", role: "status", "data-testid": "notices" });
  #status = el("span", { className: "status", "data-testid": "status", role: "status" });
  #switch = el("button", { className: "switch", type: "button", role: "switch", "data-testid": "offline-switch" });
  #figures = {};
  #costOf = el("dt");

  /** @param {string} user */
  constructor(user) {
    this.#user = user;
    this.session = new Session({
      user,
      topics: [giftTopic, quakeTopic],
      onChange: () => this.#changed(),
      onApplied: (topic, events) => this.#applied(topic, events),
      onRejected: (_, rejection) => this.#gifts.rejected(rejection),
    });
    this.#quakes = new QuakePanel(this.session);
    this.#gifts = new GiftPanel(this.session, user, (notice) => this.#notify(notice));
    this.#switch.addEventListener("click", () => this.goOnline(!this.#online));
    this.element = this.#build();
    this.goOnline(true);
  }

  get user() {
    return this.#user;
  }

  /** Opens this pane's line, or closes it and holds it closed. */
  goOnline(online) {
    this.#online = online;
    if (online) this.session.open();
    else this.session.hold();
    this.#switch.setAttribute("aria-checked", String(!online));
  }

  #build() {
    const head = el(
      "header",
      { className: "panehead" },
      el("span", { className: "avatar", "aria-hidden": "true" }, this.#user[0].toUpperCase()),
      el("h2", {}, nameOf(this.#user)),
      this.#status,
      this.#switch,
    );
    this.#switch.append(el("span", { className: "track", "aria-hidden": "true" }), "Go offline");
    const { map, list } = this.#quakes.elements;
    const meters = el(
      "dl",
      { className: "meters" },
      this.#figure(el("dt", {}, "Earthquakes at"), "version-quakes"),
      this.#figure(el("dt", {}, "Gifts at"), "version-gifts"),
      this.#figure(this.#costOf, "catchup-events", "catchup-bytes"),
    );
    const body = el("div", { className: "panebody" }, map, this.#gifts.element, list);
    const attributes = {
      className: "pane",
      "data-testid": `view-${this.#user}`,
      "aria-label": `${nameOf(this.#user)}’s view`,
    };
    const pane = el("section", attributes, head, meters, body, this.#notices);
    pane.dataset.user = this.#user;
    return pane;
  }

  #figure(label, ...ids) {
    for (const id of ids) this.#figures[id] = el("span", { "data-testid": id });
    return el("div", {}, label, el("dd", {}, ...ids.map((id) => this.#figures[id])));
  }

  #changed() {
    if (!this.element) return; // under construction
    const { status, catchUp } = this.session;
    setText(this.#status, statusWords[status]);
    this.element.dataset.status = status;
    this.#say("version-quakes", this.session.shown(quakeTopic).version, (version) => `version ${version}`);
    this.#say("version-gifts", this.session.shown(giftTopic).version, (version) => `version ${version}`);
    setText(this.#costOf, catchUp.first ? "Loading cost" : "Coming back cost");
    this.#say("catchup-events", catchUp.events, () => sayEvents(catchUp));
    this.#say("catchup-bytes", catchUp.bytes, (bytes) => `${sayBytes(bytes)} in ${catchUp.ms} ms`);
    this.#quakes.changed();
    this.#gifts.changed();
  }

  #say(id, value, words) {
    this.#figures[id].dataset.value = value;
    setText(this.#figures[id], words(value));
  }

  #applied(topic, events) {
    if (topic === quakeTopic && this.session.status === "live") this.#quakes.happened(events);
  }

  #notify(text) {
    const notice = el("p", { className: "notice", "data-testid": "notice" }, text);
    this.#notices.append(notice);
    setTimeout(() => notice.remove(), noticeMs);
  }
}

// How many events came, and how many had happened where those are more: a row that changed twice comes once.
function sayEvents({ events, happened }) {
  const [came, all] = [events, Math.max(events, happened)].map((count) => count.toLocaleString("en"));
  return `${came === all ? all : `${came} of ${all}`} ${all === "1" ? "event" : "events"}`;
}

// The shared gift list of one pane. Every edit shows at once and is marked until the server's rows contain it.

import { el, keepList, oncePerFrame, setText } from "./dom.js";
import {
  addGift,
  afterRejection,
  claimGift,
  deleteGift,
  giftTopic,
  giftsOf,
  nameOf,
  releaseGift,
  renameGift,
} from "./gifts.js";

export class GiftPanel {
  #session;
  #user;
  #notify;
  #list = el("ul", { className: "gifts", "data-testid": "gifts", "aria-label": "Gifts" });
  #empty = el("p", { className: "empty" }, "Nothing on the list yet. Add the first gift.");
  #count = el("span", { className: "figure", "data-testid": "pending" });
  #drawNow = oncePerFrame(() => this.#draw());

  element;

  /**
   * @param {import("./session.js").Session} session
   * @param {string} user
   * @param {(notice: string) => void} notify
   */
  constructor(session, user, notify) {
    this.#session = session;
    this.#user = user;
    this.#notify = notify;
    const heading = el("h3", {}, "Gift list ", this.#count);
    this.element = el("section", { className: "panel" }, heading, this.#form(), this.#list, this.#empty);
  }

  changed() {
    this.#drawNow();
  }

  /** Takes the server's refusal of an edit: its layer is already gone. */
  rejected(rejection) {
    const { retry, notice } = afterRejection(rejection);
    if (retry) this.#wish(retry);
    if (notice) this.#notify(notice);
  }

  #wish(change) {
    this.#session.mutate(giftTopic, [change]);
  }

  #form() {
    const input = el("input", {
      name: "title",
      placeholder: `A gift idea from ${nameOf(this.#user)}`,
      "aria-label": "New gift",
      "data-testid": "new-gift",
      autocomplete: "off",
      maxLength: 120,
    });
    const form = el("form", { className: "add" }, input, el("button", { "data-testid": "add-gift" }, "Add"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const title = input.value.trim();
      if (title === "") return;
      input.value = "";
      this.#wish(addGift(title, this.#user));
    });
    return form;
  }

  #draw() {
    const gifts = giftsOf(this.#session.rows(giftTopic));
    this.#empty.hidden = gifts.length > 0 || this.#session.shown(giftTopic).epoch === "";
    const pending = this.#session.pending(giftTopic);
    setText(this.#count, pending > 0 ? `${pending} not saved yet` : "");
    this.#count.dataset.count = pending;
    keepList(this.#list, gifts, {
      key: ({ entity_id }) => entity_id,
      make: (gift) => this.#make(gift),
      update: (row, gift) => this.#update(row, gift),
    });
  }

  #make({ entity_id: id }) {
    const title = el("input", {
      className: "title",
      "data-testid": "gift-title",
      "aria-label": "Gift",
      maxLength: 120,
    });
    title.addEventListener("change", () => this.#rename(id, title));
    title.addEventListener("keydown", (event) => {
      if (event.key === "Escape") title.value = title.dataset.saved;
      if (event.key === "Enter" || event.key === "Escape") title.blur();
    });
    title.addEventListener("blur", () => this.#drawNow());
    const claim = el("button", { className: "claim", type: "button", "data-testid": "gift-claim" });
    claim.addEventListener("click", () => this.#toggle(id));
    const remove = el("button", { className: "remove", type: "button", "data-testid": "gift-delete" }, "×");
    remove.addEventListener("click", () => this.#wish(deleteGift(id)));
    return el("li", { className: "gift", "data-testid": "gift" }, title, claim, remove);
  }

  #update(row, { entity_id, payload, pending }) {
    const [title, claim, remove] = row.children;
    const { title: name = "", claimed_by: claimer } = payload;
    row.dataset.id = entity_id;
    row.dataset.pending = String(Boolean(pending));
    row.dataset.claimedBy = claimer ?? "";
    // What somebody is writing is theirs until they are done.
    if (document.activeElement !== title && title.value !== name) title.value = name;
    title.dataset.saved = name;
    const mine = claimer === this.#user;
    claim.dataset.user = claimer ?? "";
    claim.disabled = Boolean(claimer) && !mine;
    claim.setAttribute("aria-pressed", String(mine));
    claim.title = mine ? "Release" : claimer ? `Claimed by ${nameOf(claimer)}` : "Claim this gift";
    setText(claim, claimer ? `${nameOf(claimer)}’s` : "Claim");
    remove.setAttribute("aria-label", `Delete ${name}`);
  }

  #rename(id, input) {
    const title = input.value.trim();
    if (title === "") input.value = input.dataset.saved;
    else if (title !== input.dataset.saved) this.#wish(renameGift(id, title));
  }

  #toggle(id) {
    const claimed = this.#session.rows(giftTopic).get(id)?.payload.claimed_by;
    this.#wish(claimed ? releaseGift(id) : claimGift(id, this.#user));
  }
}

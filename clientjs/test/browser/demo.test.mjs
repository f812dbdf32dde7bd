// The demo in a real browser: two people, two pages, one list; lines that go away and come back.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { interrupt, launchChromium, startDemo, until } from "./harness.mjs";

const gifts = "gift-list:demo";
const quakes = "quakes:week";

let demo;
let browser;
const pages = []; // of two browser contexts
const errors = [];
let seeded = [];

before(async () => {
  [demo, browser] = await Promise.all([startDemo(), launchChromium()]);
  for (const name of ["left", "right"]) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    page.on("pageerror", (error) => errors.push(`${name}: ${error}`));
    await page.goto(demo.url);
    pages.push(page);
  }
});

after(async () => {
  await browser?.close();
  demo?.child.kill("SIGKILL");
});

const side = (page, user) => page.getByTestId(`view-${user}`);
const status = (page, user) => side(page, user).getAttribute("data-status");
const isLive = async (page, user) => (await status(page, user)) === "live";
const figure = async (page, user, id) => Number(await side(page, user).getByTestId(id).getAttribute("data-value"));

async function addGift(page, user, title) {
  await side(page, user).getByTestId("new-gift").fill(title);
  await side(page, user).getByTestId("add-gift").click();
}

const gift = (page, user, id) => side(page, user).locator(`[data-testid=gift][data-id="${id}"]`);

async function rename(page, user, id, title) {
  await gift(page, user, id).getByTestId("gift-title").fill(title);
  await gift(page, user, id).getByTestId("gift-title").press("Enter");
}

/** What one view holds of a topic, its position and what it has not yet got through. */
const hold = (page, user, topic) =>
  page.evaluate(
    ([name, of]) => {
      const view = globalThis.lockstepDemo.views.find((candidate) => candidate.user === name);
      return { rows: view.rows(of), position: view.position(of), pending: view.pending(of) };
    },
    [user, topic],
  );

/** Waits until all four views hold the very same state with nothing pending, and returns its rows. */
async function agree(topic, ms) {
  let all;
  await until(
    `all four views of ${topic} agree`,
    async () => {
      all = await Promise.all(pages.flatMap((page) => ["alice", "bob"].map((user) => hold(page, user, topic))));
      return all.every(({ position, pending }) => pending === 0 && position === all[0].position);
    },
    ms,
  );
  for (const { rows } of all) assert.deepEqual(rows, all[0].rows);
  return all[0].rows;
}

/** The titles on the list, but for the gifts that the demo itself put there. */
const titles = (rows) =>
  rows
    .map(({ payload }) => payload.title)
    .filter((title) => !seeded.includes(title))
    .toSorted();
const idOf = (rows, title) => rows.find(({ payload }) => payload.title === title).entity_id;

test("the page says where the earthquakes come from, and every view goes live", async () => {
  for (const page of pages) {
    for (const user of ["alice", "bob"]) await until(`${user} is live`, () => isLive(page, user));
  }
  const source = await until("a source is named", () => pages[0].getByTestId("source").getAttribute("data-source"));
  const words = await pages[0].getByTestId("source").textContent();
  assert.match(words, source === "generated" ? /generated, not real/ : /Replay(ing|ed) .*earthquakes/);
});

test("the whole week arrives in all views, and they agree", async () => {
  await pages[0].getByTestId("speed").selectOption("86400");
  const info = () => pages[0].evaluate(async () => (await fetch("/demo/info")).json());
  const { quakes: feed } = await until(
    "the replay is done",
    async () => {
      const answer = await info();
      return answer.done && answer;
    },
    60_000,
  );
  const rows = await agree(quakes, 60_000);
  assert.equal(rows.length, feed.count);
  assert.ok(rows.some(({ payload }) => payload.properties.status === "reviewed"));
  await until(
    "the count is shown",
    async () =>
      (await side(pages[1], "bob").getByTestId("quake-count").textContent()) === feed.count.toLocaleString("en"),
  );
  assert.ok((await side(pages[0], "alice").getByTestId("quake").count()) > 10);
  assert.ok((await figure(pages[0], "alice", "version-quakes")) >= feed.count);
});

test("both people edit one list", async () => {
  seeded = titles(await agree(gifts));
  const loading = await figure(pages[0], "alice", "catchup-bytes");
  await addGift(pages[0], "alice", "Telescope");
  await addGift(pages[1], "bob", "Umbrella");
  await addGift(pages[1], "alice", "Bread knife");
  let rows;
  await until("three gifts", async () => titles((rows = await agree(gifts))).length === 3);
  assert.deepEqual(titles(rows), ["Bread knife", "Telescope", "Umbrella"]);
  await gift(pages[0], "alice", idOf(rows, "Telescope")).getByTestId("gift-claim").click();
  const claim = gift(pages[1], "bob", idOf(rows, "Telescope")).getByTestId("gift-claim");
  await until("bob sees the claim", async () => (await claim.textContent()) === "Alice’s");
  assert.ok(await claim.isDisabled());
  assert.equal(await figure(pages[0], "alice", "catchup-bytes"), loading, "what one does when live is no catching up");
});

test("one goes offline by the switch, both edit, and coming back loses and doubles nothing", async () => {
  const start = await agree(gifts);
  const [telescope, umbrella, knife] = ["Telescope", "Umbrella", "Bread knife"].map((title) => idOf(start, title));
  await side(pages[0], "alice").getByTestId("offline-switch").click();
  assert.equal(await status(pages[0], "alice"), "held");
  await addGift(pages[0], "alice", "Written offline 1");
  await addGift(pages[0], "alice", "Written offline 2");
  await rename(pages[0], "alice", umbrella, "A red umbrella");
  await gift(pages[0], "alice", umbrella).getByTestId("gift-claim").click();
  await until(
    "the edit is marked",
    async () => (await gift(pages[0], "alice", umbrella).getAttribute("data-pending")) === "true",
  );
  assert.equal((await hold(pages[0], "alice", gifts)).pending, 4);
  await addGift(pages[1], "bob", "Written online");
  await gift(pages[1], "bob", knife).getByTestId("gift-delete").click();
  for (let i = 1; i <= 10; i++) await rename(pages[1], "bob", telescope, `Telescope ${i}`);
  await until("bob's edits are saved", async () => (await hold(pages[1], "bob", gifts)).pending === 0);
  await side(pages[0], "alice").getByTestId("offline-switch").click();
  await until("alice is live", () => isLive(pages[0], "alice"));
  const rows = await agree(gifts);
  const wanted = ["A red umbrella", "Telescope 10", "Written offline 1", "Written offline 2", "Written online"];
  assert.deepEqual(titles(rows), wanted);
  assert.equal(rows.find(({ entity_id }) => entity_id === umbrella).payload.claimed_by, "alice");
  // Twelve events on three gifts happened meanwhile: coming back costs three (P10).
  assert.equal(await figure(pages[0], "alice", "catchup-events"), 3);
  assert.equal(await side(pages[0], "alice").getByTestId("catchup-events").textContent(), "3 of 12 events");
  assert.ok((await figure(pages[0], "alice", "catchup-bytes")) < 4_000);
});

test("one loses the network, both edit, and the views still end equal", async () => {
  const start = await agree(gifts);
  const unclaimed = idOf(start, "Written offline 1");
  await pages[1].context().setOffline(true);
  await addGift(pages[1], "bob", "Without network");
  await gift(pages[1], "bob", unclaimed).getByTestId("gift-claim").click();
  await until(
    "the edit is marked",
    async () => (await gift(pages[1], "bob", unclaimed).getAttribute("data-pending")) === "true",
  );
  await addGift(pages[0], "alice", "With network");
  await until("the dead line is noticed", async () => (await status(pages[1], "bob")) !== "live");
  await rename(pages[1], "alice", idOf(start, "Written online"), "Renamed without network");
  await pages[1].context().setOffline(false);
  for (const user of ["alice", "bob"]) await until(`${user} is live again`, () => isLive(pages[1], user));
  const rows = await agree(gifts);
  const wanted = ["A red umbrella", "Renamed without network", "Telescope 10", "With network", "Without network"];
  assert.deepEqual(titles(rows), [...wanted, "Written offline 1", "Written offline 2"]);
  assert.equal(rows.find(({ entity_id }) => entity_id === unclaimed).payload.claimed_by, "bob");
});

test("two claims of one gift: the first holds, the second is told", async () => {
  const start = await agree(gifts);
  const wanted = idOf(start, "With network");
  await side(pages[1], "bob").getByTestId("offline-switch").click();
  await gift(pages[1], "bob", wanted).getByTestId("gift-claim").click();
  await gift(pages[0], "alice", wanted).getByTestId("gift-claim").click();
  await until("alice's claim is saved", async () => (await hold(pages[0], "alice", gifts)).pending === 0);
  await side(pages[1], "bob").getByTestId("offline-switch").click();
  await side(pages[1], "bob").getByTestId("notice").first().waitFor();
  assert.match(await side(pages[1], "bob").getByTestId("notice").first().textContent(), /already claimed by Alice/);
  const rows = await agree(gifts);
  assert.equal(rows.find(({ entity_id }) => entity_id === wanted).payload.claimed_by, "alice");
});

test("a page opened later shows the same", async () => {
  const rows = await agree(gifts);
  await pages[1].reload();
  for (const user of ["alice", "bob"]) await until(`${user} is live`, () => isLive(pages[1], user));
  assert.deepEqual(await agree(gifts), rows);
  const count = rows.length + (await agree(quakes)).length;
  for (const user of ["alice", "bob"]) {
    // One for each row; the server may give the rows of a moment ago, and what has happened to them since.
    const cost = await figure(pages[1], user, "catchup-events");
    assert.ok(cost >= count && cost < count + 40, `loading ${count} rows cost ${cost} events`);
    assert.match(await side(pages[1], user).locator(".meters").textContent(), /Loading cost/);
  }
  assert.deepEqual(errors, [], "no error was thrown on any page");
});

test("Ctrl-C ends the demo cleanly, with pages open, and one of them not answering", async () => {
  await pages[1].context().setOffline(true);
  const { code, signal, ms } = await interrupt(demo.child);
  assert.deepEqual({ code, signal }, { code: 0, signal: null }, demo.said());
  assert.ok(ms < 5_000, `it took ${Math.round(ms)} ms`);
  await until("the page notices", async () => ["waiting", "connecting"].includes(await status(pages[0], "alice")));
});

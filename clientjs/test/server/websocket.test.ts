/* oxlint-disable unicorn/prefer-add-event-listener -- hand-written code sets the properties */

// The drop-in WebSocket against the real server, in plain mode, as hand-written code uses it.

import { WebSocket as NodeSocket } from "ws";
import { afterAll, beforeAll, expect, test } from "vitest";

import { WebSocket } from "../../src/websocket.ts";
import { Server, until } from "./house.ts";

const server = new Server();
beforeAll(() => server.start(), 60_000);
afterAll(() => server.remove());

test("what is sent too early is sent when it is open; a lost line comes back and subscribes again", async () => {
  const options = { WebSocket: NodeSocket as unknown as typeof globalThis.WebSocket };
  const socket = new WebSocket(`${server.url}/v1/ws?user=alice`, undefined, options);
  const heard: { event?: string; type?: string; data?: { payload: unknown } }[] = [];
  const called: string[] = [];
  socket.onopen = () => called.push("open");
  socket.addEventListener("message", (event) => heard.push(JSON.parse(String((event as MessageEvent).data))));
  socket.onclose = () => called.push("close");
  socket.send(JSON.stringify({ type: "subscribe", topics: ["gift-list:ws"] }));
  expect(socket.readyState).toBe(WebSocket.CONNECTING);
  const subscribed = (): number => heard.filter(({ type }) => type === "subscribed").length;
  await until("subscribed", () => subscribed() === 1);
  const writer = server.client({ user: "bob" });
  await writer.topic("gift-list:ws").put("a", { n: 1 }).accepted;
  await until("the event is heard", () => heard.some(({ event }) => event === "ADDED"));
  await server.stop();
  await until("it is noticed", () => socket.readyState === WebSocket.CONNECTING);
  socket.send(JSON.stringify({ type: "ping" }));
  await server.start();
  await until("subscribed again", () => subscribed() === 2);
  await until("what waited was sent", () => heard.some(({ type }) => type === "pong"));
  await writer.topic("gift-list:ws").put("b", { n: 2 }).accepted;
  await until("the second event is heard", () => heard.filter(({ event }) => event === "ADDED").length === 2);
  expect(called).toEqual(["open"]);
  socket.close();
  await until("closed", () => called.includes("close"));
  expect(socket.readyState).toBe(WebSocket.CLOSED);
  writer.close();
});

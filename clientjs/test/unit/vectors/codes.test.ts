import { describe, expect, test } from "vitest";

import { LockstepError } from "../../../src/errors.ts";
import { FakeClock, TestSocket } from "../../../src/testing.ts";
import type { Dial, Sink } from "../../../src/transport.ts";
import { webSocket } from "../../../src/socket.ts";
import { readFile, section } from "./files.ts";

interface Code {
  code: string;
  http: number;
  close: number;
  retry: "never" | "later" | "auth";
  reconnect: boolean;
}

interface Close {
  close: number;
  reconnect: boolean;
}

/** Close codes that say not to come back, and that no server has a reason to send to this client. */
const neverMet = new Set([1000, 1003, 1007]);

/** What a line says when it is closed with a code. */
function lossOf(code: number): Parameters<Sink["lost"]>[0] {
  let socket: TestSocket | undefined;
  const clock = new FakeClock();
  class Socket extends TestSocket {
    constructor(url: string, protocols?: readonly string[]) {
      super(url, protocols);
      socket = this;
    }
  }
  const losses: Parameters<Sink["lost"]>[0][] = [];
  const dial = {
    env: { WebSocket: Socket, now: clock.now, setTimeout: clock.setTimeout, clearTimeout: clock.clearTimeout },
    url: () => new URL("http://test/v1/ws"),
    token: undefined,
  } as unknown as Dial;
  webSocket().open(dial, { frames: () => undefined, lost: (loss) => void losses.push(loss) });
  socket?.dispatchEvent(new Event("open"));
  socket?.end(code);
  expect(losses).toHaveLength(1);
  return losses[0] as Parameters<Sink["lost"]>[0];
}

describe("X-1, X-2: codes", () => {
  test.each(section<Code>("protocol/codes.json", "codes"))("$code", ({ code, retry, close }) => {
    expect(new LockstepError({ code, retry }).retry).toBe(retry);
    const closes = section<Close>("protocol/codes.json", "closes").map((one) => one.close);
    if (close !== 0) expect(closes).toContain(close);
  });
});

describe("T-6: close codes", () => {
  test.each(section<Close>("protocol/codes.json", "closes"))("$close", ({ close, reconnect }) => {
    const { block, unauthorized } = lossOf(close);
    if (!neverMet.has(close)) expect(block === undefined).toBe(reconnect);
    expect(unauthorized ?? false).toBe(close === 4401);
  });

  test("one outside the table says to come back", () => {
    const others = readFile("protocol/codes.json")["other_closes"] as Close; // ("protocol/codes.json", "other_closes")
    expect(lossOf(4999).block === undefined).toBe(others.reconnect);
  });
});

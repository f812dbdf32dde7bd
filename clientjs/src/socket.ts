// The WebSocket transport.

import type { Block } from "./connection.ts";
import { encode, type Dial, type Line, type Sink, type Transport } from "./transport.ts";
import { parseFrames } from "./wire.ts";

const subprotocol = "lockstep.v1";
const deadlineMs = 5_000;
const helloMs = 2_000;
const messageBytes = 64 << 10; // frames are joined into messages of about this size

/** Frames over a WebSocket: both directions, one connection. */
export function webSocket(): Transport {
  return { via: "websocket", deadlineMs, watchesItself: false, open };
}

function open(dial: Dial, sink: Sink): Line {
  const { WebSocket } = dial.env;
  if (!WebSocket) throw new Error("no WebSocket; pass one as an option");
  const url = dial.url("ws");
  url.protocol = url.protocol.replace("http", "ws");
  const socket = new WebSocket(url.href, [subprotocol]);
  let phase: "dialing" | "open" | "over" = "dialing";
  const end = (loss: Parameters<Sink["lost"]>[0]): void => {
    phase = "over";
    sink.lost(loss);
  };
  socket.addEventListener("open", () => {
    if (phase === "over") return;
    phase = "open";
    if (dial.token !== undefined) socket.send(encode({ type: "auth", token: dial.token }));
  });
  socket.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
    if (phase === "over") return;
    try {
      sink.frames(parseFrames(String(data)), String(data).length);
    } catch (error) {
      end({ reason: String(error) });
      socket.close(4400);
    }
  });
  socket.addEventListener("close", ({ code, reason }: CloseEvent) => {
    if (phase === "dialing") void explain(dial).then((block) => end({ reason: `close ${code}`, ...block }));
    else if (phase === "over") return;
    else if (code === 4401) end({ reason: "unauthorized", unauthorized: true });
    else if (code === 4403) end({ reason: reason || "forbidden", block: "forbidden" });
    else end({ reason: reason || `close ${code}` });
  });
  socket.addEventListener("error", () => undefined); // a close follows
  return {
    send(frames) {
      for (const message of joined(frames)) socket.send(message);
    },
    get buffered() {
      return socket.bufferedAmount;
    },
    close() {
      phase = "over";
      socket.close(1000);
    },
  };
}

function* joined(frames: readonly string[]): Iterable<string> {
  let message = "";
  for (const frame of frames) {
    if (message !== "" && message.length + frame.length > messageBytes) {
      yield message;
      message = "";
    }
    message = message === "" ? frame : `${message}\n${frame}`;
  }
  if (message !== "") yield message;
}

// A page learns nothing of a handshake that was refused; the server's hello tells why.
async function explain({ env, url }: Dial): Promise<{ block?: Block; reason?: string }> {
  try {
    const abort = new AbortController();
    const timer = env.setTimeout(() => abort.abort(), helloMs);
    const answer = await env.fetch?.(url("hello"), { signal: abort.signal });
    const hello = (await answer?.json()) as
      | { origin?: { ok: boolean; message?: string }; protocols?: string[] }
      | undefined;
    env.clearTimeout(timer);
    if (hello?.origin?.ok === false) return { block: "forbidden", reason: hello.origin.message ?? "origin" };
    if (hello?.protocols && !hello.protocols.includes(subprotocol)) return { block: "version", reason: "protocol" };
  } catch {
    // No answer explains nothing.
  }
  return {};
}

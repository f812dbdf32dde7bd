// Lines between clients and a server in memory. Bytes move when told, or, with `auto`, as soon as the clock runs.

import type { Clock, SocketClass, SocketLike } from "../env.ts";
import type { TestServer, TestSession } from "./server.ts";

/** One end of a line: the client holds it as its WebSocket. */
export class TestSocket extends EventTarget implements SocketLike {
  readonly url: string;
  readonly protocols: readonly string[];
  bufferedAmount = 0;
  /** Frames on their way to the server. */
  readonly toServer: string[] = [];
  /** The server's end; undefined before the line is open, and after it is cut. */
  session: TestSession | undefined;
  state: "dialing" | "open" | "closed" = "dialing";

  constructor(url: string, protocols: readonly string[] = []) {
    super();
    this.url = url;
    this.protocols = protocols;
  }

  send(text: string): void {
    if (this.state === "open") this.toServer.push(...text.split("\n"));
  }

  close(code: number = 1005): void {
    this.end(code);
  }

  /** Opens the line. */
  open(session: TestSession): void {
    if (this.state !== "dialing") return;
    this.state = "open";
    this.session = session;
    this.dispatchEvent(new Event("open"));
  }

  /** Hands the client up to `most` of the frames that the server has said, in one message. */
  deliver(most: number = Infinity): void {
    const lines = this.session?.out.splice(0, most) ?? [];
    if (lines.length > 0 && this.state === "open")
      this.dispatchEvent(Object.assign(new Event("message"), { data: lines.join("\n") }));
  }

  /** Hands the server up to `most` frames of the client. */
  read(most: number = Infinity): void {
    for (const line of this.toServer.splice(0, most)) this.session?.receive(line);
  }

  /** Ends the line; what is on its way is lost. */
  end(code: number = 1006, reason: string = ""): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.toServer.length = 0;
    this.dispatchEvent(Object.assign(new Event("close"), { code, reason }));
  }
}

export class TestNetwork {
  readonly server: TestServer;
  readonly sockets: TestSocket[] = [];
  /** Whether sockets open by themselves and bytes move with the clock. */
  auto: boolean;
  /** What becomes of WebSockets and of requests: `swallow` leaves them without any answer. */
  webSockets: "open" | "refuse" | "swallow" = "open";
  requests: "open" | "refuse" | "swallow" = "open";
  readonly #clock: Clock;

  constructor(server: TestServer, clock: Clock, auto = true) {
    this.server = server;
    this.#clock = clock;
    this.auto = auto;
  }

  /** The class to give a client as its WebSocket. */
  get WebSocket(): SocketClass {
    const dialed = (socket: TestSocket): void => this.#dialed(socket);
    return class extends TestSocket {
      constructor(url: string, protocols?: string[]) {
        super(url, protocols);
        dialed(this);
      }
    };
  }

  /** The open sockets. */
  get open(): TestSocket[] {
    return this.sockets.filter(({ state }) => state === "open");
  }

  /** Opens a socket's line to the server. */
  accept(socket: TestSocket): void {
    const session = this.server.open(new URL(socket.url).searchParams.get("user") ?? undefined);
    session.wake = () => this.#soon(() => socket.deliver());
    socket.open(session);
    this.#soon(() => socket.deliver());
  }

  /** Ends a line on both sides. */
  cut(socket: TestSocket, code = 1006): void {
    if (socket.session) this.server.close(socket.session);
    socket.end(code);
  }

  cutAll(code = 1006): void {
    for (const socket of this.sockets) this.cut(socket, code);
  }

  /** Moves everything in both directions until nothing moves. */
  flush(): void {
    for (let moved = true; moved;) {
      moved = false;
      for (const socket of this.open) {
        moved ||= socket.toServer.length > 0 || (socket.session?.out.length ?? 0) > 0;
        socket.read();
        socket.deliver();
      }
    }
  }

  /** POST /v1/sync and GET /v1/hello, to give a client as its fetch. */
  readonly fetch = async (input: URL | RequestInfo, init?: RequestInit): Promise<Response> => {
    if (this.requests === "refuse") throw new TypeError("refused");
    if (this.requests === "swallow") return new Promise((_, reject) => onAbort(init?.signal, reject));
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.pathname.endsWith("/v1/hello")) return Response.json({ ok: true, protocols: ["lockstep.v1"] });
    const ask = JSON.parse(String(init?.body)) as SyncRequest;
    const known = this.server.sessions.get(ask.session ?? "");
    if (!known && ask.session !== undefined) return expired();
    const session = known ?? this.server.open(url.searchParams.get("user") ?? undefined);
    for (const frame of ask.frames ?? []) session.receive(JSON.stringify(frame));
    for (const [topic, position] of Object.entries(ask.positions ?? {})) this.server.rewind(session, topic, position);
    if (new Headers(init?.headers).get("Accept") === "text/event-stream") return stream(session);
    if (session.out.length === 0 && ask.wait > 0) await this.#news(session, ask.wait * 1000, init?.signal);
    return Response.json({
      session: session.id,
      frames: session.out.splice(0).map((line): unknown => JSON.parse(line)),
    });
  };

  #news(session: TestSession, ms: number, signal: AbortSignal | null | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      session.wake = resolve;
      this.#clock.setTimeout(resolve, ms);
      onAbort(signal, reject);
    });
  }

  #dialed(socket: TestSocket): void {
    this.sockets.push(socket);
    const send = socket.send.bind(socket);
    socket.send = (text) => {
      send(text);
      this.#soon(() => socket.read());
    };
    this.#soon(() => {
      if (this.webSockets === "open") this.accept(socket);
      else if (this.webSockets === "refuse") socket.end();
    });
  }

  #soon(action: () => void): void {
    if (this.auto) this.#clock.setTimeout(action, 0);
  }
}

interface SyncRequest {
  readonly session?: string;
  readonly frames?: readonly unknown[];
  readonly positions?: Record<string, string>;
  readonly wait: number;
}

function onAbort(signal: AbortSignal | null | undefined, reject: (reason: Error) => void): void {
  signal?.addEventListener("abort", () => reject(new Error("aborted")));
}

function expired(): Response {
  return Response.json({ code: "expired", message: "the session is not kept here", retry: "never" }, { status: 410 });
}

// A session as server-sent events, one frame each.
function stream(session: TestSession): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      session.wake = () => {
        for (const line of session.out.splice(0)) controller.enqueue(new TextEncoder().encode(`data: ${line}\n\n`));
      };
      session.wake();
    },
  });
  return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
}

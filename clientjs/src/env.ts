// What the client needs of the world. A browser, a worker, Deno and Bun have all of it; Node 20 has no WebSocket, and
// tests bring everything.

/** A timer's handle; what it is differs from runtime to runtime. */
export type Timer = unknown;

export interface Clock {
  now(): number;
  setTimeout(action: () => void, ms: number): Timer;
  clearTimeout(timer: Timer): void;
}

/** A listener of any socket class, whatever that calls its events. */
export type SocketListener = { hear(event: Event): void }["hear"];

/** The part of a WebSocket that is used here. */
export interface SocketLike {
  readonly bufferedAmount: number;
  addEventListener(name: "open" | "message" | "close" | "error", listener: SocketListener): void;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

export type SocketClass = new (url: string, protocols?: string[]) => SocketLike;

/** Takes one of a few slots that all pages of the origin share, and gives it back when told; undefined when all are taken. */
export type TakeSlot = () => Promise<(() => void) | undefined>;

export interface Env extends Clock {
  random(): number;
  /** A client id never used before. */
  newClient(): string;
  readonly fetch: typeof fetch | undefined;
  readonly WebSocket: SocketClass | undefined;
  /** The slots that held polls take; those of navigator.locks where it is missing. */
  readonly takeSlot?: TakeSlot;
  /** Calls back when the world may have changed: network, visibility, a page shown again. */
  onWake(wake: () => void): () => void;
}

/** The world as the runtime has it. */
export function worldEnv(): Env {
  return {
    now: () => performance.now(),
    setTimeout: (action, ms) => setTimeout(action, Math.min(ms, 0x7fffffff)),
    clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
    random: () => Math.random(),
    newClient,
    fetch: globalThis.fetch?.bind(globalThis),
    WebSocket: globalThis.WebSocket,
    onWake,
  };
}

function newClient(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(15));
  return Array.from(bytes, (byte) => (byte % 36).toString(36)).join("");
}

function onWake(wake: () => void): () => void {
  const { document } = globalThis;
  if (!globalThis.addEventListener) return () => undefined;
  const seen = (): void => {
    if (document.visibilityState === "visible") wake();
  };
  for (const name of wakeEvents) globalThis.addEventListener(name, wake);
  document?.addEventListener("visibilitychange", seen);
  return () => {
    for (const name of wakeEvents) globalThis.removeEventListener(name, wake);
    document?.removeEventListener("visibilitychange", seen);
  };
}

const wakeEvents = ["online", "offline", "pageshow"];

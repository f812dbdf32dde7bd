// A WebSocket that can be put in the place of the browser's, for hand-written code that sends too early or forgets to
// reconnect: it queues what is sent until the line is open, dials again when it is lost, and then says again what was
// last subscribed. `import { WebSocket } from "lockstep-client/websocket"` is all that changes.

const firstWaitMs = 250; // the backoff doubles from here
const longestWaitMs = 15_000; // and stays here
const provenMs = 5_000; // a line that lived so long starts the backoff anew
const queuedMost = 1_000; // messages; beyond it send throws

const finalCodes = new Set([1000, 1003, 1007, 4403]); // dialing again would not mend these

/** What can be told beside the browser's own arguments. */
export interface Options {
  /** The class to dial with; the runtime's own where it is missing. */
  readonly WebSocket?: typeof globalThis.WebSocket;
}

type Handler<E> = ((event: E) => void) | null;

export class WebSocket extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  readonly CONNECTING = 0;
  readonly OPEN = 1;
  readonly CLOSING = 2;
  readonly CLOSED = 3;

  readonly url: string;
  binaryType: BinaryType = "blob";
  onopen: Handler<Event> = null;
  onmessage: Handler<MessageEvent> = null;
  onerror: Handler<Event> = null;
  /** Called at the end only; a line that is lost and comes back is not an end. */
  onclose: Handler<CloseEvent> = null;

  readonly #protocols: string | string[] | undefined;
  readonly #class: typeof globalThis.WebSocket;
  readonly #subscribed = new Map<string, unknown>(); // topic → as it was last asked for
  #socket: globalThis.WebSocket | undefined;
  #queue: string[] = [];
  #state: 0 | 1 | 2 | 3 = 0;
  #everOpen = false;
  #failures = 0;
  #since = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(url: string | URL, protocols?: string | string[], options: Options = {}) {
    super();
    this.url = new URL(url, globalThis.location?.href).href.replace(/^http/, "ws");
    this.#protocols = protocols;
    this.#class = options.WebSocket ?? globalThis.WebSocket;
    this.#dial();
  }

  get readyState(): number {
    return this.#state;
  }

  get protocol(): string {
    return this.#socket?.protocol ?? "";
  }

  get extensions(): string {
    return this.#socket?.extensions ?? "";
  }

  get bufferedAmount(): number {
    return this.#queue.reduce((bytes, text) => bytes + text.length, this.#socket?.bufferedAmount ?? 0);
  }

  /** Sends text, now or when the line is open. Throws where too many messages wait. */
  send(text: string): void {
    if (this.#state >= 2) return;
    if (this.#note(text) && this.#state !== 1) return; // said by the next line anyway
    if (this.#state === 1) this.#socket?.send(text);
    else if (this.#queue.length < queuedMost) this.#queue.push(text);
    else throw new Error(`more than ${queuedMost} messages wait for the line`);
  }

  close(code: number = 1000, reason = ""): void {
    if (this.#state >= 2) return;
    clearTimeout(this.#timer);
    this.#state = 2;
    if (this.#socket && this.#socket.readyState < 2) this.#socket.close(code, reason);
    else this.#end(code, reason);
  }

  #dial(): void {
    const socket =
      this.#protocols === undefined ? new this.#class(this.url) : new this.#class(this.url, this.#protocols);
    socket.binaryType = this.binaryType;
    this.#socket = socket;
    socket.addEventListener("open", () => this.#opened(socket));
    socket.addEventListener("message", ({ data }) => this.#emit("message", new MessageEvent("message", { data })));
    socket.addEventListener("close", ({ code, reason }) => this.#lost(code, reason));
    socket.addEventListener("error", () => undefined); // a close follows
  }

  #opened(socket: globalThis.WebSocket): void {
    if (this.#state === 2) return socket.close(1000);
    this.#state = 1;
    this.#since = Date.now();
    if (this.#subscribed.size > 0)
      socket.send(JSON.stringify({ type: "subscribe", topics: [...this.#subscribed.values()] }));
    for (const text of this.#queue.splice(0)) socket.send(text);
    if (!this.#everOpen) this.#emit("open", new Event("open"));
    this.#everOpen = true;
  }

  #lost(code: number, reason: string): void {
    if (this.#state === 2 || finalCodes.has(code)) return this.#end(code, reason);
    if (this.#state === 1 && Date.now() - this.#since >= provenMs) this.#failures = 0;
    this.#state = 0;
    const bound = Math.min(longestWaitMs, firstWaitMs * 2 ** this.#failures++);
    this.#timer = setTimeout(() => this.#dial(), Math.random() * bound);
  }

  #end(code: number, reason: string): void {
    this.#state = 3;
    const event = Object.assign(new Event("close"), { code, reason, wasClean: code === 1000 }) as CloseEvent;
    this.#emit("close", event);
  }

  #emit(name: "open" | "message" | "close", event: Event): void {
    const handler = this[`on${name}`] as Handler<Event>;
    handler?.call(this, event);
    this.dispatchEvent(event);
  }

  // Remembers what is subscribed, and reports whether the text was about that.
  #note(text: string): boolean {
    if (!text.includes("subscribe")) return false;
    try {
      const { type, topics } = JSON.parse(text) as { type?: string; topics?: unknown[] };
      if ((type !== "subscribe" && type !== "unsubscribe") || !Array.isArray(topics)) return false;
      for (const topic of topics) {
        const name = typeof topic === "string" ? topic : String((topic as { topic?: unknown } | null)?.topic);
        if (type === "subscribe") this.#subscribed.set(name, topic);
        else this.#subscribed.delete(name);
      }
      return true;
    } catch {
      return false;
    }
  }
}

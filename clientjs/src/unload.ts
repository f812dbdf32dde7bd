// A page that closes with undecided mutations asks first.

import type { Client } from "./client.ts";
import type { Unsubscribe } from "./listeners.ts";

/** Has the browser ask before it closes the page while the client has mutations that are not decided. */
export function keepOpen(client: Client): Unsubscribe {
  const ask = (event: BeforeUnloadEvent): void => {
    if (client.pending.length > 0) event.preventDefault();
  };
  addEventListener("beforeunload", ask);
  return () => removeEventListener("beforeunload", ask);
}

// What a client's frame means, with every default filled in, as protocol/client.json writes it.

type Fields = Record<string, unknown>;

/** The members that each type has besides its own work. */
const plain: Record<string, readonly string[]> = {
  auth: ["token"],
  unsubscribe: ["topics"],
  signal: ["topic", "event", "payload"],
  presence: ["topic", "state"],
  call: ["id", "method", "params"],
  ping: [],
};

export function meaning(frame: Fields): Fields {
  const type = String(frame["type"]);
  if (type === "subscribe") {
    const wants = (frame["topics"] as (string | Fields)[]).map((want) =>
      wantOf(typeof want === "string" ? { topic: want } : want),
    );
    return { type, ...kept(frame, ["client"]), topics: wants };
  }
  if (type === "mutate") {
    const changes = ((frame["changes"] ?? []) as Fields[]).map(changeOf);
    const members = ["client", "seq", "topic", "epoch", "if_topic_version", "needs", "name", "args", "trace_id"];
    return { type, ...kept(frame, members), changes };
  }
  const members = plain[type];
  return members ? { type, ...kept(frame, members) } : { unknown: type };
}

function wantOf(want: Fields): Fields {
  const { after, epoch, version, mode } = want;
  const position = after ?? (version === undefined ? undefined : `${String(epoch ?? "")}-${String(version)}`);
  const rest = kept(want, ["topic", "oldest_unanswered", "presence", "snapshot", "deltas", "max_rate"]);
  return { ...rest, mode: mode ?? "latest", ...(position !== undefined && { position }) };
}

function changeOf(one: Fields): Fields {
  const { op, if_version: expected } = one;
  const guard =
    typeof expected === "object" && expected !== null
      ? { if_seq: (expected as { seq: number }).seq }
      : kept(one, ["if_version"]);
  return {
    op: op ?? "put",
    ...kept(one, ["entity_id", "event"]),
    ...("payload" in one && { payload: one["payload"] }),
    ...guard,
  };
}

/** The members that are there: one that is null is as if it were missing (N-13). */
function kept(from: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(names.flatMap((name) => ((from[name] ?? null) === null ? [] : [[name, from[name]]])));
}

// N-1 once more, in the other language: JSON.parse knows the grammar, and what I-JSON asks beyond it is looked for among
// the tokens.

export interface Bounds {
  readonly bytes?: number;
  readonly depth?: number;
  readonly values?: number;
}

/** Why a text is refused. */
export class Refused extends Error {
  readonly code: "invalid" | "too_large";
  readonly path: string | undefined;

  constructor(code: "invalid" | "too_large", path?: string) {
    super(code);
    this.code = code;
    this.path = path;
  }
}

const token = /"(?:[^"\\]|\\.)*"|[-+.\w]+|[[\]{},:]/gu;
const lone = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

interface Level {
  readonly keys: Set<string> | undefined; // of an object
  at: string; // the key or the index that is read now
}

/** Returns the value of a text, or throws Refused. */
export function strict(raw: Uint8Array, { bytes = Infinity, depth = 32, values = 10_000 }: Bounds = {}): unknown {
  if (raw.length > bytes) throw new Refused("too_large");
  const text = decode(raw);
  const value = parse(text);
  const levels: Level[] = [];
  let seen = 0;
  const tokens = text.match(token) ?? [];
  tokens.forEach((word, i) => {
    const level = levels.at(-1);
    if (word === "]" || word === "}") levels.pop();
    else if (word === ",") {
      if (level && !level.keys) level.at = `[${Number(level.at.slice(1, -1)) + 1}]`;
    } else if (word === ":") return;
    else if (tokens[i + 1] === ":" && level?.keys) key(level, word, levels);
    else {
      if (++seen > values) throw new Refused("too_large");
      if (word[0] === '"' && lone.test(JSON.parse(word) as string)) throw new Refused("invalid", pathOf(levels));
      if (/^[-\d]/.test(word) && !Number.isFinite(Number(word))) throw new Refused("invalid", pathOf(levels));
      if (word === "[" || word === "{")
        levels.push({ keys: word === "{" ? new Set() : undefined, at: word === "{" ? "" : "[0]" });
      if (levels.length > depth) throw new Refused("too_large");
    }
  });
  return value;
}

function key(level: Level, word: string, levels: readonly Level[]): void {
  const name = JSON.parse(word) as string;
  if (lone.test(name)) throw new Refused("invalid", pathOf(levels.slice(0, -1)));
  level.at = word.slice(1, -1);
  if (level.keys?.has(name)) throw new Refused("invalid", pathOf(levels));
  level.keys?.add(name);
}

function pathOf(levels: readonly Level[]): string {
  return levels
    .map(({ at }) => (at.startsWith("[") ? at : `.${at}`))
    .join("")
    .replace(/^\./, "");
}

function decode(raw: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
  } catch {
    throw new Refused("invalid");
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Refused("invalid");
  }
}

// Rows are an immutable map from id to row, in the order of ids. A change copies one leaf and the list of leaves, never
// all rows, so a view of a large topic costs what has changed, and every older view stays as it was.

const leafMax = 64; // rows; a leaf that outgrows it is split in two

/** One row as it is shown. */
export interface Row {
  readonly payload: unknown;
  readonly version: number;
  /** A mutation that the server has not confirmed made it what it is. */
  readonly pending?: true;
  readonly user_id?: string;
  readonly timestamp?: string;
}

interface Leaf {
  readonly ids: string[];
  readonly rows: Row[];
}

export class Rows {
  readonly #leaves: readonly Leaf[];
  #values: readonly unknown[] | undefined;
  #ids: readonly string[] | undefined;

  private constructor(leaves: readonly Leaf[]) {
    this.#leaves = leaves;
  }

  static of(entries: Iterable<readonly [string, Row]>): Rows {
    const sorted = [...entries].toSorted((a, b) => (a[0] < b[0] ? -1 : 1));
    const leaves: Leaf[] = [];
    for (let start = 0; start < sorted.length; start += leafMax / 2) {
      const part = sorted.slice(start, start + leafMax / 2);
      leaves.push({ ids: part.map(([id]) => id), rows: part.map(([, row]) => row) });
    }
    return new Rows(leaves);
  }

  /** All values in the order of their ids; made once, when first asked for. */
  get values(): readonly unknown[] {
    return (this.#values ??= this.#leaves.flatMap((leaf) => leaf.rows.map((row) => row.payload)));
  }

  get ids(): readonly string[] {
    return (this.#ids ??= this.#leaves.flatMap((leaf) => leaf.ids));
  }

  get(id: string): Row | undefined {
    const leaf = this.#leaves[leafOf(this.#leaves, id)];
    if (!leaf) return undefined;
    const at = lowerBound(leaf.ids, id);
    return leaf.ids[at] === id ? leaf.rows[at] : undefined;
  }

  /** Returns rows with the edits made; undefined deletes. */
  with(edits: Iterable<readonly [string, Row | undefined]>): Rows {
    const leaves = [...this.#leaves];
    const mine = new Set<Leaf>(); // copied here, so free to change
    for (const [id, row] of edits) {
      const index = leafOf(leaves, id);
      const old = leaves[index] ?? { ids: [], rows: [] };
      const leaf = mine.has(old) ? old : { ids: [...old.ids], rows: [...old.rows] };
      mine.add(leaf);
      leaves[index] = leaf;
      const at = lowerBound(leaf.ids, id);
      const held = leaf.ids[at] === id ? 1 : 0;
      leaf.ids.splice(at, held, ...(row === undefined ? [] : [id]));
      leaf.rows.splice(at, held, ...(row === undefined ? [] : [row]));
      if (leaf.ids.length === 0) leaves.splice(index, 1);
      else if (leaf.ids.length > leafMax) leaves.splice(index + 1, 0, split(leaf, mine));
    }
    return new Rows(leaves);
  }
}

function split(leaf: Leaf, mine: Set<Leaf>): Leaf {
  const right = { ids: leaf.ids.splice(leafMax / 2), rows: leaf.rows.splice(leafMax / 2) };
  mine.add(right);
  return right;
}

// The leaf that holds id or is to take it: the last one that does not begin behind it.
function leafOf(leaves: readonly Leaf[], id: string): number {
  let low = 0;
  let high = leaves.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((leaves[middle]?.ids[0] ?? "") <= id) low = middle + 1;
    else high = middle;
  }
  return Math.max(low - 1, 0);
}

function lowerBound(ids: readonly string[], id: string): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ids[middle] ?? "") < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

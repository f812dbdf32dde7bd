// JSON Patch, RFC 6902, as a local twin of what the server does: give it to createClient as `jsonPatch`.

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

type Container = Record<string, unknown> | unknown[];

/** Returns what value becomes under the operations, all of them or none. Throws where one does not apply. */
export function jsonPatch(value: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw new Error("a JSON patch is an array");
  let root: unknown = structuredClone(value);
  for (const operation of patch as Operation[]) root = applyOne(root, operation);
  return root;
}

function applyOne(root: unknown, { op, path, from, value }: Operation): unknown {
  switch (op) {
    case "add":
      return put(root, parse(path), required(value), true);
    case "remove":
      return remove(root, parse(path));
    case "replace":
      read(root, parse(path));
      return put(root, parse(path), required(value), false);
    case "move": {
      const moved = read(root, parse(from));
      if (`${path}/`.startsWith(`${from}/`) && path !== from) throw new Error("a value cannot move into itself");
      return put(remove(root, parse(from)), parse(path), moved, true);
    }
    case "copy":
      return put(root, parse(path), structuredClone(read(root, parse(from))), true);
    case "test":
      if (!same(read(root, parse(path)), required(value))) throw new Error(`${path} is another value`);
      return root;
    default:
      throw new Error(`${op} is no operation`);
  }
}

function required(value: unknown): unknown {
  if (value === undefined) throw new Error("value is missing");
  return structuredClone(value);
}

function parse(pointer: string | undefined): string[] {
  if (pointer === "") return [];
  if (!pointer?.startsWith("/") || /~(?![01])/.test(pointer)) throw new Error(`${pointer} is no pointer`);
  return pointer
    .slice(1)
    .split("/")
    .map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function read(root: unknown, path: readonly string[]): unknown {
  let value = root;
  for (const name of path) {
    const container = containerOf(value);
    if (Array.isArray(container)) value = container[indexOf(container, name, container.length - 1)];
    else if (Object.hasOwn(container, name)) value = container[name];
    else throw new Error(`there is no ${name}`);
  }
  return value;
}

function put(root: unknown, path: readonly string[], value: unknown, insert: boolean): unknown {
  const name = path.at(-1);
  if (name === undefined) return value;
  const parent = containerOf(read(root, path.slice(0, -1)));
  if (!Array.isArray(parent)) define(parent, name, value);
  else if (insert) parent.splice(name === "-" ? parent.length : indexOf(parent, name, parent.length), 0, value);
  else parent[indexOf(parent, name, parent.length - 1)] = value;
  return root;
}

function remove(root: unknown, path: readonly string[]): unknown {
  read(root, path);
  const name = path.at(-1);
  if (name === undefined) throw new Error("the whole value cannot be removed");
  const parent = containerOf(read(root, path.slice(0, -1)));
  if (Array.isArray(parent)) parent.splice(Number(name), 1);
  else delete parent[name];
  return root;
}

// A member called __proto__ is only a member.
function define(target: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
}

function containerOf(value: unknown): Container {
  if (typeof value !== "object" || value === null) throw new Error("there is nothing inside a plain value");
  return value as Container;
}

function indexOf(list: readonly unknown[], name: string, most: number): number {
  const index = /^(0|[1-9]\d*)$/.test(name) ? Number(name) : -1;
  if (index < 0 || index > most) throw new Error(`there is no place ${name} among ${list.length}`);
  return index;
}

function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => Object.hasOwn(b, name) && same(Reflect.get(a, name), Reflect.get(b, name)));
}

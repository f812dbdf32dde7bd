// The little that the page needs to build and keep elements.

/** Makes an element. Properties that start with "data-" or "aria-", and role, become attributes. */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (/^(data-|aria-|role$|for$)/.test(name)) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/** Writes text only where it differs, so that nothing is announced or laid out twice. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Keeps a parent's children equal to a list: one element per item, by its key, in order. An element stays, and is not
 * moved without need, so focus and half-written text survive what others change.
 */
export function keepList(parent, items, { key, make, update }) {
  const wanted = new Set(items.map(key));
  const kept = new Map();
  for (const child of parent.querySelectorAll(":scope > *")) {
    if (wanted.has(child.dataset.key)) kept.set(child.dataset.key, child);
    else child.remove();
  }
  let next = parent.firstElementChild;
  for (const item of items) {
    const child = kept.get(key(item)) ?? make(item);
    child.dataset.key = key(item);
    update(child, item);
    if (child === next) next = next.nextElementSibling;
    else parent.insertBefore(child, next);
  }
}

/** Calls draw at most once per frame of the screen, however often it is asked to. */
export function oncePerFrame(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}

const units = ["B", "kB", "MB"];

/** Says a number of bytes as a person would. */
export function sayBytes(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit > 0 && value < 100 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

// Builds elements; text always goes in as text, so nothing that a seller names can become markup.

/**
 * @param {string} tag
 * @param {Record<string, string|boolean|EventListener>|null} [attributes]
 * @param {...(Node|string|null)} children
 * @returns {HTMLElement}
 */
export function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== "") node.setAttribute(name, String(value));
  }
  for (const child of children) if (child !== null && child !== undefined) node.append(child);
  return node;
}

/**
 * A moment as its reader's platform shows it.
 * @param {number} seconds since 1970
 * @param {Intl.DateTimeFormatOptions} style
 * @param {{zone: string, locale: string}} reader
 */
export function moment(seconds, style, reader) {
  const at = new Date(seconds * 1000);
  const text = new Intl.DateTimeFormat(reader.locale, { ...style, timeZone: reader.zone }).format(at);
  return el("time", { datetime: at.toISOString(), title: `${at.toISOString()} · ${reader.zone}` }, text);
}

const HUES = [198, 262, 24, 152, 330, 46];

/** @param {string} name @param {boolean|null} awake null where it does not matter */
export function face(name, awake = null) {
  const hue = HUES[[...name].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % HUES.length];
  const dot = awake === null ? null : el("i");
  const node = el("span", { class: `face${awake ? " awake" : ""}`, "aria-hidden": "true" }, [...name][0] ?? "?", dot);
  node.style.background = `hsl(${hue} 45% 42%)`;
  return node;
}

/** Remembers what was drawn, so that an unchanged part stays the very same element: focus and selection survive. */
export class Drawn {
  constructor() { this.parts = new Map(); this.wanted = new Map(); }

  /** The element under `key`, made anew only where `shape` differs; `make` is told whether there was another before. */
  part(key, shape, make) {
    const before = this.parts.get(key);
    const found = before?.shape === shape ? before : { shape, node: make(before !== undefined) };
    this.wanted.set(key, found);
    return found.node;
  }

  /** Let `list` hold exactly these elements in this order, touching none that stays; forget the others. */
  into(list, nodes) {
    const kept = new Set(nodes);
    const focus = focused(list);
    for (const old of [...list.childNodes]) if (!kept.has(old)) old.remove();
    nodes.forEach((node, index) => { if (list.childNodes[index] !== node) list.insertBefore(node, list.childNodes[index] ?? null); });
    this.parts = this.wanted;
    this.wanted = new Map();
    if (focus && !list.contains(document.activeElement)) (list.children[focus.child]?.querySelectorAll("button")[focus.button] ?? list).focus({ preventScroll: true });
  }
}

/** Which button of which child has the focus, if one in the list has. */
function focused(list) {
  const button = document.activeElement;
  const child = [...list.children].findIndex((node) => node !== button && node.contains(button));
  return child < 0 ? null : { child, button: [...list.children[child].querySelectorAll("button")].indexOf(button) };
}

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

/** @param {string} name @param {boolean} awake */
export function face(name, awake) {
  const hue = HUES[[...name].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % HUES.length];
  const node = el("span", { class: `face${awake ? " awake" : ""}`, "aria-hidden": "true" }, [...name][0] ?? "?", el("i"));
  node.style.background = `hsl(${hue} 45% 42%)`;
  return node;
}

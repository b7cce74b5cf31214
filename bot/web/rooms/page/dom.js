// Builds elements; text always goes in as text, so nothing that a person writes can become markup.

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string|number|boolean|((event: any) => void)>} [attributes]
 * @param {...(Node|string|null)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== "") node.setAttribute(name, String(value));
  }
  for (const child of children) if (child !== null) node.append(child);
  return node;
}

/**
 * The element of that id, as the kind it must be.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function byId(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page lacks #${id}`);
  return found;
}

/** @param {string} id */
export const box = (id) => byId(id, HTMLElement);
/** @param {string} id */
export const button = (id) => byId(id, HTMLButtonElement);

const SVG = "http://www.w3.org/2000/svg";

/**
 * A picture from the sprite in the page.
 * @param {string} name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/**
 * Show another picture on a button.
 * @param {Element} owner
 * @param {string} name
 */
export function setIcon(owner, name) {
  owner.querySelector("use")?.setAttribute("href", `#i-${name}`);
}

const HUES = [198, 262, 24, 152, 330, 46];

/**
 * A round mark with a person's initial.
 * @param {string} name
 */
export function face(name) {
  const hue = HUES[[...name].reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0) % HUES.length];
  const node = el("span", { class: "face", "aria-hidden": "true" }, ([...name][0] ?? "?").toUpperCase());
  node.style.background = `hsl(${hue} 45% 38%)`;
  return node;
}

/**
 * Play what a person should hear or see; `blocked` runs where the browser first wants a click.
 * @param {HTMLMediaElement} media
 * @param {() => void} [blocked]
 */
export function play(media, blocked) {
  media.play().catch((/** @type {DOMException} */ error) => { if (error.name === "NotAllowedError") blocked?.(); });
}

// @ts-check
// Keeps the open page true: after each change on the server it is fetched anew and its parts that differ are put in
// place. Also: reading a chart day by day, and short tables sorted here.

const live = /** @type {HTMLElement} */ (document.getElementById("live"));
const AGAIN = 30_000; // milliseconds until a stream that was refused is asked for again
const FOCUSED = "a, button, summary, [tabindex]";
let told = 0;

/** @type {Map<string, string>} */
const served = new Map(); // what the server last said of each part: scripts change what stands on the page

/** @param {string | undefined} words */
function warn(words) {
  window.clearTimeout(told);
  live.textContent = words ?? "";
}

/** @param {string | undefined} words */
function tell(words) {
  warn(words);
  told = window.setTimeout(() => warn(""), 4000);
}

/** Replace the parts of this page that differ from the server's; a form that somebody is at waits for them. */
async function refresh() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (answer.status === 401) location.reload();
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  let changed = false;
  for (const part of document.querySelectorAll("[data-live]")) {
    const name = part.getAttribute("data-live") ?? "";
    const other = fresh.querySelector(`[data-live="${name}"]`);
    if (!other || other.innerHTML === served.get(name)) continue;
    if (part.contains(document.activeElement) && document.activeElement?.closest("form")) {
      part.addEventListener("focusout", () => window.setTimeout(again), { once: true });
      continue;
    }
    served.set(name, other.innerHTML);
    replace(part, other.innerHTML);
    changed = true;
  }
  if (changed) tell(live.dataset.new);
}

/**
 * Put new content into a part; what was unfolded, sorted, scrolled to and in focus stays so.
 * @param {Element} part
 * @param {string} content
 */
function replace(part, content) {
  const open = [...part.querySelectorAll("details")].map((one) => one.open);
  const scrolled = [...part.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
  const sorted = [...part.querySelectorAll("table.sortable th")].map((head) => head.getAttribute("aria-sort"));
  const focused = [...part.querySelectorAll(FOCUSED)].findIndex((one) => one === document.activeElement);
  part.innerHTML = content;
  begin(part);
  part.querySelectorAll("details").forEach((one, number) => (one.open = open[number] ?? false));
  part.querySelectorAll(".scroll").forEach((one, number) => (one.scrollLeft = scrolled[number] ?? 0));
  part.querySelectorAll("table.sortable th").forEach((head, number) => {
    const presses = { ascending: 1, descending: 2 }[sorted[number] ?? ""] ?? 0;
    for (let press = 0; press < presses; press += 1) head.querySelector("button")?.click();
  });
  if (focused >= 0) /** @type {HTMLElement | undefined} */ ([...part.querySelectorAll(FOCUSED)][focused])?.focus();
}

function again() {
  refresh().catch(() => warn(live.dataset.lost));
}

function listen() {
  const source = new EventSource("/board/events");
  source.onopen = () => warn("");
  source.onmessage = again; // the first one too: something may have changed since the page was made
  source.onerror = () => {
    warn(live.dataset.lost);
    if (source.readyState !== EventSource.CLOSED) return; // it tries again by itself
    again();
    window.setTimeout(listen, AGAIN);
  };
  window.addEventListener("pagehide", () => source.close());
}

/** @param {HTMLElement} figure */
function readable(figure) {
  const days = JSON.parse(figure.dataset.days ?? "{}");
  const svg = /** @type {SVGSVGElement | null} */ (figure.querySelector("svg"));
  const readout = figure.querySelector(".readout");
  if (!svg || !readout || !days.texts) return;
  const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
  line.setAttribute("class", "cursor");
  line.setAttribute("y1", days.top);
  line.setAttribute("y2", days.bottom);
  svg.append(line);
  const last = days.texts.length - 1;
  let at = days.today;

  /** @param {number} day */
  function show(day) {
    at = Math.max(0, Math.min(last, day));
    const x = String(days.left + (at + 0.5) * days.width);
    line.setAttribute("x1", x);
    line.setAttribute("x2", x);
    line.setAttribute("data-on", "");
    if (readout) readout.textContent = days.texts[at];
  }
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    show(Math.floor((((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width - days.left) / days.width));
  });
  figure.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -7, PageDown: 7, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    show(at + step);
  });
}

/**
 * What a cell is sorted by: the value that the server gave, otherwise its text; null where nothing is known.
 * @param {HTMLTableCellElement} cell
 */
function value(cell) {
  const text = cell.dataset.value ?? (cell.textContent ?? "").trim();
  if (text === "" || text === "–") return null;
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

/**
 * The order of two values: figures, then texts; what is not known comes last, whichever way.
 * @param {number | string | null} one
 * @param {number | string | null} other
 * @param {number} way
 */
function order(one, other, way) {
  if (one === null || other === null) return Number(one === null) - Number(other === null);
  if (typeof one === "number" && typeof other === "number") return way * (one - other);
  if (typeof one === "string" && typeof other === "string") return way * one.localeCompare(other, document.documentElement.lang);
  return typeof one === "number" ? -1 : 1;
}

/** @param {HTMLTableElement} table */
function sortable(table) {
  table.querySelectorAll("thead th").forEach((head, column) => {
    const button = document.createElement("button");
    button.className = "sort";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const way = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      table.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", way < 0 ? "descending" : "ascending");
      const body = table.tBodies[0];
      body.append(...[...body.rows].sort((one, other) => order(value(one.cells[column]), value(other.cells[column]), way)));
    });
  });
}

/** @param {ParentNode} where */
function begin(where) {
  for (const figure of where.querySelectorAll("figure.drawn")) readable(/** @type {HTMLElement} */ (figure));
  for (const table of where.querySelectorAll("table.sortable")) sortable(/** @type {HTMLTableElement} */ (table));
}

for (const part of document.querySelectorAll("[data-live]")) {
  served.set(part.getAttribute("data-live") ?? "", part.innerHTML);
}
begin(document);
listen();

if (window.self !== window.top) {
  document.body.classList.add("framed");
  document.querySelector(".back button")?.addEventListener("click", () => history.back());
}

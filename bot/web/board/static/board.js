// @ts-check
// Keeps the open page true: after each change on the server it is fetched anew and its parts that differ are put in
// place. Also: reading a chart day by day, and short tables sorted here.

const live = /** @type {HTMLElement} */ (document.getElementById("live"));
let told = 0;

/** @param {string | undefined} words */
function tell(words) {
  live.textContent = words ?? "";
  window.clearTimeout(told);
  told = window.setTimeout(() => (live.textContent = ""), 4000);
}

/** Replace the parts of this page that differ from the server's, but none that somebody is working in. */
async function refresh() {
  if (document.body.dataset.still) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (answer.status === 401) location.reload();
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  let changed = false;
  for (const part of document.querySelectorAll("[data-live]")) {
    const other = fresh.querySelector(`[data-live="${part.getAttribute("data-live")}"]`);
    if (!other || other.innerHTML === part.getAttribute("data-was") || part.contains(document.activeElement)) continue;
    if (part.getAttribute("data-was") === null && other.innerHTML === part.innerHTML) continue;
    const open = [...part.querySelectorAll("details")].map((one) => one.open);
    part.setAttribute("data-was", other.innerHTML);
    part.innerHTML = other.innerHTML;
    part.querySelectorAll("details").forEach((one, number) => (one.open = open[number] ?? false));
    changed = true;
  }
  if (changed) {
    begin(document);
    tell(live.dataset.new);
  }
}

function listen() {
  const source = new EventSource("/board/events");
  source.onmessage = (event) => {
    if (event.data === "changed") refresh().catch(() => tell(live.dataset.lost));
  };
  source.onerror = () => tell(live.dataset.lost);
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
  line.setAttribute("y1", "64");
  line.setAttribute("y2", "322");
  svg.append(line);
  let at = days.texts.length - 1;

  /** @param {number} day */
  function show(day) {
    at = Math.max(0, Math.min(days.texts.length - 1, day));
    const x = String(days.left + (at + 0.5) * days.width);
    line.setAttribute("x1", x);
    line.setAttribute("x2", x);
    line.setAttribute("data-on", "");
    if (readout) readout.textContent = days.texts[at];
  }
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    show(Math.floor((((event.clientX - box.left) / box.width) * 800 - days.left) / days.width));
  });
  figure.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -7, PageDown: 7 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    show(at + step);
  });
}

/** @param {string} text */
function value(text) {
  const number = Number(text.replace(/[^\d.-]/g, ""));
  return /\d/.test(text) && !Number.isNaN(number) ? number : text.trim().toLowerCase();
}

/** @param {HTMLTableElement} table */
function sortable(table) {
  table.querySelectorAll("thead th").forEach((head, column) => {
    const button = document.createElement("button");
    button.className = "sort";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      table.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const body = table.tBodies[0];
      const rows = [...body.rows].sort((one, other) => {
        const [a, b] = [value(one.cells[column].textContent ?? ""), value(other.cells[column].textContent ?? "")];
        const order = typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1;
        return down ? -order : order;
      });
      body.append(...rows);
    });
  });
}

/** @param {ParentNode} where */
function begin(where) {
  for (const figure of where.querySelectorAll("figure.drawn:not([data-begun])")) {
    figure.setAttribute("data-begun", "");
    readable(/** @type {HTMLElement} */ (figure));
  }
  for (const table of where.querySelectorAll("table.sortable:not([data-begun])")) {
    table.setAttribute("data-begun", "");
    sortable(/** @type {HTMLTableElement} */ (table));
  }
}

begin(document);
listen();

// What is written in the room: chat, and decisions and notes for the minutes.

import { box, byId, el } from "./dom.js";
import { wall } from "./hours.js";
import { amount, t } from "./words.js";

/** @typedef {import("./types.js").Line} Line */
/** @typedef {import("./types.js").Told} Told */

const KEPT = 200;

export class Talk {
  /** @param {(message: Told) => void} send */
  constructor(send) {
    this.send = send;
    this.lines = box("lines");
    this.notes = box("notes");
    const text = byId("say-text", HTMLTextAreaElement);
    const form = byId("say", HTMLFormElement);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.say(text, { type: "say" });
    });
    text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return; // Enter also ends the input of a Chinese word
      event.preventDefault();
      form.requestSubmit();
    });
    byId("note", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      const kind = /** @type {HTMLButtonElement|null} */ (event.submitter)?.value ?? "decision";
      this.say(byId("note-text", HTMLTextAreaElement), { type: "note", kind });
    });
    this.clear();
  }

  /**
   * @param {HTMLTextAreaElement} field
   * @param {Told} message
   */
  say(field, message) {
    const text = field.value.trim();
    if (!text) return;
    this.send({ ...message, text });
    field.value = "";
    field.focus();
  }

  clear() {
    this.lines.replaceChildren(el("p", { class: "empty" }, t("no_lines")));
    this.notes.replaceChildren(el("p", { class: "empty" }, t("no_notes")));
  }

  /** @param {Line} line */
  add(line) {
    put(this.lines, drawn(line));
    if (line.kind === "decision" || line.kind === "note") put(this.notes, drawn(line));
  }

  /** A viewer reads only. @param {boolean} may */
  allow(may) {
    for (const id of ["say", "note"]) box(id).hidden = !may;
  }
}

/**
 * @param {HTMLElement} list
 * @param {HTMLElement} node
 */
function put(list, node) {
  const below = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
  list.querySelector(".empty")?.remove();
  list.append(node);
  while (list.children.length > KEPT) list.firstElementChild?.remove();
  if (below) list.scrollTop = list.scrollHeight;
}

/** @param {Line} line */
function drawn(line) {
  const at = new Date(line.at);
  const time = wall(at);
  const head = el("div", { class: "head" }, el("b", {}, line.by), el("time", { datetime: line.at }, time));
  if (line.kind !== "chat") head.append(el("span", { class: "kind" }, t(line.kind)));
  return el("div", { class: `said ${line.kind}` }, head, el("p", {}, line.kind === "file" ? told(line.text) : line.text));
}

/**
 * A file's line: its name may hold commas, its size and digest do not.
 * @param {string} text
 */
function told(text) {
  const [, name, size, sha256] = /^(.*), (\d+), ([0-9a-f]{64})$/s.exec(text) ?? [];
  return name ? `${name} · ${amount(Number(size))} · SHA-256 ${sha256?.slice(0, 12)}…` : text;
}

// Who is in the room, what time it is for them, and what a host may ask of them.

import { box, el, face, icon } from "./dom.js";
import { atWork, localTime, now, place } from "./hours.js";
import { t } from "./words.js";

/** @typedef {import("./types.js").Person} Person */
/** @typedef {import("./types.js").Role} Role */
/** @typedef {"mute"|"remove"|"raise"} Act */

/** @type {Record<Role, number>} */
const RANKS = { viewer: 0, member: 1, cohost: 2, host: 3 };

export class Roster {
  /** @param {(act: Act, id: number) => void} act */
  constructor(act) {
    this.root = box("roster");
    this.act = act;
    /** @type {Map<number, HTMLLIElement>} */
    this.rows = new Map();
    /** @type {Map<number, Person>} */
    this.people = new Map();
    this.me = 0;
    /** @type {Role} */
    this.role = "member";
  }

  /**
   * @param {Iterable<Person>} people
   * @param {number} me
   * @param {Role} role
   */
  draw(people, me, role) {
    this.me = me;
    this.role = role;
    this.people = new Map([...people].map((person) => [person.id, person]));
    const focus = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.act : undefined;
    this.rows = new Map([...this.people.values()].map((person) => [person.id, this.row(person)]));
    this.root.replaceChildren(...this.rows.values());
    if (focus) /** @type {HTMLElement|null} */ (this.root.querySelector(`[data-act="${focus}"]`))?.focus();
  }

  /** @param {Person} person */
  row(person) {
    const own = person.id === this.me;
    const state = el("span", { class: "state" }, icon(person.shown.muted ? "mic-off" : "mic"), icon(person.shown.camera ? "cam" : "cam-off"),
      el("span", { class: "unseen" }, [person.shown.muted ? t("muted") : "", person.shown.sharing ? t("sharing") : ""].filter(Boolean).join(", ")));
    return el("li", { "data-person": person.id }, face(person.name),
      el("div", { class: "who" }, el("b", {}, own ? `${person.name} (${t("you")})` : person.name),
        el("small", {}, t(person.role), " · ", this.hours(person))),
      person.role === "viewer" ? el("span") : state, own ? null : this.acts(person));
  }

  /** @param {Person} person */
  hours(person) {
    const at = now();
    const works = atWork(person, at);
    const title = t(works ? "at_work" : "off_work");
    return el("span", { class: works ? "hours" : "hours off", title }, `${localTime(person.zone, at)} ${place(person.zone)}`, el("span", { class: "unseen" }, `, ${title}`));
  }

  /** @param {Person} person */
  acts(person) {
    if (RANKS[this.role] < RANKS.cohost) return null;
    const name = person.name;
    /** @param {Act} act @param {string} text @param {string} label */
    const make = (act, text, label) => el("button", { type: "button", "data-act": `${act}-${person.id}`, "aria-label": label, click: () => this.act(act, person.id) }, text);
    const acts = el("div", { class: "acts" });
    if (person.role === "viewer") acts.append(make("raise", t("raise"), t("raise_name", { name })));
    else if (!person.shown.muted) acts.append(make("mute", t("ask_mute"), t("ask_mute_name", { name })));
    if (RANKS[this.role] > RANKS[person.role]) acts.append(make("remove", t("remove"), t("remove_name", { name })));
    return acts;
  }

  /** Times go on. */
  tick() {
    for (const [id, row] of this.rows) {
      const person = this.people.get(id);
      const shown = row.querySelector(".hours");
      const fresh = person && this.hours(person);
      if (shown && fresh && (shown.textContent !== fresh.textContent)) shown.replaceWith(fresh);
    }
  }

  /**
   * @param {number} id
   * @param {boolean} speaks
   */
  mark(id, speaks) {
    this.rows.get(id)?.classList.toggle("speaks", speaks);
  }
}

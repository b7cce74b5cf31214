// Files on their way, as cards: what a person can do with each, and how far it is.

import { LARGEST } from "./transfers.js";
import { box, button, byId, el, icon } from "./dom.js";
import { amount, t } from "./words.js";

/** @typedef {import("./transfers.js").Transfer} Transfer */
/** @typedef {import("./transfers.js").Transfers} Transfers */
/** @typedef {import("./types.js").Person} Person */

export class FileCards {
  /**
   * @param {object} hooks
   * @param {Transfers} hooks.transfers
   * @param {(id: number) => string} hooks.name a person's name
   * @param {(text: string) => void} hooks.toast
   */
  constructor({ transfers, name, toast }) {
    this.transfers = transfers;
    this.name = name;
    this.toast = toast;
    this.root = box("files");
    this.to = byId("file-to", HTMLSelectElement);
    /** @type {Map<string, HTMLElement>} */
    this.cards = new Map();
    const input = byId("file", HTMLInputElement);
    button("file-pick").addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      this.offer([...(input.files ?? [])]);
      input.value = "";
    });
  }

  /**
   * Whom a file can go to.
   * @param {Person[]} people
   */
  people(people) {
    const chosen = this.to.value;
    this.to.replaceChildren(el("option", { value: "all" }, t("everyone")), ...people.map((person) => el("option", { value: person.id }, person.name)));
    if ([...this.to.options].some((option) => option.value === chosen)) this.to.value = chosen;
  }

  /** @param {File[]} files */
  offer(files) {
    const ids = [...this.to.options].map((option) => option.value).filter((id) => id !== "all" && (this.to.value === "all" || this.to.value === id));
    if (!ids.length) this.toast(t("file_nobody"));
    for (const file of files) {
      if (file.size > LARGEST) this.toast(t("file_too_big", { file: file.name, size: amount(LARGEST) }));
      else for (const id of ids) this.transfers.offer(Number(id), file);
    }
  }

  /** @param {Transfer} transfer */
  draw(transfer) {
    const card = this.cards.get(transfer.id);
    if (card?.dataset.stage === transfer.stage) {
      this.move(card, transfer);
      return;
    }
    const fresh = this.card(transfer);
    this.cards.set(transfer.id, fresh);
    if (card) card.replaceWith(fresh);
    else this.root.append(fresh);
    this.move(fresh, transfer);
    fresh.scrollIntoView({ block: "nearest" });
  }

  /**
   * @param {HTMLElement} card
   * @param {Transfer} transfer
   */
  move(card, transfer) {
    const bar = card.querySelector("progress");
    if (bar) bar.value = transfer.size ? transfer.moved / transfer.size : 1;
  }

  /** @param {Transfer} transfer */
  card(transfer) {
    const head = el("div", { class: "name" }, transfer.name, el("span", {}, amount(transfer.size)));
    const card = el("div", { class: "transfer", "data-stage": transfer.stage, "data-file": transfer.id }, head, this.said(transfer));
    if (transfer.stage === "moving" || transfer.stage === "checking") card.append(el("progress", { max: 1, value: 0, "aria-label": t("progress", { file: transfer.name }) }));
    const row = el("div", { class: "row" }, ...this.buttons(transfer));
    if (row.children.length) card.append(row);
    return card;
  }

  /** @param {Transfer} transfer */
  said({ stage, outgoing, peer, name: file, size, sha256 }) {
    const name = this.name(peer);
    const sha = `${sha256.slice(0, 12)}…`;
    switch (stage) {
      case "offered": return el("p", {}, t("file_offer", { name, file, size: amount(size) }));
      case "waiting": return el("p", { class: "quiet" }, t("file_waiting", { name }));
      case "moving": return el("p", { class: "quiet" }, t(outgoing ? "file_sending" : "file_receiving", { name }));
      case "checking": return el("p", { class: "quiet" }, t("file_checking"));
      case "intact": return el("p", { class: "good", title: sha256 }, icon("check"), t(outgoing ? "file_intact_sent" : "file_intact", { name, sha }));
      default: return el("p", { class: "bad" }, t(`file_${stage}`, { name }));
    }
  }

  /** @param {Transfer} transfer @returns {HTMLElement[]} */
  buttons(transfer) {
    const make = (/** @type {string} */ text, /** @type {() => void} */ click, strong = "") => el("button", { type: "button", class: strong, click }, text);
    if (transfer.stage === "offered") return [make(t("accept"), () => this.transfers.accept(transfer), "strong"), make(t("decline"), () => this.transfers.decline(transfer))];
    if (!transfer.over) return [make(t("cancel"), () => this.transfers.cancel(transfer))];
    const dismiss = make(t("dismiss"), () => this.dismiss(transfer));
    if (!transfer.blob) return [dismiss];
    return [el("a", { class: "save", href: URL.createObjectURL(transfer.blob), download: transfer.name }, t("save")), dismiss];
  }

  /** @param {Transfer} transfer */
  dismiss(transfer) {
    const card = this.cards.get(transfer.id);
    const link = card?.querySelector("a");
    if (link) URL.revokeObjectURL(link.href);
    transfer.blob = null;
    card?.remove();
    this.cards.delete(transfer.id);
  }

  /** A viewer sends none. @param {boolean} may */
  allow(may) {
    button("file-pick").disabled = !may;
  }
}

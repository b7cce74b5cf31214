// The bar below the video, the keys, and what stands beside the video.

import { box, button, byId, el, setIcon } from "./dom.js";
import { t } from "./words.js";

/** @typedef {import("./types.js").Shown} Shown */
/** @typedef {"people"|"chat"|"minutes"|"board"} Panel */
/**
 * @typedef {object} Acts
 * @property {() => void} mute
 * @property {() => void} camera
 * @property {() => void} share
 * @property {(held: boolean) => void} hold Space went down or up
 * @property {() => void} leave
 * @property {() => void} end
 * @property {() => void} settings
 */

/** @type {Panel[]} */
const PANELS = ["people", "chat", "minutes", "board"];

export class Controls {
  /** @param {Acts} acts */
  constructor(acts) {
    this.acts = acts;
    this.unread = 0;
    /** @type {Panel|""} */
    this.open = "";
    this.board = "";
    this.active = false;
    const presses = { mute: acts.mute, camera: acts.camera, share: acts.share, leave: acts.leave, "open-settings": acts.settings, "open-help": () => this.help(), end: () => byId("sure", HTMLDialogElement).showModal() };
    for (const [id, act] of Object.entries(presses)) button(id).addEventListener("click", (event) => { act(); if (event.detail) button(id).blur(); }); // Space belongs to the microphone again
    for (const panel of PANELS) {
      button(`open-${panel}`).addEventListener("click", () => this.show(this.open === panel ? "" : panel, true));
      button(`tab-${panel}`).addEventListener("click", () => this.show(panel));
    }
    button("side-close").addEventListener("click", () => this.show("", true));
    byId("sure", HTMLDialogElement).addEventListener("close", ({ target }) => { if (target instanceof HTMLDialogElement && target.returnValue === "end") acts.end(); });
    box("side").addEventListener("keydown", (event) => this.arrow(event));
    document.addEventListener("keydown", (event) => this.key(event));
    document.addEventListener("keyup", (event) => { if (event.code === "Space" && this.holding) this.hold(false); });
    window.addEventListener("blur", () => { if (this.holding) this.hold(false); });
    this.holding = false;
  }

  /**
   * @param {Panel|""} panel
   * @param {boolean} [focus]
   */
  show(panel, focus = false) {
    const before = this.open;
    this.open = panel;
    box("side").hidden = !panel;
    box("side").classList.toggle("wide", panel === "board");
    for (const each of PANELS) {
      box(`panel-${each}`).hidden = each !== panel;
      button(`tab-${each}`).setAttribute("aria-selected", String(each === panel));
      button(`tab-${each}`).tabIndex = each === panel ? 0 : -1;
      button(`open-${each}`).setAttribute("aria-expanded", String(each === panel));
    }
    if (panel === "board") this.load();
    if (panel === "chat") this.count(0);
    for (const id of ["lines", "notes"]) box(id).scrollTop = box(id).scrollHeight;
    if (focus && panel === "chat") box("say-text").focus();
    else if (focus && panel) button(`tab-${panel}`).focus();
    else if (focus && before) button(`open-${before}`).focus();
  }

  /** The board is loaded when it is first looked at. */
  load() {
    if (!box("panel-board").childElementCount) box("panel-board").append(el("iframe", { src: this.board, title: t("board"), referrerpolicy: "no-referrer" }));
  }

  /** We are in the room. On a wide screen the figures stand beside the pictures from the start. */
  enter() {
    this.active = true;
    if (this.board && !this.open && window.matchMedia("(min-width: 70rem)").matches) this.show("board");
  }

  /** @param {string} address of a page of ours, or empty */
  beside(address) {
    this.board = /^\/(?!\/)/.test(address) ? address : "";
    button("tab-board").hidden = !this.board;
    button("open-board").hidden = !this.board;
  }

  /** @param {KeyboardEvent} event */
  arrow(event) {
    const tab = event.target instanceof Element ? event.target.closest("[role=tab]") : null;
    if (!tab || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    const there = PANELS.filter((panel) => !button(`tab-${panel}`).hidden);
    const at = there.indexOf(/** @type {Panel} */ (this.open)) + (event.key === "ArrowRight" ? 1 : -1);
    this.show(there[(at + there.length) % there.length], false);
    button(`tab-${this.open}`).focus();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (!this.active || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const at = event.target instanceof Element ? event.target : document.body;
    if (at.closest("input, textarea, select, [contenteditable]")) {
      if (event.key === "Escape") this.show("", true);
      return;
    }
    if (event.code === "Space" && !at.closest("button, a, [role=log]")) {
      event.preventDefault();
      if (!event.repeat) this.hold(true);
      return;
    }
    const act = { m: this.acts.mute, v: this.acts.camera, s: this.acts.share, c: () => this.show(this.open === "chat" ? "" : "chat", true), "?": () => this.help(), escape: () => this.show("", true) }[event.key.toLowerCase()];
    if (!act || event.repeat) return;
    event.preventDefault();
    act();
  }

  /** @param {boolean} held */
  hold(held) {
    this.holding = held;
    this.acts.hold(held);
  }

  help() {
    byId("help", HTMLDialogElement).showModal();
  }

  /**
   * @param {Shown} shown
   * @param {boolean} viewer
   */
  draw(shown, viewer) {
    tool("mute", shown.muted ? "mic-off" : "mic", t(shown.muted ? "unmute" : "mute"), shown.muted ? "off" : "");
    tool("camera", shown.camera ? "cam" : "cam-off", t(shown.camera ? "camera_off" : "camera_on"), shown.camera ? "" : "off");
    tool("share", shown.sharing ? "screen-off" : "screen", t(shown.sharing ? "unshare" : "share"), shown.sharing ? "on" : "");
    for (const id of ["mute", "camera", "share"]) button(id).disabled = viewer;
    button("share").hidden = !("getDisplayMedia" in (navigator.mediaDevices ?? {}));
  }

  /** @param {number} unread lines that were not looked at */
  count(unread) {
    this.unread = unread;
    box("unread").hidden = !unread;
    box("unread").textContent = unread > 9 ? "9+" : String(unread);
  }

  arrived() {
    if (this.open !== "chat") this.count(this.unread + 1);
  }
}

/**
 * @param {string} id
 * @param {string} picture
 * @param {string} label
 * @param {string} look
 */
function tool(id, picture, label, look) {
  const owner = button(id);
  setIcon(owner, picture);
  const words = owner.querySelector("span");
  if (words) words.textContent = label;
  owner.title = label;
  owner.classList.toggle("off", look === "off");
  owner.classList.toggle("on", look === "on");
}

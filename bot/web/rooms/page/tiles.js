// The pictures: one tile for each person who may send, and one more for a shared screen.

import { box, el, face, icon, play } from "./dom.js";
import { localTime, now } from "./hours.js";
import { t } from "./words.js";

/** @typedef {import("./types.js").Person} Person */
/** @typedef {import("./types.js").Slot} Slot */
/** @typedef {import("./types.js").Quality} Quality */

class Tile {
  /**
   * @param {Person} person
   * @param {boolean} own
   * @param {() => void} blocked
   */
  constructor(person, own, blocked) {
    this.person = person;
    this.own = own;
    this.blocked = blocked;
    this.video = el("video", { playsinline: true, muted: true, autoplay: true });
    this.video.muted = true; // sound has its own element, so that it can go to a chosen speaker
    this.audio = el("audio", { autoplay: true });
    this.screenVideo = el("video", { playsinline: true, muted: true, autoplay: true });
    this.screenVideo.muted = true;
    this.name = el("b");
    this.time = el("time");
    this.silent = icon("mic-off");
    this.bars = el("span", { class: "bars", role: "img" }, el("i"), el("i"), el("i"));
    this.face = face(person.name);
    this.root = el("div", { class: own ? "tile own" : "tile", role: "group", "data-peer": person.id }, this.face, this.video, this.audio,
      el("div", { class: "label" }, this.silent, this.name, this.time));
    this.screenName = el("b");
    this.screen = el("div", { class: "tile screen", role: "group", "data-screen": person.id }, this.screenVideo, el("div", { class: "label" }, this.screenName));
    if (!own) this.root.append(this.bars);
    this.quality("none");
    this.draw(person);
  }

  /** @param {Person} person */
  draw(person) {
    this.person = person;
    const { muted, camera } = person.shown;
    const name = this.own ? `${person.name} (${t("you")})` : person.name;
    this.name.textContent = name;
    this.screenName.textContent = t("screen_of", { name: person.name });
    this.screen.setAttribute("aria-label", t("screen_of", { name: person.name }));
    this.video.hidden = !camera;
    this.face.hidden = camera;
    this.silent.toggleAttribute("hidden", !muted);
    this.root.setAttribute("aria-label", muted ? `${name}, ${t("muted")}` : name);
    this.tick(now());
  }

  /** @param {Date} at */
  tick(at) {
    const text = this.own ? "" : localTime(this.person.zone, at);
    if (this.time.textContent !== text) this.time.textContent = text;
  }

  /**
   * @param {Slot} slot
   * @param {MediaStreamTrack|null} track
   */
  attach(slot, track) {
    const media = { audio: this.audio, camera: this.video, screen: this.screenVideo }[slot];
    const before = media.srcObject instanceof MediaStream ? media.srcObject.getTracks()[0] : null;
    if (before === track) return;
    media.srcObject = track ? new MediaStream([track]) : null;
    if (track) play(media, this.blocked);
  }

  /** @param {Quality} quality */
  quality(quality) {
    if (this.bars.dataset.quality === quality) return;
    this.bars.dataset.quality = quality;
    this.bars.setAttribute("aria-label", t(`quality_${quality}`));
    this.bars.title = t(`quality_${quality}`);
  }

  remove() {
    for (const media of [this.audio, this.video, this.screenVideo]) media.srcObject = null;
    this.root.remove();
    this.screen.remove();
  }
}

export class Stage {
  /** @param {() => void} blocked the browser wants a click before it plays sound */
  constructor(blocked) {
    this.root = box("stage");
    this.blocked = blocked;
    /** @type {Map<number, Tile>} */
    this.tiles = new Map();
    /** @type {Map<number, Map<Slot, MediaStreamTrack>>} what came of a person, perhaps before their tile */
    this.early = new Map();
    this.alone = el("div", { class: "alone" }, el("p", {}, t("alone")));
    this.speaker = "";
  }

  /**
   * @param {Person} person
   * @param {boolean} [own]
   */
  show(person, own = false) {
    const known = this.tiles.get(person.id);
    if (person.role === "viewer") this.remove(person.id);
    else if (known) known.draw(person);
    else {
      const tile = new Tile(person, own, this.blocked);
      this.tiles.set(person.id, tile);
      if (this.speaker) this.sound(tile.audio);
      if (!own) markFirstFrame(tile.video);
      for (const [slot, track] of this.early.get(person.id) ?? []) tile.attach(slot, track);
    }
    this.layOut();
  }

  /**
   * @param {number} id
   * @param {Slot} slot
   * @param {MediaStreamTrack|null} track
   */
  attach(id, slot, track) {
    if (track) this.early.set(id, (this.early.get(id) ?? new Map()).set(slot, track));
    this.tiles.get(id)?.attach(slot, track);
  }

  /** @param {number} id */
  remove(id) {
    this.tiles.get(id)?.remove();
    this.tiles.delete(id);
    this.layOut();
  }

  /** @param {number} id */
  forget(id) {
    this.early.delete(id);
    this.remove(id);
  }

  clear() {
    for (const id of [...this.tiles.keys()]) this.forget(id);
  }

  /** Put what is shown in order; nothing that stays is moved, so no picture flickers. */
  layOut() {
    const tiles = [...this.tiles.values()];
    const screens = tiles.filter((tile) => tile.person.shown.sharing && !tile.own).map((tile) => tile.screen);
    const lonely = tiles.every((tile) => tile.own);
    const wanted = [...screens, ...tiles.map((tile) => tile.root), ...(lonely ? [this.alone] : [])];
    for (const child of [...this.root.children]) if (!wanted.includes(/** @type {HTMLDivElement} */ (child))) child.remove();
    wanted.forEach((node, index) => { if (this.root.children[index] !== node) this.root.insertBefore(node, this.root.children[index] ?? null); });
    this.root.classList.toggle("presents", screens.length > 0);
    const crowd = Math.max(1, wanted.length - screens.length);
    this.root.dataset.crowd = crowd > 6 ? "many" : String(crowd);
    this.root.style.setProperty("--columns", String(Math.ceil(Math.sqrt(crowd))));
    for (const tile of tiles) for (const media of [tile.video, tile.screenVideo, tile.audio]) if (media.srcObject && media.paused && media.isConnected) play(media, this.blocked);
  }

  /**
   * @param {number} id
   * @param {{speaks?: boolean, quality?: Quality, away?: boolean}} state
   */
  mark(id, { speaks, quality, away }) {
    const tile = this.tiles.get(id);
    if (!tile) return;
    if (speaks !== undefined) tile.root.classList.toggle("speaks", speaks);
    if (quality !== undefined) tile.quality(quality);
    if (away !== undefined) tile.root.classList.toggle("away", away);
  }

  /** @param {Date} at */
  tick(at) {
    for (const tile of this.tiles.values()) tile.tick(at);
  }

  /** Try again to play, after a click. */
  resume() {
    for (const tile of this.tiles.values()) play(tile.audio);
  }

  /** @param {string} speaker the id of a device that plays sound */
  use(speaker) {
    this.speaker = speaker;
    for (const tile of this.tiles.values()) this.sound(tile.audio);
  }

  /** @param {HTMLAudioElement} audio */
  sound(audio) {
    if ("setSinkId" in audio) audio.setSinkId(this.speaker).catch(() => {}); // unplugged meanwhile: the default stays
  }
}

/**
 * Note when somebody's picture is first seen: joining must be quick, and is measured.
 * @param {HTMLVideoElement} video
 */
function markFirstFrame(video) {
  video.requestVideoFrameCallback?.(() => performance.mark("room:frame"));
}

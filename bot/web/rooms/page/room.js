// The room while we are in it: what the server and our own devices say, put on the page.

import { Controls } from "./controls.js";
import { box, button, byId } from "./dom.js";
import { drawChoosers } from "./choosers.js";
import { FileCards } from "./filecards.js";
import { Forwarded } from "./forwarded.js";
import { Gauge } from "./quality.js";
import { now, wall } from "./hours.js";
import { Mesh } from "./mesh.js";
import { Roster } from "./roster.js";
import { Stage } from "./tiles.js";
import { Talk } from "./talk.js";
import { Transfers } from "./transfers.js";
import { isWord, t } from "./words.js";

/** @typedef {import("./types.js").Person} Person */
/** @typedef {import("./types.js").Seat} Seat */
/** @typedef {import("./types.js").Told} Told */
/** @typedef {import("./types.js").Shown} Shown */
/** @typedef {import("./types.js").Slot} Slot */
/** @typedef {import("./devices.js").Devices} Devices */
/** @typedef {import("./socket.js").Line} Line */

const DRAW_MS = 20;
const OFFER_MS = 30;
const SETTLED_MS = 1000; // from coming in to making ready for others

export class Room {
  /**
   * @param {object} given
   * @param {Seat} given.seat
   * @param {Line} given.line
   * @param {Devices} given.devices
   * @param {() => void} given.left
   */
  constructor({ seat, line, devices, left }) {
    this.seat = seat;
    this.line = line;
    this.devices = devices;
    this.left = left;
    this.me = 0;
    /** @type {Person|null} */
    this.self = null;
    this.role = seat.role;
    this.told = "";
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    this.drawing = undefined;
    /** @type {Map<number, Person>} */
    this.people = new Map();
    /** @type {Map<number, Gauge>} */
    this.gauges = new Map();
    this.stage = new Stage(() => { button("hear").hidden = false; });
    this.roster = new Roster((act, id) => line.send({ type: act, peer: id }));
    this.talk = new Talk((message) => line.send(message));
    this.mesh = this.carrier();
    this.mesh.servers = seat.ice;
    this.transfers = new Transfers({
      changed: (transfer) => this.files.draw(transfer),
      arrived: ({ name, size, sha256 }) => line.send({ type: "sent", name: name.slice(0, 255), size, sha256 }),
      reach: (id) => this.mesh.reach(id),
    });
    this.files = new FileCards({ transfers: this.transfers, name: (id) => this.nameOf(id), toast: (text) => this.toast(text) });
    this.controls = new Controls({
      mute: () => void this.mute(), camera: () => void this.toggle("camera"), share: () => void this.toggle("screen"),
      hold: (held) => { if (devices.audio) devices.mute(held !== this.before(held)); },
      leave: () => { line.send({ type: "leave" }); left(); }, end: () => line.send({ type: "end" }), settings: () => this.settings(),
    });
    this.wasMuted = false;
    this.controls.beside(seat.side);
    button("hear").addEventListener("click", () => { this.stage.resume(); button("hear").hidden = true; });
    line.shown = () => this.shown;
  }

  /** What carries sound and picture: a mesh, or in a larger room a media server. */
  carrier() {
    const { line } = this;
    if (this.seat.media !== "server") return new Mesh({ send: (to, signal) => line.send({ type: "signal", to, ...signal }), linked: (id, link) => this.linked(id, link) });
    return new Forwarded({
      send: (message) => line.send(message), me: () => this.me, sends: (id) => this.people.get(id)?.role !== "viewer",
      attach: (id, slot, track) => this.stage.attach(id, slot, track), heard: (id, heard) => this.gauges.set(id, new Gauge(heard)),
      wired: (id, wire) => this.transfers.follow(id, wire), away: () => this.say(t("media_away")),
    });
  }

  /**
   * Whether we were muted before Space went down.
   * @param {boolean} held
   */
  before(held) {
    if (held) this.wasMuted = this.devices.muted;
    return this.wasMuted;
  }

  /** @returns {Shown} */
  get shown() {
    const { audio, camera, screen, muted } = this.devices;
    return { muted: !audio || muted, camera: Boolean(camera), sharing: Boolean(screen) };
  }

  get viewer() {
    return this.role === "viewer";
  }

  /** Our own person, as the others see us. @returns {Person} */
  get own() {
    if (!this.self) throw new Error("we are not in the room");
    return { ...this.self, shown: this.shown };
  }

  /**
   * We are in: as a newcomer, or back within the time that the others wait.
   * @param {Told} message
   */
  enter({ you, peers, lines, resumed }) {
    this.me = you.id;
    this.self = you;
    this.role = you.role;
    this.mesh.sends = !this.viewer;
    const present = new Set(peers.map((/** @type {Person} */ person) => person.id));
    for (const id of [...this.people.keys()]) if (!resumed || !present.has(id)) this.forget(id);
    for (const person of peers) { // the offers go out first, drawing comes after
      const fresh = !this.people.has(person.id);
      this.people.set(person.id, person);
      if (fresh && resumed) this.mesh.expect(person);
      else if (fresh) this.mesh.offerTo(person);
    }
    if (resumed) this.mesh.repeat();
    setTimeout(() => this.mesh.welcome(), SETTLED_MS);
    box("lobby").hidden = true;
    box("room").hidden = false;
    document.body.dataset.at = "room";
    this.controls.enter();
    if (!resumed) this.stage.clear();
    for (const person of peers) this.stage.show(person);
    this.talk.clear();
    for (const line of lines) this.talk.add(line);
    this.tellRole();
    this.devicesChanged();
    this.stage.use(this.devices.speaker);
  }

  tellRole() {
    this.talk.allow(!this.viewer);
    this.files.allow(!this.viewer);
    button("end").hidden = this.role !== "host" && this.role !== "cohost";
    this.draw();
  }

  /**
   * @param {number} id
   * @param {import("./link.js").Link} link
   */
  linked(id, link) {
    this.gauges.set(id, new Gauge(link));
    link.ontrack = (slot, track) => this.stage.attach(id, slot, track);
    link.onstate = (state) => { if (state === "connected") performance.mark("room:connected"); };
    this.transfers.follow(id, link);
  }

  /** @param {Told} message */
  hear(message) {
    const person = this.people.get(message.peer?.id ?? message.peer);
    switch (message.type) {
      case "room": return this.enter(message);
      case "arrived": return this.arrived(message.peer);
      case "gone": return this.gone(message.peer, message.reason);
      case "away": return this.moved(person, message.type, true);
      case "back": return this.back(message.peer);
      case "changed": return void this.changed(message.peer);
      case "shown": return this.showed(person, message.shown);
      case "signal": return this.mesh.take(message.from, { description: message.description, candidate: message.candidate });
      case "media": return this.mesh.hear(message);
      case "line": return this.wrote(message.line);
      case "mute": return this.askedToMute(message.by);
      case "error": return this.refused(message.code, message.detail);
      case "seat": return this.mesh.renew(message.ice);
      default: return undefined;
    }
  }

  /** @param {Person} person */
  arrived(person) {
    this.people.set(person.id, person);
    this.mesh.expect(person);
    setTimeout(() => { // their offer is right behind, and goes first
      if (this.people.get(person.id) !== person) return;
      this.stage.show(person);
      this.say(t("arrived", { name: person.name }));
      this.draw();
    }, OFFER_MS);
  }

  /**
   * @param {number} id
   * @param {string} reason
   */
  gone(id, reason) {
    const person = this.people.get(id);
    if (person && reason !== "elsewhere") this.say(t(reason === "removed" ? "gone_removed" : "gone", { name: person.name }));
    this.forget(id);
    this.draw();
  }

  /** @param {number} id */
  forget(id) {
    this.people.delete(id);
    this.gauges.delete(id);
    this.mesh.drop(id);
    this.transfers.lose(id);
    this.stage.forget(id);
  }

  /**
   * @param {Person|undefined} person
   * @param {"away"|"back"} what
   * @param {boolean} away
   */
  moved(person, what, away) {
    if (!person) return;
    this.stage.mark(person.id, { away });
    this.say(t(what, { name: person.name }));
  }

  /** @param {Person} person */
  back(person) {
    this.people.set(person.id, person);
    this.stage.show(person);
    this.moved(person, "back", false);
    this.mesh.repeat();
    this.draw();
  }

  /**
   * A role changed, perhaps our own.
   * @param {Person} person
   */
  async changed(person) {
    if (person.id === this.me) {
      const raised = this.viewer && person.role !== "viewer";
      this.self = person;
      this.role = person.role;
      this.mesh.sends = !this.viewer;
      if (raised) this.toast(t("raised_you"));
      if (raised && !this.devices.audio) await this.devices.start();
      this.tellRole();
      this.devicesChanged();
    } else {
      const raised = this.people.get(person.id)?.role === "viewer" && person.role !== "viewer";
      this.people.set(person.id, person);
      if (raised) this.say(t("raised", { name: person.name }));
      this.stage.show(person);
      this.draw();
    }
    for (const [id, link] of this.mesh.links) await link.allow(!this.viewer, this.people.get(id)?.role !== "viewer");
  }

  /**
   * @param {Person|undefined} person
   * @param {Shown} shown
   */
  showed(person, shown) {
    if (!person) return;
    if (shown.sharing && !person.shown.sharing) this.say(t("shares", { name: person.name }));
    person.shown = shown;
    this.stage.show(person);
    this.draw();
  }

  /** @param {import("./types.js").Line} line */
  wrote(line) {
    this.talk.add(line);
    if (line.member === this.seat.member) return;
    this.controls.arrived();
    if (this.controls.open !== "chat") this.live(`${line.by}: ${line.text.slice(0, 200)}`);
  }

  /** @param {number} by */
  askedToMute(by) {
    if (!this.devices.muted) this.devices.mute(true);
    this.toast(t("asked_mute", { name: this.nameOf(by) }));
  }

  /** @param {string} code @param {string} detail a sentence for the reader, where the code is `refused` */
  refused(code, detail) {
    const word = `error_${code}`;
    this.toast(code === "refused" ? detail : t(isWord(word) ? word : "error_other"));
  }

  async mute() {
    if (this.viewer) return;
    if (this.devices.audio) this.devices.mute(!this.devices.muted);
    else if (!await this.devices.startMicrophone()) this.toast(t("device_failed"));
  }

  /** @param {"camera"|"screen"} what */
  async toggle(what) {
    if (this.viewer) return;
    const done = await (what === "camera" ? this.devices.toggleCamera() : this.devices.toggleScreen());
    if (!done) this.toast(t(what === "camera" ? "device_failed" : "share_failed"));
  }

  settings() {
    void drawChoosers(box("settings-fields"), this.devices, { failed: () => this.toast(t("device_failed")), speaker: (id) => this.stage.use(id) });
    byId("settings", HTMLDialogElement).showModal();
  }

  /** Send what our devices give now, and tell the others what they see. */
  devicesChanged() {
    const { audio, camera, screen } = this.devices;
    const tracks = { audio, camera, screen };
    for (const slot of /** @type {Slot[]} */ (Object.keys(tracks))) if (this.mesh.tracks[slot] !== tracks[slot]) void this.mesh.carry(slot, tracks[slot]);
    if (!this.me) return;
    const shown = JSON.stringify(this.shown);
    if (shown !== this.told) this.line.send({ type: "show", shown: this.shown });
    this.told = shown;
    this.stage.show(this.own, true);
    this.stage.attach(this.me, "camera", camera);
    this.controls.draw(this.shown, this.viewer);
    this.draw();
  }

  /** @param {boolean} up the line to the server */
  lineChanged(up) {
    box("line").hidden = up;
    box("line").textContent = up ? "" : t("reconnecting");
    if (up && this.wasDown) this.live(t("reconnected"));
    this.wasDown = !up;
  }

  /** Draw lists soon, once for whatever changes meanwhile. */
  draw() {
    this.drawing ??= setTimeout(() => {
      this.drawing = undefined;
      this.drawNow();
    }, DRAW_MS);
  }

  drawNow() {
    const everyone = this.me ? [this.own, ...this.people.values()] : [];
    this.roster.draw(everyone, this.me, this.role);
    this.files.people([...this.people.values()]);
    box("count").textContent = t("in_room", { count: everyone.length });
    box("title").textContent = this.seat.title;
  }

  /** Several times a second: who speaks. */
  listen() {
    for (const [id, gauge] of this.gauges) {
      this.stage.mark(id, { speaks: gauge.speaks });
      this.roster.mark(id, gauge.speaks);
    }
    const own = this.devices.level() > 0.08;
    this.stage.mark(this.me, { speaks: own });
    this.roster.mark(this.me, own);
  }

  /** Every few seconds: how the connections do, and what time it is. */
  async look() {
    const at = now();
    this.stage.tick(at);
    this.roster.tick();
    box("clock").textContent = wall(at);
    for (const [id, gauge] of this.gauges) {
      await gauge.look();
      this.stage.mark(id, { quality: gauge.quality });
    }
  }

  /** @param {number} id */
  nameOf(id) {
    return this.people.get(id)?.name ?? "";
  }

  /** @param {string} text */
  say(text) {
    this.toast(text);
    this.live(text);
  }

  /** @param {string} text for who listens to the page */
  live(text) {
    box("live").textContent = text;
  }

  /** @param {string} text */
  toast(text) {
    box("toast").textContent = text;
    box("toast").hidden = false;
    clearTimeout(this.fading);
    this.fading = setTimeout(() => { box("toast").hidden = true; }, 3500);
  }

  close() {
    this.controls.active = false;
    this.mesh.over = true;
    this.mesh.reset();
    this.devices.stop();
  }
}

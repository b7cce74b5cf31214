// Before coming in: see oneself, choose devices, see who is there.

import { box, button, byId, play, setIcon } from "./dom.js";
import { drawChoosers } from "./choosers.js";
import { isWord, t } from "./words.js";

/** @typedef {import("./types.js").Seat} Seat */
/** @typedef {import("./types.js").Person} Person */
/** @typedef {import("./devices.js").Devices} Devices */

export class Lobby {
  /**
   * @param {Devices} devices
   * @param {() => void} join
   */
  constructor(devices, join) {
    this.devices = devices;
    this.viewer = false;
    this.mirror = byId("mirror", HTMLVideoElement);
    this.mirror.muted = true;
    this.level = byId("lobby-level", HTMLMeterElement);
    button("join").addEventListener("click", join);
    button("lobby-mute").addEventListener("click", () => this.mute());
    button("lobby-camera").addEventListener("click", () => void devices.toggleCamera());
  }

  /** @param {Seat} seat */
  draw(seat) {
    this.viewer = seat.role === "viewer";
    box("lobby-title").textContent = seat.title;
    box("lobby-as").textContent = t("as_role", { name: seat.name, role: t(seat.role) });
    this.people(seat.people);
    this.refresh();
  }

  /** @param {Person[]} people */
  people(people) {
    box("lobby-who").textContent = people.length ? t("here_now", { names: people.map((person) => person.name).join(", ") }) : t("nobody_here");
  }

  mute() {
    if (this.devices.audio) this.devices.mute(!this.devices.muted);
    else void this.devices.startMicrophone();
  }

  /** Show the devices as they are now. */
  refresh() {
    const { audio, camera, muted } = this.devices;
    const on = Boolean(audio) && !muted;
    const source = camera ? [camera] : [];
    const shown = /** @type {MediaStream|null} */ (this.mirror.srcObject);
    if (shown?.getVideoTracks()[0] !== camera) {
      this.mirror.srcObject = camera ? new MediaStream(source) : null;
      if (camera) play(this.mirror);
    }
    this.mirror.hidden = !camera;
    box("mirror-off").hidden = Boolean(camera);
    toggle(button("lobby-mute"), on ? "mic" : "mic-off", t(on ? "mute" : "unmute"), !on);
    toggle(button("lobby-camera"), camera ? "cam" : "cam-off", t(camera ? "camera_off" : "camera_on"), !camera);
    for (const id of ["lobby-mute", "lobby-camera"]) button(id).disabled = this.viewer;
    button("join").textContent = t(this.viewer || (this.devices.trouble && !audio && !camera) ? "join_listening" : "join");
    this.trouble();
    if (!this.viewer) void drawChoosers(box("lobby-devices"), this.devices, { failed: () => this.refresh(), speaker: () => {} });
  }

  trouble() {
    const text = troubleOf(this.devices, this.viewer);
    box("lobby-trouble").textContent = text;
    box("lobby-trouble").hidden = !text;
    box("lobby-trouble").classList.toggle("mild", this.viewer);
  }

  tick() {
    this.level.value = this.devices.level();
  }
}

/**
 * Why one listens only, or what is missing.
 * @param {Devices} devices
 * @param {boolean} viewer
 */
export function troubleOf(devices, viewer) {
  if (viewer) return t("listener", { why: t("why_viewer") });
  const why = `why_${devices.trouble}`;
  if (!devices.audio && !devices.camera && isWord(why)) return t("listener", { why: t(why) });
  if (devices.lacks === "video" && devices.audio && !devices.camera) return t("no_camera");
  if (devices.lacks === "audio" && devices.camera && !devices.audio) return t("no_microphone");
  return "";
}

/**
 * @param {HTMLButtonElement} owner
 * @param {string} picture
 * @param {string} label
 * @param {boolean} off
 */
function toggle(owner, picture, label, off) {
  setIcon(owner, picture);
  owner.setAttribute("aria-label", label);
  owner.classList.toggle("off", off);
  owner.title = label;
}

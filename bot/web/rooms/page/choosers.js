// Choosing a camera, a microphone and a speaker: in the lobby, and later in a dialog.

import { el } from "./dom.js";
import { listed } from "./devices.js";
import { t } from "./words.js";

/** @typedef {import("./devices.js").Devices} Devices */

/**
 * Draw a list of devices for each kind that this browser can choose.
 * @param {HTMLElement} root
 * @param {Devices} devices
 * @param {{failed: () => void, speaker: (id: string) => void}} hooks
 */
export async function drawChoosers(root, devices, { failed, speaker }) {
  const [cameras, microphones, speakers] = await Promise.all([listed("videoinput"), listed("audioinput"), listed("audiooutput")]);
  const current = { video: devices.camera?.getSettings().deviceId, audio: devices.audio?.getSettings().deviceId };
  const fields = [
    chooser(t("camera"), cameras, devices.chosen.video || current.video, async (id) => { if (!await devices.choose("video", id)) failed(); }),
    chooser(t("microphone"), microphones, devices.chosen.audio || current.audio, async (id) => { if (!await devices.choose("audio", id)) failed(); }),
  ];
  if ("setSinkId" in HTMLMediaElement.prototype) fields.push(chooser(t("speaker"), speakers, devices.speaker, async (id) => { devices.speaker = id; speaker(id); }));
  if (!root.contains(document.activeElement)) root.replaceChildren(...fields.filter((field) => field !== null));
}

/**
 * @param {string} kind
 * @param {MediaDeviceInfo[]} found
 * @param {string|undefined} current
 * @param {(id: string) => Promise<void>} choose
 */
function chooser(kind, found, current, choose) {
  if (!found.length) return null;
  const options = found.map((device, index) => el("option", { value: device.deviceId, selected: device.deviceId === current }, device.label || t("device_number", { kind, number: index + 1 })));
  const select = el("select", { change: () => void choose(select.value) }, ...options);
  return el("label", {}, kind, select);
}

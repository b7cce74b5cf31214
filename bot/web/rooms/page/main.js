// From the link to the room: the token is handed in once, the lobby makes ready, the click joins.

import { box, button } from "./dom.js";
import { Devices } from "./devices.js";
import { setZone } from "./hours.js";
import { Line } from "./socket.js";
import { Lobby } from "./lobby.js";
import { Room } from "./room.js";
import { isWord, speak, t } from "./words.js";

/** @typedef {import("./types.js").Seat} Seat */
/** @typedef {import("./types.js").Told} Told */

const KEY = location.pathname.split("/").pop() ?? "";
const INSIDE = `room-in:${KEY}`; // set while we are in the room, so that a reload goes straight back
const LISTEN_MS = 200;
const LOOK_MS = 2000;
const MEDIA_MS = 3000; // a reload waits so long for the camera before it goes back in without

speak(navigator.language);
box("gate-words").textContent = t("opening");
const token = location.hash.slice(1);
if (token) history.replaceState(null, "", location.pathname);
window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
void start();

async function start() {
  const seat = await enter();
  if (!seat) return;
  speak(seat.language);
  setZone(seat.zone);
  if (seat.media === "server") for (const node of document.querySelectorAll('[data-t="privacy"]')) node.textContent = t("privacy_server");
  document.title = `${seat.title} · Stocktide`;
  box("recording").hidden = !seat.recording;
  open(seat);
}

/** Hand the token in, or show that we came in before. @returns {Promise<Seat|null>} */
async function enter() {
  try {
    const answer = await fetch(`${location.pathname}/enter`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ token }) });
    const said = await answer.json();
    if (answer.ok) return said;
    bye(said.code, said.words ?? "");
  } catch {
    bye("unreachable", "");
  }
  return null;
}

/** @param {Seat} seat */
function open(seat) {
  const url = `${location.origin.replace(/^http/, "ws")}${location.pathname}/socket`;
  const line = new Line(url, { hear, changed: (up) => room.lineChanged(up) });
  const devices = new Devices(changed);
  const room = new Room({ seat, line, devices, left: () => leave("left", "") });
  Object.assign(window, { stocktideRoom: room }); // for whoever looks into a connection by the browser's own tools
  const lobby = new Lobby(devices, () => void join());

  const timers = [setInterval(() => (room.me ? room.listen() : lobby.tick()), LISTEN_MS), setInterval(() => { if (room.me) void room.look(); }, LOOK_MS)];

  function changed() {
    room.devicesChanged();
    if (!room.me) lobby.refresh();
    if (room.me) sessionStorage.setItem(INSIDE, JSON.stringify({ muted: devices.muted, camera: Boolean(devices.camera) }));
  }

  /** @param {Told} message */
  function hear(message) {
    if ("recording" in message) box("recording").hidden = !message.recording;
    if (message.type === "bye") leave(message.reason, message.words);
    else if (message.type === "people") meet(message.people);
    else if (message.type === "seat" && !room.me) meet(message.people);
    if (message.type === "error" && message.code === "full") waitForPlace();
    room.hear(message);
    if (message.type !== "room") return;
    changed();
    void room.look();
  }

  /** @param {import("./types.js").Person[]} people who we will meet */
  function meet(people) {
    lobby.people(people);
    void room.mesh.prepare(Math.min(people.length, seat.cap - 1), !room.viewer);
  }

  function waitForPlace() {
    line.joined = false;
    button("join").disabled = false;
    button("join").textContent = t("join");
    box("lobby-trouble").textContent = t("error_full");
    box("lobby-trouble").hidden = false;
  }

  function join() {
    performance.mark("room:join");
    button("join").disabled = true;
    button("join").textContent = t("joining");
    line.join();
  }

  /**
   * @param {string} reason
   * @param {string} words
   */
  function leave(reason, words) {
    timers.forEach(clearInterval);
    sessionStorage.removeItem(INSIDE);
    setTimeout(() => line.stop(), 0); // what was said last goes out first
    room.close();
    bye(reason, words);
  }

  const before = JSON.parse(sessionStorage.getItem(INSIDE) ?? "null");
  box("gate").hidden = true;
  box("lobby").hidden = false;
  document.body.dataset.at = "lobby";
  lobby.draw(seat);
  line.open();
  const ready = room.viewer ? Promise.resolve() : devices.start();
  if (before) void Promise.race([ready, new Promise((resolve) => setTimeout(resolve, MEDIA_MS))]).then(() => goBack(before));
  else button("join").focus();

  /** @param {{muted: boolean, camera: boolean}} kept */
  async function goBack(kept) {
    if (kept.muted) devices.mute(true);
    if (!kept.camera && devices.camera) await devices.toggleCamera();
    join();
  }
}

/**
 * The end, in words.
 * @param {string} reason
 * @param {string} words
 */
function bye(reason, words) {
  const word = `bye_${reason}`;
  box("lobby").hidden = box("room").hidden = true;
  box("gate").hidden = false;
  document.body.dataset.at = "gate";
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  box("gate-words").textContent = t(isWord(word) ? word : "error_other");
  box("gate-more").textContent = words;
  box("gate-more").hidden = !words;
  const back = button("gate-back");
  back.hidden = !["left", "elsewhere", "unreachable", "malformed"].includes(reason);
  back.addEventListener("click", () => location.reload(), { once: true });
}

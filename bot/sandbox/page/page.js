// The demo's page: one viewer at a time, Slack and Telegram side by side, fed by a long poll.
import { Drawn, el, face, moment } from "./dom.js";
import { Modal } from "./modal.js";
import { block } from "./slack.js";
import { rich } from "./telegram.js";
import { TRY, wordsOf } from "./words.js";

const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const SIDES = ["slack", "telegram"];
const DIRECT = new Set(["direct", "private"]);
const BETWEEN = 60; // ms that a redraw waits for what comes at once with it
const BUSY = 8000; // ms after which the sign that an answer is awaited goes away by itself

const view = {
  viewer: decodeURIComponent(location.hash.slice(1)), beat: 0, state: null, first: true, phone: matchMedia("(max-width: 820px)"),
  rooms: { slack: "channel", telegram: "supergroup" }, shown: "slack", follow: { slack: 0, telegram: 0 }, read: new Map(), told: new Map(), homes: new Set(), asked: "", dropped: new Set(), typed: { slack: [], telegram: [] },
  drawn: { viewers: new Drawn(), slack: new Drawn(), telegram: new Drawn(), slackRooms: new Drawn(), telegramRooms: new Drawn() },
};
const $ = (id) => document.getElementById(id);
const words = () => wordsOf(view.state?.viewer.language ?? navigator.language);

function reader() {
  const { viewer, names } = view.state;
  return { zone: viewer.zone, locale: viewer.language.startsWith("zh") ? "zh-CN" : "en-GB", names };
}

let hiding = 0;
function toast(text, lasting = false) {
  const node = $("toast");
  node.textContent = text;
  node.hidden = !text;
  clearTimeout(hiding);
  if (!lasting) hiding = setTimeout(() => { node.hidden = true; }, 7000);
}

/** Tell the server what was done; its answer, or null where it failed, which is then said. */
async function act(body) {
  try {
    const answer = await fetch("/page/act", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ viewer: view.viewer, ...body }),
    });
    if (!answer.ok) {
      toast(answer.status === 410 ? words().gone : words().failed);
      return null;
    }
    const told = await answer.json();
    if (told.unknown) toast(words().invalid(told.unknown));
    else if (told.notice) toast(told.notice);
    return told;
  } catch {
    toast(words().lost);
    return null;
  }
}

const modal = new Modal(
  $("modal"),
  (id, values) => act({ do: "submit", view: id, values }),
  (id) => act({ do: "close", view: id }),
);

const waiting = { slack: 0, telegram: 0 };
/** Show that an answer is awaited on a side, until it comes or BUSY has passed. */
function busy(side, on) {
  clearTimeout(waiting[side]);
  $(`${side}-side`).toggleAttribute("data-busy", on);
  if (on) waiting[side] = setTimeout(() => busy(side, false), BUSY);
}

async function press(side, body) {
  view.follow[side] = performance.now() + BUSY;
  busy(side, true);
  await act({ side, ...body });
  busy(side, false);
}

// --- who looks, and where ---------------------------------------------------------------------------------------------

/** What the bot told a person in private that nobody has looked at as that person. */
function unread(person, room) {
  return room in person.told ? person.told[room] - (view.read.get(`${person.key} ${room}`) ?? 0) : 0;
}

const read = (person, room) => view.read.set(`${person.key} ${room}`, person.told[room]);

function badge(count) {
  return count > 0 ? el("span", { class: "badge", title: words().unread(count) }, String(count)) : null;
}

function viewers() {
  const { now, people, viewer } = view.state;
  const weekday = (zone) => moment(now, { weekday: "short" }, { zone, locale: reader().locale }).textContent;
  const pill = (person) => {
    const other = weekday(person.zone) === weekday(viewer.zone) ? {} : { weekday: "short" };
    const at = moment(now, { ...other, ...CLOCK }, { zone: person.zone, locale: reader().locale }).textContent;
    const count = Object.keys(person.told).reduce((sum, room) => sum + unread(person, room), 0);
    const facts = [person.name, person.title, person.zone, person.awake ? words().awake : words().asleep];
    const chosen = person.key === view.viewer;
    return view.drawn.viewers.part(person.key, JSON.stringify([person, at, count, chosen, reader().locale]), () => el("button", {
      type: "button", class: "viewer", "data-viewer": person.key, "aria-pressed": String(chosen), title: facts.join(" · "), click: () => choose(person.key),
    }, face(person.name, person.awake), el("span", null,
      el("b", null, person.first, person.approves ? el("span", { class: "tick", title: words().approver }, " ✓") : null),
      el("small", null, `${person.place} ${at}`)), badge(count)));
  };
  view.drawn.viewers.into($("viewers"), people.map(pill));
}

function rooms(side, list) {
  const room = list.find((one) => one.kind === view.rooms[side]) ?? list[0];
  const { viewer } = view.state;
  const own = list.find((one) => DIRECT.has(one.kind));
  const whispered = own !== room && viewer.told[own.id] > (view.told.get(own.id) ?? viewer.told[own.id]);
  view.told.set(own.id, viewer.told[own.id]);
  if (whispered && $(`${side}-side`).hasAttribute("data-busy")) {
    busy(side, false);
    toast(words().whispered);
  }
  if (room.id in viewer.told && (!view.phone.matches || view.shown === side)) read(viewer, room.id);
  const drawn = view.drawn[`${side}Rooms`];
  drawn.into($(`${side}-rooms`), list.map((one) => {
    const title = one.kind === "home" ? words().home : one.title;
    const count = unread(viewer, one.id);
    return drawn.part(one.kind, JSON.stringify([one.id, title, one === room, count]), () => el("button", {
      type: "button", class: "room", "data-room": one.kind, "aria-pressed": String(one === room), click: () => enter(side, one.kind),
    }, title, badge(count)));
  }));
  return room;
}

function enter(side, kind) {
  view.rooms[side] = kind;
  if (kind === "home") view.homes.delete(view.viewer);
  draw(side);
}

// --- messages ---------------------------------------------------------------------------------------------------------

const glow = (changed) => (changed && !view.first ? " fresh" : "");

function slackMessage(room, message, before) {
  const push = (button) => press("slack", { do: "press", room: room.id, message: message.ts, button: button.action_id });
  const body = message.blocks.length ? message.blocks.map((item) => block(item, reader(), push)) : [el("p", null, message.text)];
  return el("article", { class: `message${message.ephemeral ? " private" : ""}${glow(before)}`, "data-ts": message.ts },
    message.bot ? el("span", { class: "face bot", "aria-hidden": "true" }, "S") : face(message.name),
    el("div", { class: "content" },
      message.ephemeral ? el("div", { class: "only" }, words().only) : null,
      el("div", { class: "who" }, el("b", null, message.name), moment(message.at, CLOCK, reader())),
      ...body,
      message.edited ? el("span", { class: "edited" }, `(${words().edited})`) : null));
}

/** A login button: the browser opens the address that Telegram signed for the viewer. */
async function logIn(at, url) {
  const told = await act({ do: "log_in", ...at, url });
  if (told) window.open(told.open, "_blank", "noopener,noreferrer");
}

function telegramMessage(room, message, before) {
  const at = { room: room.id, message: String(message.id) };
  const push = (button) => (button.login_url ? logIn(at, button.login_url.url) : press("telegram", { do: "press", ...at, button: button.callback_data }));
  const keys = message.keyboard.map((row) => el("div", null, ...row.map((button) => el("button", { type: "button", click: () => push(button) }, button.text))));
  const edited = message.edited ? `${words().edited} ` : "";
  return el("div", { class: `bubble-row${message.own ? " own" : ""}`, "data-id": String(message.id) },
    el("div", { class: "stack" },
      el("div", { class: `bubble${glow(before)}` },
        message.own ? null : el("div", { class: "name" }, message.name),
        message.photo ? el("img", { src: `/telegram/media/${message.photo}`, alt: message.text }) : null,
        rich(message.text, message.entities, reader()),
        el("div", { class: "stamp" }, edited, moment(message.at, CLOCK, reader()))),
      keys.length ? el("div", { class: "keyboard" }, ...keys) : null));
}

/** The question that opened the field: the newest message that does, unless the viewer has written since. */
function asked(room) {
  const last = room.messages.at(-1);
  const since = room.messages.findLast((message) => message.asks || message.own);
  return last && since?.asks && !view.dropped.has(`${room.id} ${since.id}`) ? since : null;
}

function asks(room) {
  const question = asked(room);
  const key = question ? `${room.id} ${question.id}` : "";
  $("telegram-asks").hidden = !question;
  $("telegram-asks").querySelector("span").textContent = question ? `↩ ${question.text.split("\n")[0]}` : "";
  $("telegram-drop").setAttribute("aria-label", words().drop);
  if (key && key !== view.asked && !view.first) $("telegram-input").focus();
  view.asked = key;
}

function home(room) {
  const { viewer } = view.state;
  if (!view.homes.has(viewer.key)) {
    view.homes.add(viewer.key);
    act({ do: "home" });
  }
  const push = (button) => press("slack", { do: "press_home", button: button.action_id });
  const inside = room.blocks.length ? room.blocks.map((item) => block(item, reader(), push)) : [el("p", { class: "empty" }, words().opening)];
  return el("article", { class: "message home" }, el("div", { class: "content" }, ...inside));
}

/** Draw one side. A list that stood at its end is to stay there, and another room begins at its end: then true. */
function side(name, moved) {
  const room = rooms(name, view.state[name]);
  const list = $(`${name}-messages`);
  const drawn = view.drawn[name];
  const atEnd = moved || list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  const who = view.state.viewer.key;
  const last = list.dataset.last;
  if (name === "telegram") asks(room);
  if (room.kind === "home") {
    drawn.into(list, [drawn.part("home", JSON.stringify([who, room]), () => home(room))]);
    if (moved) list.scrollTop = 0;
    return false;
  }
  const make = name === "slack" ? slackMessage : telegramMessage;
  const nodes = room.messages.map((message) => drawn.part(
    `${room.id} ${message.ts ?? message.id}`, JSON.stringify([who, message]),
    (before) => make(room, message, before || (!moved && drawn.parts.size > 0))));
  drawn.into(list, nodes.length ? nodes : [drawn.part("empty", who, () => el("p", { class: "empty" }, words().empty))]);
  const answered = room.messages.findLast((message) => message.bot);
  list.dataset.last = `${room.id} ${answered?.ts ?? answered?.id ?? ""}`;
  if (last === list.dataset.last) return atEnd;
  busy(name, false);
  const follows = performance.now() < view.follow[name]; // the answer to a press further up stands at the end
  view.follow[name] = 0;
  return atEnd || follows;
}

/** Go to a list's end, and stay there while its pictures load and grow. */
function toEnd(name) {
  const list = $(`${name}-messages`);
  const go = () => { list.scrollTop = list.scrollHeight; };
  go();
  for (const image of list.querySelectorAll("img")) if (!image.complete) image.addEventListener("load", go, { once: true });
}

/** Redraw; `moved` names the side whose room was changed, or is `all` where the viewer was. */
function draw(moved = "") {
  const { viewer, now, disclosure } = view.state;
  const said = words();
  document.documentElement.lang = viewer.language.startsWith("zh") ? "zh-CN" : "en";
  $("day").textContent = moment(now, { weekday: "short", year: "numeric", month: "short", day: "numeric" }, reader()).textContent;
  $("story").textContent = said.story;
  $("disclosure").textContent = disclosure;
  $("shop").textContent = said.shop;
  $("orders").textContent = said.orders;
  $("push-hour").textContent = said.hour;
  $("push-morning").textContent = said.morning;
  $("viewers").setAttribute("aria-label", said.people);
  for (const name of SIDES) {
    $(`${name}-send`).textContent = said.send;
    $(`${name}-input`).setAttribute("aria-label", `${name === "slack" ? "Slack" : "Telegram"} · ${said.typed}`);
    $(`${name}-rooms`).setAttribute("aria-label", said.rooms);
    $(`${name}-try`).setAttribute("aria-label", said.try);
  }
  const atEnd = SIDES.filter((name) => side(name, moved === "all" || moved === name));
  viewers();
  const chosen = document.querySelector(`[data-viewer="${CSS.escape(viewer.key)}"]`);
  if (moved === "all" && chosen) $("viewers").scrollLeft = chosen.offsetLeft - $("viewers").offsetLeft - 60;
  if (modal.show(view.state.modal, reader(), said)) busy("slack", false); // the answer was a window
  for (const name of atEnd) toEnd(name);
  view.first = false;
  document.body.dataset.ready = viewer.key;
}

function choose(key) {
  view.viewer = key;
  view.beat = 0;
  view.first = true;
  toast("");
  history.replaceState(null, "", `#${encodeURIComponent(key)}`);
  view.asking?.abort();
}

const pause = (time) => new Promise((resolve) => { setTimeout(resolve, time); });

async function watch() {
  let lost = false;
  for (;;) {
    view.asking = new AbortController();
    const asked = view.viewer;
    try {
      const query = new URLSearchParams({ viewer: asked, after: String(view.beat), language: navigator.language });
      const answer = await fetch(`/page/state?${query}`, { signal: view.asking.signal });
      const state = await answer.json();
      if (asked !== view.viewer) continue;
      const moved = state.viewer.key !== view.state?.viewer.key;
      if (!view.state) for (const person of state.people) for (const room of Object.keys(person.told)) read(person, room);
      view.state = state;
      view.viewer = state.viewer.key;
      view.beat = state.beat;
      draw(moved ? "all" : "");
      if (lost) toast("");
      lost = false;
      await pause(BETWEEN);
    } catch (error) {
      if (error.name === "AbortError") continue;
      lost = true;
      toast(words().lost, true);
      await pause(1000);
    }
  }
}

// --- what the viewer does ---------------------------------------------------------------------------------------------

async function say(name, text) {
  const list = $(`${name}-messages`);
  if (view.rooms[name] === "home") enter(name, "direct");
  const room = view.state[name].find((one) => one.kind === view.rooms[name]) ?? view.state[name][0];
  view.typed[name].push(text);
  list.scrollTop = list.scrollHeight;
  busy(name, true);
  const question = name === "telegram" ? asked(room) : null;
  const told = await act({ do: "say", side: name, room: room.id, text, ...(question ? { reply_to: String(question.id) } : {}) });
  if (told === null || told.unknown) busy(name, false);
}

for (const name of SIDES) {
  const input = $(`${name}-input`);
  let back = 0;
  $(`${name}-say`).addEventListener("submit", (event) => {
    event.preventDefault();
    back = 0;
    const text = input.value.trim();
    input.value = "";
    if (text && view.state) say(name, text);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    event.preventDefault();
    back = Math.max(0, Math.min(view.typed[name].length, back + (event.key === "ArrowUp" ? 1 : -1)));
    input.value = back ? view.typed[name].at(-back) : "";
  });
  $(`${name}-try`).append(...TRY[name].map((text) => el("button", { type: "button", click: () => { if (view.state) say(name, text); } }, text)));
}

for (const button of document.querySelectorAll("[data-push]")) {
  button.addEventListener("click", async () => {
    const both = document.querySelectorAll("[data-push]");
    for (const one of both) one.disabled = true;
    button.setAttribute("aria-busy", "true");
    const told = await act({ do: "push", by: button.dataset.push });
    for (const one of both) one.disabled = false;
    button.removeAttribute("aria-busy");
    button.focus();
    if (!told) return;
    const zone = { zone: told.zone, locale: reader().locale };
    toast(words().now(moment(told.at, { weekday: "short", ...CLOCK }, zone).textContent, told.place));
  });
}

$("telegram-drop").addEventListener("click", () => {
  view.dropped.add(view.asked);
  if (view.state) draw();
});

for (const tab of document.querySelectorAll("#tabs button")) {
  tab.addEventListener("click", () => {
    view.shown = tab.dataset.side;
    document.querySelector(".sides").dataset.shown = view.shown;
    for (const other of document.querySelectorAll("#tabs button")) other.setAttribute("aria-pressed", String(other === tab));
    if (view.state) draw(view.shown);
  });
}
watch();

// The demo's page: one viewer at a time, Slack and Telegram side by side, fed by a long poll.
import { el, face, moment } from "./dom.js";
import { block } from "./slack.js";
import { rich } from "./telegram.js";

const WORDS = {
  en: {
    hour: "+1 hour", morning: "Next morning", send: "Send", you: "Only visible to you", empty: "Nothing here yet.",
    home: "Home", edited: "edited", asleep: "off work", awake: "at work",
    story: "Type /stock 85123A, press Approve on one side and watch the other lock, switch the viewer and see every time change, then push the clock to the next morning.",
  },
  zh: {
    hour: "快进 1 小时", morning: "到次日早晨", send: "发送", you: "仅你可见", empty: "这里还没有消息。",
    home: "主页", edited: "已编辑", asleep: "休息中", awake: "工作中",
    story: "输入 /stock 85123A；在一侧点“批准”，看另一侧同时锁定；切换查看者，所有时间随之改变；再把时钟推到次日早晨。",
  },
};

const view = { viewer: "", beat: 0, state: null, rooms: { slack: "", telegram: "" }, seen: new Map() };
const $ = (id) => document.getElementById(id);
const words = () => WORDS[view.state?.viewer.language.startsWith("zh") ? "zh" : "en"];

function reader() {
  const { viewer, names } = view.state;
  return { zone: viewer.zone, locale: viewer.language.startsWith("zh") ? "zh-CN" : "en-GB", names };
}

async function act(body) {
  const answer = await fetch("/page/act", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ viewer: view.viewer, ...body }),
  });
  const told = await answer.json();
  if (told.notice) toast(told.notice);
}

let hiding = 0;
function toast(text) {
  const node = $("toast");
  node.textContent = text;
  node.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { node.hidden = true; }, 5000);
}

function viewers() {
  const now = view.state.now;
  $("viewers").replaceChildren(...view.state.people.map((person) => {
    const zone = { zone: person.zone, locale: reader().locale };
    const time = moment(now, { weekday: "short", hour: "2-digit", minute: "2-digit", hour12: false }, zone).textContent;
    return el("button", {
      type: "button", class: "viewer", "data-viewer": person.key, "aria-pressed": String(person.key === view.viewer),
      title: `${person.zone} · ${person.awake ? words().awake : words().asleep}`, click: () => choose(person.key),
    }, face(person.name, person.awake), el("span", null, person.name, el("small", null, `${person.place} ${time}`)));
  }));
}

function rooms(side, list) {
  if (!list.some((room) => room.id === view.rooms[side])) view.rooms[side] = list[0]?.id ?? "";
  $(`${side}-rooms`).replaceChildren(el("span", { class: "mark" }, side === "slack" ? "Slack" : "Telegram"), ...list.map((room) => el("button", {
    type: "button", role: "tab", class: "room", "data-room": room.id, "aria-selected": String(room.id === view.rooms[side]),
    click: () => { view.rooms[side] = room.id; if (room.kind === "home") act({ do: "home" }); draw(); },
  }, room.kind === "home" ? words().home : room.title)));
  return list.find((room) => room.id === view.rooms[side]);
}

/** Whether this message is new or changed since it was drawn last. */
function fresh(key, shape) {
  const before = view.seen.get(key);
  view.seen.set(key, shape);
  return before !== undefined ? before !== shape : view.seen.size > 0 && view.drawn;
}

function slackMessage(room, message) {
  const press = (button) => act({ do: "press", side: "slack", room: room.id, message: message.ts, button: button.action_id, confirm: button.text.text });
  const key = `s${room.id}${message.ts}`;
  return el("article", { class: `message${fresh(key, JSON.stringify(message)) ? " fresh" : ""}`, "data-ts": message.ts },
    message.bot ? el("span", { class: "face bot", "aria-hidden": "true" }, "S") : face(message.name, false),
    el("div", { class: "content" },
      el("div", { class: "who" }, el("b", null, message.name), el("span", null, moment(message.at, { hour: "2-digit", minute: "2-digit", hour12: false }, reader()), message.edited ? ` (${words().edited})` : "")),
      message.ephemeral ? el("div", { class: "only" }, words().you) : null,
      ...(message.blocks.length ? message.blocks.map((item) => block(item, reader(), press)) : [el("p", null, message.text)])));
}

function slack() {
  const room = rooms("slack", view.state.slack);
  const list = $("slack-messages");
  if (!room) return list.replaceChildren(el("p", { class: "empty" }, words().empty));
  if (room.kind === "home") {
    const press = (button) => act({ do: "press_home", button: button.action_id });
    return list.replaceChildren(el("article", { class: "message" }, el("div", { class: "content" }, ...room.blocks.map((item) => block(item, reader(), press)))));
  }
  return list.replaceChildren(...(room.messages.length ? room.messages.map((message) => slackMessage(room, message)) : [el("p", { class: "empty" }, words().empty)]));
}

function telegramMessage(room, message) {
  const key = `t${room.id}/${message.id}`;
  const body = el("div", { class: `bubble${fresh(key, JSON.stringify(message)) ? " fresh" : ""}` },
    message.own ? null : el("div", { class: "name" }, message.name),
    message.photo ? el("img", { src: `/telegram/media/${message.photo}`, alt: message.text }) : null,
    rich(message.text, message.entities, reader()),
    el("div", { class: "stamp" }, message.edited ? `${words().edited} ` : "", moment(message.at, { hour: "2-digit", minute: "2-digit", hour12: false }, reader())));
  const keys = message.keyboard.map((row) => el("div", null, ...row.map((button) => el("button", {
    type: "button", click: () => act({ do: "press", side: "telegram", room: room.id, message: message.id, button: button.callback_data }),
  }, button.text))));
  return el("div", { class: `bubble-row${message.own ? " own" : ""}`, "data-id": String(message.id) },
    el("div", { class: "stack" }, body, keys.length ? el("div", { class: "keyboard" }, ...keys) : null));
}

function telegram() {
  const room = rooms("telegram", view.state.telegram);
  const list = $("telegram-messages");
  list.replaceChildren(...(room?.messages.length ? room.messages.map((message) => telegramMessage(room, message)) : [el("p", { class: "empty" }, words().empty)]));
}

/** Redraw; a list that stood at its end stays there. */
function draw() {
  const { viewer, now, disclosure } = view.state;
  document.documentElement.lang = viewer.language.startsWith("zh") ? "zh-CN" : "en";
  $("day").textContent = moment(now, { weekday: "long", year: "numeric", month: "long", day: "numeric" }, reader()).textContent;
  $("story").textContent = words().story;
  $("disclosure").textContent = disclosure;
  $("push-hour").textContent = words().hour;
  $("push-morning").textContent = words().morning;
  for (const button of document.querySelectorAll(".send")) button.textContent = words().send;
  viewers();
  for (const [id, show] of [["slack-messages", slack], ["telegram-messages", telegram]]) {
    const list = $(id);
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
    show();
    if (atEnd) list.scrollTop = list.scrollHeight;
  }
  view.drawn = true;
  document.body.dataset.ready = viewer.key;
}

function choose(key) {
  view.viewer = key;
  view.beat = 0;
  view.seen.clear();
  view.drawn = false;
  view.asking?.abort();
}

async function watch() {
  for (;;) {
    view.asking = new AbortController();
    try {
      const answer = await fetch(`/page/state?viewer=${encodeURIComponent(view.viewer)}&after=${view.beat}`, { signal: view.asking.signal });
      view.state = await answer.json();
      view.viewer = view.state.viewer.key;
      view.beat = view.state.beat;
      draw();
    } catch (error) {
      if (error.name !== "AbortError") await new Promise((resolve) => { setTimeout(resolve, 1000); });
    }
  }
}

for (const side of ["slack", "telegram"]) {
  $(`${side}-say`).addEventListener("submit", (event) => {
    event.preventDefault();
    const input = $(`${side}-input`);
    if (input.value.trim()) act({ do: "say", side, room: view.rooms[side], text: input.value.trim() });
    input.value = "";
  });
}
for (const button of document.querySelectorAll("[data-push]")) {
  button.addEventListener("click", () => act({ do: "push", by: button.dataset.push }));
}
for (const tab of document.querySelectorAll("#tabs button")) {
  tab.addEventListener("click", () => {
    document.querySelector(".sides").dataset.shown = tab.dataset.side;
    for (const other of document.querySelectorAll("#tabs button")) other.setAttribute("aria-selected", String(other === tab));
    draw();
  });
}
watch();

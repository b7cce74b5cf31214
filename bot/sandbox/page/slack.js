// Shows Block Kit the way Slack does, each reader in their own zone.
import { el, moment } from "./dom.js";
import { wordsOf } from "./words.js";

const STYLES = {
  date_num: { year: "numeric", month: "2-digit", day: "2-digit" },
  date: { year: "numeric", month: "long", day: "numeric" },
  date_short: { year: "numeric", month: "short", day: "numeric" },
  date_long: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
  date_pretty: { year: "numeric", month: "long", day: "numeric" },
  date_short_pretty: { month: "short", day: "numeric" },
  date_long_pretty: { weekday: "long", month: "long", day: "numeric" },
  time: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  time_secs: { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
  day_divider_pretty: { weekday: "long", month: "long", day: "numeric" },
};

/** A date token's format string, its places filled: `{date_short} {time}`. */
function dated(seconds, format, reader) {
  const parts = format.split(/\{(\w+)\}/);
  const shown = parts.map((part, index) => {
    if (index % 2 === 0) return part;
    const style = STYLES[part];
    return style ? moment(seconds, style, reader).textContent : `{${part}}`;
  }).join("");
  const node = moment(seconds, STYLES.date, reader);
  node.textContent = shown;
  return node;
}

const unescape = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

function angle(inner, reader) {
  const [target, label] = inner.split(/\|(.*)/s);
  if (target.startsWith("!date^")) {
    const [, seconds, format] = target.split("^");
    return dated(Number(seconds), format, reader);
  }
  if (target.startsWith("@")) return el("span", { class: "mention" }, `@${reader.names[target.slice(1)] ?? target.slice(1)}`);
  if (target.startsWith("#") || target.startsWith("!")) return el("span", { class: "mention" }, label ?? target);
  return el("a", { href: target, rel: "noreferrer", target: "_blank" }, unescape(label ?? target));
}

/** mrkdwn: links, mentions and dates in angle brackets, then *bold*, _italic_, `code` in what is left. */
export function mrkdwn(text, reader) {
  const out = el("span");
  for (const piece of text.split(/(```[\s\S]*?```|`[^`\n]+`|<[^>\n]+>|\*[^*\n]+\*|_[^_\n]+_)/)) {
    if (!piece) continue;
    if (piece.startsWith("```")) out.append(el("pre", null, unescape(piece.slice(3, -3))));
    else if (/^`.+`$/.test(piece)) out.append(el("code", null, unescape(piece.slice(1, -1))));
    else if (/^<.+>$/.test(piece)) out.append(angle(piece.slice(1, -1), reader));
    else if (/^\*.+\*$/.test(piece)) out.append(el("b", null, mrkdwn(piece.slice(1, -1), reader)));
    else if (/^_.+_$/.test(piece)) out.append(el("i", null, mrkdwn(piece.slice(1, -1), reader)));
    else out.append(unescape(piece));
  }
  return out;
}

const text = (object, reader) => (object.type === "mrkdwn" ? mrkdwn(object.text, reader) : document.createTextNode(object.text));

function richElement(item, reader) {
  let node;
  switch (item.type) {
    case "text": node = document.createTextNode(item.text); break;
    case "link": node = el("a", { href: item.url, rel: "noreferrer", target: "_blank" }, item.text ?? item.url); break;
    case "user": node = el("span", { class: "mention" }, `@${reader.names[item.user_id] ?? item.user_id}`); break;
    case "date": node = dated(item.timestamp, item.format, reader); break;
    case "emoji": node = document.createTextNode(item.unicode ? String.fromCodePoint(...item.unicode.split("-").map((hex) => parseInt(hex, 16))) : `:${item.name}:`); break;
    default: node = document.createTextNode(item.text ?? "");
  }
  const style = item.style ?? {};
  if (style.code) node = el("code", null, node);
  if (style.bold) node = el("b", null, node);
  if (style.italic) node = el("i", null, node);
  if (style.strike) node = el("s", null, node);
  return node;
}

function rich(block, reader, tag = "p") {
  const out = el("div");
  for (const part of block.elements) {
    if (part.type === "rich_text_list") {
      out.append(el(part.style === "ordered" ? "ol" : "ul", null,
        ...part.elements.map((row) => el("li", null, ...row.elements.map((item) => richElement(item, reader))))));
    } else if (part.type === "rich_text_preformatted") {
      out.append(el("pre", null, ...part.elements.map((item) => richElement(item, reader))));
    } else {
      out.append(el(tag, null, ...part.elements.map((item) => richElement(item, reader))));
    }
  }
  return out;
}

function table(block, reader) {
  const right = (block.column_settings ?? []).map((column) => column?.align === "right");
  const rows = block.rows.map((row) => el("tr", null, ...row.map((cell, index) => el(
    "td", { class: right[index] ? "right" : "" },
    cell.type === "rich_text" ? rich(cell, reader, "span") : document.createTextNode(cell.text ?? "")))));
  return el("div", { class: "table" }, el("table", null, el("tbody", null, ...rows)));
}

function actions(block, press) {
  return el("div", { class: "buttons" }, ...block.elements.map((item) => {
    if (item.type !== "button") return el("span", null, item.type);
    return el("button", { type: "button", class: item.style ?? "", click: () => press(item) }, item.text.text);
  }));
}

function call(block, words) {
  return el("div", { class: "call" },
    el("b", null, block.title),
    el("p", null, block.people.join(", ") || words.nobody),
    block.over ? el("p", null, words.over) : el("a", { href: block.url, rel: "noreferrer", target: "_blank" }, words.join));
}

/**
 * @param {any} block
 * @param {{zone: string, locale: string, names: Record<string, string>}} reader
 * @param {(button: any) => void} press
 */
export function block(block, reader, press) {
  switch (block.type) {
    case "header": return el("h3", null, block.text.text);
    case "divider": return el("hr");
    case "context": return el("div", { class: "context" }, ...block.elements.map((item) => (item.type === "image" ? null : text(item, reader))));
    case "section": return el("div", null,
      block.text ? el("p", null, text(block.text, reader)) : null,
      block.fields ? el("div", { class: "fields" }, ...block.fields.map((field) => el("div", null, text(field, reader)))) : null,
      block.accessory?.type === "button" ? actions({ elements: [block.accessory] }, press) : null);
    case "rich_text": return rich(block, reader);
    case "table": return table(block, reader);
    case "actions": return actions(block, press);
    case "image": return el("img", { src: block.image_url ?? `/slack/files/${block.slack_file?.id ?? ""}/picture.png`, alt: block.alt_text });
    case "call": return call(block, wordsOf(reader.locale));
    case "markdown": return el("p", null, block.text);
    default: return el("p", null, `[${block.type}]`);
  }
}

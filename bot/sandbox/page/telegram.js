// Shows Telegram's text and entities the way its apps do; offsets count UTF-16 units, as JavaScript's strings do.
import { el, moment } from "./dom.js";

/** The Intl style of a `date_time` entity's format (r, or w d/D t/T). */
function style(format) {
  const found = {};
  if (format.includes("w")) found.weekday = "long";
  if (format.includes("d")) Object.assign(found, { year: "numeric", month: "numeric", day: "numeric" });
  if (format.includes("D")) Object.assign(found, { year: "numeric", month: "short", day: "numeric" });
  if (format.includes("t")) Object.assign(found, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  if (format.includes("T")) Object.assign(found, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  return found;
}

function wrap(entity, inner, reader) {
  switch (entity.type) {
    case "bold": return el("b", null, ...inner);
    case "italic": return el("i", null, ...inner);
    case "underline": return el("u", null, ...inner);
    case "strikethrough": return el("s", null, ...inner);
    case "code": return el("code", null, ...inner);
    case "pre": return el("pre", null, ...inner);
    case "blockquote": case "expandable_blockquote": return el("blockquote", null, ...inner);
    case "text_link": return el("a", { href: entity.url, rel: "noreferrer", target: "_blank" }, ...inner);
    case "text_mention": case "mention": return el("span", { class: "mention" }, ...inner);
    case "date_time": {
      const format = entity.date_time_format ?? "Dt";
      return moment(entity.unix_time, style(format), reader);
    }
    default: return el("span", null, ...inner);
  }
}

/** Text from `from` to `to`, its entities nested as they lie. */
function range(text, entities, from, to, reader) {
  const out = [];
  let at = from;
  let index = 0;
  while (index < entities.length) {
    const entity = entities[index];
    const end = entity.offset + entity.length;
    if (entity.offset > at) out.push(text.slice(at, entity.offset));
    let next = index + 1;
    while (next < entities.length && entities[next].offset < end) next += 1;
    out.push(wrap(entity, range(text, entities.slice(index + 1, next), entity.offset, end, reader), reader));
    at = end;
    index = next;
  }
  if (at < to) out.push(text.slice(at, to));
  return out;
}

/**
 * @param {string} text
 * @param {any[]} entities
 * @param {{zone: string, locale: string}} reader
 */
export function rich(text, entities, reader) {
  const ordered = [...entities].sort((one, two) => one.offset - two.offset || two.length - one.length);
  return el("div", { class: "text" }, ...range(text, ordered, 0, text.length, reader));
}

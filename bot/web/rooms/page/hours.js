// What time it is where a person is, and whether they are at work.

import { locale } from "./words.js";

/** The bot's clock and the reader's own zone: a machine may have another zone, and a wrong clock. */
const reader = { ahead: 0, zone: /** @type {string|undefined} */ (undefined) };

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** @type {Map<string, Intl.DateTimeFormat>} each is costly to make */
const formats = new Map();

/**
 * @param {string} language
 * @param {Intl.DateTimeFormatOptions} style
 */
function format(language, style) {
  const key = JSON.stringify([language, style]);
  const found = formats.get(key) ?? new Intl.DateTimeFormat(language, style);
  formats.set(key, found);
  return found;
}

/** @param {string} at ISO 8601, the bot's clock at this moment */
export function setClock(at) {
  reader.ahead = Date.parse(at) - Date.now();
}

/** @param {string} zone IANA, the reader's */
export function setZone(zone) {
  reader.zone = zone;
}

/** What time it is, by the bot's clock. */
export const now = () => new Date(Date.now() + reader.ahead);

/**
 * The reader's own wall clock.
 * @param {Date} at
 */
export const wall = (at) => format(locale(), { ...WALL, timeZone: reader.zone }).format(at);

/** @type {Intl.DateTimeFormatOptions} */
const WALL = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

/**
 * Their wall clock, such as "14:05", with the day where it is another one than the reader's.
 * @param {string} zone IANA
 * @param {Date} at
 */
export function localTime(zone, at) {
  const other = day(zone, at) !== day(reader.zone, at);
  return format(locale(), { ...WALL, ...(other ? { weekday: /** @type {const} */ ("short") } : {}), timeZone: zone }).format(at);
}

/**
 * @param {string|undefined} timeZone
 * @param {Date} at
 */
const day = (timeZone, at) => format("en-CA", { timeZone, dateStyle: "short" }).format(at);

/**
 * Whether the moment is within their hours; hours that end before they begin go on past midnight.
 * @param {{zone: string, from: string, to: string, workdays: string}} person
 * @param {Date} at
 */
export function atWork(person, at) {
  const parts = format("en-GB", { ...WALL, timeZone: person.zone, weekday: "short" }).formatToParts(at);
  const part = (/** @type {string} */ type) => parts.find((found) => found.type === type)?.value ?? "";
  const clock = `${part("hour")}:${part("minute")}`;
  const today = DAYS.indexOf(part("weekday"));
  const works = (/** @type {number} */ day) => person.workdays.includes(String(((day + 7) % 7) + 1));
  if (person.from <= person.to) return works(today) && person.from <= clock && clock < person.to;
  return (works(today) && clock >= person.from) || (works(today - 1) && clock < person.to);
}

/**
 * Their city, from the zone's name.
 * @param {string} zone
 */
export const place = (zone) => (zone.split("/").pop() ?? zone).replaceAll("_", " ");

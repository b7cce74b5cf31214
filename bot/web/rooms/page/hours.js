// What time it is where a person is, and whether they are at work.

import { locale } from "./words.js";

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** @type {Map<string, Intl.DateTimeFormat>} each is costly to make */
const formats = new Map();

/**
 * @param {string} language
 * @param {Intl.DateTimeFormatOptions} style
 */
export function format(language, style) {
  const key = JSON.stringify([language, style]);
  const found = formats.get(key) ?? new Intl.DateTimeFormat(language, style);
  formats.set(key, found);
  return found;
}

/** @type {Intl.DateTimeFormatOptions} */
export const WALL = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

/**
 * Their wall clock, such as "14:05", with the day where it is another one than the reader's.
 * @param {string} zone IANA
 * @param {Date} at
 */
export function localTime(zone, at) {
  const other = day(zone, at) !== day(undefined, at);
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
  const now = `${part("hour")}:${part("minute")}`;
  const today = DAYS.indexOf(part("weekday"));
  const works = (/** @type {number} */ day) => person.workdays.includes(String(((day + 7) % 7) + 1));
  if (person.from <= person.to) return works(today) && person.from <= now && now < person.to;
  return (works(today) && now >= person.from) || (works(today - 1) && now < person.to);
}

/**
 * Their city, from the zone's name.
 * @param {string} zone
 */
export const place = (zone) => (zone.split("/").pop() ?? zone).replaceAll("_", " ");

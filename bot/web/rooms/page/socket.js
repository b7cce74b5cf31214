// The line to the server: it reconnects by itself, and takes up the visit where it was.

import { setClock } from "./hours.js";

/** @typedef {import("./types.js").Told} Told */

const PING_MS = 5000;
const FIRST_MS = 250;
const LONGEST_MS = 5000;
const QUEUE = 500;
const PASSING = new Set(["closing", "slow"]);

export class Line {
  /**
   * @param {string} url
   * @param {object} hooks
   * @param {(message: Told) => void} hooks.hear
   * @param {(up: boolean) => void} hooks.changed the connection was lost, or is there again
   */
  constructor(url, { hear, changed }) {
    this.url = url;
    this.hear = hear;
    this.changed = changed;
    this.visit = "";
    this.inside = false; // the room is ours, as of the last word of the server
    this.joined = false; // we want to be in
    this.over = false;
    this.wait = FIRST_MS;
    /** @type {Told[]} */
    this.queue = [];
    /** @type {WebSocket|null} */
    this.socket = null;
    this.heard = true;
    /** @type {() => object} */
    this.shown = () => ({ muted: true, camera: false, sharing: false });
    this.pings = setInterval(() => this.ping(), PING_MS);
    window.addEventListener("online", () => this.socket ?? this.open());
  }

  open() {
    if (this.over) return;
    const socket = new WebSocket(this.url);
    this.socket = socket;
    this.heard = true;
    socket.addEventListener("message", ({ data }) => {
      this.heard = true;
      this.take(JSON.parse(data));
    });
    socket.addEventListener("close", () => this.lost(socket));
  }

  /** @param {Told} message */
  take(message) {
    if (message.now) setClock(message.now);
    if (message.type === "pong") return;
    if (message.type === "bye") {
      if (PASSING.has(message.reason)) return; // the line comes back by itself
      this.stop();
    }
    if (message.type === "seat") {
      this.wait = FIRST_MS;
      if (this.joined) this.ask();
    }
    if (message.type === "room") {
      this.visit = message.visit;
      this.inside = true;
      if (!message.resumed) this.queue = []; // meant for a stay that is over
    }
    this.hear(message);
    if (message.type === "room") {
      for (const kept of this.queue.splice(0)) this.write(kept);
      this.changed(true);
    }
  }

  /** Come in, now and after every lost connection. */
  join() {
    this.joined = true;
    if (this.socket?.readyState === WebSocket.OPEN) this.ask();
  }

  ask() {
    this.write({ type: "join", resume: this.visit, shown: this.shown() });
  }

  /**
   * Send; while the connection is lost it waits.
   * @param {Told} message
   */
  send(message) {
    if (this.inside) this.write(message);
    else if (this.queue.length < QUEUE) this.queue.push(message);
  }

  /** @param {Told} message */
  write(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** @param {WebSocket} socket */
  lost(socket) {
    if (socket !== this.socket) return;
    this.socket = null;
    const was = this.inside;
    this.inside = false;
    if (this.over) return;
    if (was || !this.joined) this.changed(false);
    setTimeout(() => this.socket ?? this.open(), this.wait * (0.75 + Math.random() / 2));
    this.wait = Math.min(LONGEST_MS, this.wait * 2);
  }

  /** Two pings without an answer between them: the line is dead, whatever the browser believes. */
  ping() {
    const socket = this.socket;
    if (socket?.readyState !== WebSocket.OPEN) return;
    if (!this.heard) {
      socket.close();
      this.lost(socket);
      return;
    }
    this.heard = false;
    this.write({ type: "ping" });
  }

  /** For good. */
  stop() {
    this.over = true;
    this.inside = false;
    clearInterval(this.pings);
    this.socket?.close();
  }
}

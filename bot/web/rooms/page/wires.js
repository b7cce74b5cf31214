// Connections for files alone, each made when the first file goes to somebody: in a room whose sound and picture
// go through a media server, people are not connected to one another otherwise.

import { Mender } from "./mend.js";
import { Negotiator } from "./negotiation.js";

/** @typedef {import("./types.js").Signal} Signal */

const REACH_MS = 20_000; // from asking somebody's browser to being connected to it

/** One connection, of the shape that transfers use. */
export class Wire {
  /**
   * @param {object} given
   * @param {RTCConfiguration} given.configuration
   * @param {boolean} given.opens
   * @param {boolean} given.polite
   * @param {(signal: Signal) => void} given.send
   * @param {() => boolean} given.receives whether the other is no viewer
   */
  constructor({ configuration, opens, polite, send, receives }) {
    this.pc = new RTCPeerConnection(configuration);
    this.may = receives;
    this.mender = new Mender(this.pc, { slack: opens ? 800 : 0, restart: () => this.pc.restartIce(), changed: () => {} });
    this.negotiator = new Negotiator(this.pc, { opens, polite, send, answering: async () => {} });
    this.control = this.pc.createDataChannel("control", { negotiated: true, id: 0 });
  }

  get receives() {
    return this.may();
  }

  close() {
    this.mender.stop();
    this.pc.close();
  }
}

export class Wires {
  /**
   * @param {object} hooks
   * @param {() => RTCConfiguration} hooks.configuration
   * @param {() => number} hooks.me
   * @param {(to: number, signal: Signal) => void} hooks.send
   * @param {(id: number) => boolean} hooks.sends whether somebody is no viewer
   * @param {(id: number, wire: Wire) => void} hooks.wired a wire begins, before anything is received over it
   */
  constructor({ configuration, me, send, sends, wired }) {
    this.configuration = configuration;
    this.me = me;
    this.send = send;
    this.sends = sends;
    this.wired = wired;
    /** @type {Map<number, Wire>} */
    this.all = new Map();
  }

  /**
   * @param {number} id
   * @param {boolean} opens
   */
  make(id, opens) {
    const wire = new Wire({
      configuration: this.configuration(), opens, polite: this.me() > id,
      send: (signal) => this.send(id, signal), receives: () => this.sends(id),
    });
    this.all.set(id, wire);
    this.wired(id, wire);
    return wire;
  }

  /**
   * @param {number} from
   * @param {Signal} signal
   */
  take(from, signal) {
    void (this.all.get(from) ?? this.make(from, false)).negotiator.take(signal);
  }

  /**
   * Be connected to somebody; it fails where their browser cannot be reached.
   * @param {number} id
   * @returns {Promise<void>}
   */
  reach(id) {
    const { control } = this.all.get(id) ?? this.make(id, true);
    if (control.readyState === "open") return Promise.resolve();
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error("nobody answers")), REACH_MS);
      control.addEventListener("open", () => { clearTimeout(late); resolve(); }, { once: true });
      control.addEventListener("close", () => { clearTimeout(late); reject(new Error("the wire was closed")); }, { once: true });
    });
  }

  /** Say open offers once more: after a lost connection to the server. */
  repeat() {
    for (const wire of this.all.values()) wire.negotiator.repeat();
  }

  /** @param {number} id */
  drop(id) {
    this.all.get(id)?.close();
    this.all.delete(id);
  }

  reset() {
    for (const id of [...this.all.keys()]) this.drop(id);
  }
}

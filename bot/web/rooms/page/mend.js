// Looks after a connection: an interruption that does not heal by itself is mended by an ICE restart.

const DISCONNECTED_MS = 2500; // most interruptions heal by themselves within it
const LONGEST_MS = 30_000;

export class Mender {
  /**
   * @param {RTCPeerConnection} pc
   * @param {object} given
   * @param {number} given.slack milliseconds that we wait longer: where both sides notice, one of them is enough
   * @param {() => void} given.restart
   * @param {(state: RTCIceConnectionState) => void} given.changed
   */
  constructor(pc, { slack, restart, changed }) {
    this.pc = pc;
    this.slack = slack;
    this.again = restart;
    this.changed = changed;
    this.restarts = 0;
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    this.timer = undefined;
    pc.addEventListener("iceconnectionstatechange", () => this.watch());
  }

  watch() {
    const state = this.pc.iceConnectionState;
    clearTimeout(this.timer);
    if (state === "connected" || state === "completed") this.restarts = 0;
    else if (state === "failed") this.later(this.slack);
    else if (state === "disconnected") this.later(DISCONNECTED_MS + this.slack);
    this.changed(state);
  }

  /** @param {number} wait in milliseconds, doubled with each restart in vain */
  later(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.restart(), Math.min(LONGEST_MS, wait + (this.restarts ? 1000 * 2 ** this.restarts : 0)));
  }

  restart() {
    if (this.pc.connectionState === "closed" || ["connected", "completed"].includes(this.pc.iceConnectionState)) return;
    this.restarts += 1;
    this.again();
    this.later(1000);
  }

  stop() {
    clearTimeout(this.timer);
  }
}

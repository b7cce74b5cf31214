// How a connection does, and who speaks.

/** @typedef {import("./types.js").Quality} Quality */
/** @typedef {{pc: RTCPeerConnection, hearing: RTCRtpReceiver|undefined}} Heard a connection, and the sound of one person in it */

const SPEAKS = 0.02; // audio level, of 1

export class Gauge {
  /** @param {Heard} link */
  constructor(link) {
    this.link = link;
    this.lost = 0;
    this.received = 0;
    /** @type {Quality} */
    this.quality = "none";
    this.milliseconds = 0;
  }

  /** Look once, by the round trip and by the share of packets lost since the last look. */
  async look() {
    const pc = this.link.pc;
    if (!["connected", "completed"].includes(pc.iceConnectionState)) {
      this.quality = "none";
      return;
    }
    let lost = 0;
    let received = 0;
    for (const entry of (await pc.getStats()).values()) {
      if (entry.type === "candidate-pair" && entry.nominated && entry.currentRoundTripTime !== undefined) this.milliseconds = Math.round(entry.currentRoundTripTime * 1000);
      if (entry.type === "inbound-rtp") {
        lost += entry.packetsLost ?? 0;
        received += entry.packetsReceived ?? 0;
      }
    }
    const [gone, came] = [lost - this.lost, received - this.received];
    this.lost = lost;
    this.received = received;
    const share = gone + came > 0 ? Math.max(0, gone) / (gone + came) : 0;
    this.quality = share > 0.08 || this.milliseconds > 400 ? "poor" : share > 0.02 || this.milliseconds > 180 ? "fair" : "good";
  }

  /** Whether the other speaks now. */
  get speaks() {
    const receiver = this.link.hearing;
    const sources = receiver ? [...receiver.getSynchronizationSources()] : [];
    return sources.some((source) => (source.audioLevel ?? 0) > SPEAKS && performance.timeOrigin + performance.now() - source.timestamp < 600);
  }
}

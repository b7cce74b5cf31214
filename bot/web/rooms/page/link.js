// One connection to one other person: three places for media (sound, camera, screen), and channels for data.

import { Mender } from "./mend.js";
import { Negotiator } from "./negotiation.js";

/** @typedef {import("./types.js").Signal} Signal */
/** @typedef {import("./types.js").Slot} Slot */
/** @typedef {Record<Slot, MediaStreamTrack|null>} Tracks */

/** @type {Slot[]} */
export const SLOTS = ["audio", "camera", "screen"];
const WANTED = /^(audio\/opus|video\/(VP8|rtx)|video\/H264 (?=.*packetization-mode=1).*profile-level-id=42e01f)/i; // what every browser has; each more makes every offer longer to read

/**
 * Make the three places, in their order, with what we send in each.
 * @param {RTCPeerConnection} pc
 * @param {RTCRtpTransceiverDirection} direction
 * @param {Tracks|null} tracks
 */
export function layOut(pc, direction, tracks) {
  for (const slot of SLOTS) {
    const kind = slot === "audio" ? "audio" : "video";
    const transceiver = pc.addTransceiver(kind, { direction });
    const codecs = RTCRtpReceiver.getCapabilities?.(kind)?.codecs.filter(({ mimeType, sdpFmtpLine }) => WANTED.test(`${mimeType} ${sdpFmtpLine ?? ""}`));
    if (codecs?.length) transceiver.setCodecPreferences?.(codecs);
    const track = tracks?.[slot];
    if (track) void transceiver.sender.replaceTrack(track);
  }
}

export class Link {
  /**
   * @param {object} given
   * @param {RTCConfiguration} given.configuration
   * @param {boolean} given.opens whether this side came later, and so makes the first offer
   * @param {Tracks} given.tracks
   * @param {boolean} given.sends whether we are no viewer
   * @param {boolean} given.receives whether the other is no viewer
   */
  constructor({ configuration, opens, tracks, sends, receives }) {
    this.pc = new RTCPeerConnection(configuration);
    this.configuration = configuration;
    this.tracks = tracks;
    this.sends = sends;
    this.receives = receives;
    this.opens = opens;
    /** @type {((signal: Signal) => void)|null} */
    this.post = null;
    /** @type {Signal[]} */
    this.unposted = [];
    /** @type {(slot: Slot, track: MediaStreamTrack) => void} */
    this.ontrack = () => {};
    /** @type {(state: RTCIceConnectionState) => void} */
    this.onstate = () => {};
    this.control = this.pc.createDataChannel("control", { negotiated: true, id: 0 });
    this.negotiator = new Negotiator(this.pc, {
      opens, polite: opens, send: (signal) => this.say(signal), answering: () => this.settle(),
    });
    this.pc.addEventListener("track", (event) => this.tracked(event));
    this.mender = new Mender(this.pc, { slack: opens ? 800 : 0, restart: () => this.pc.restartIce(), changed: (state) => this.onstate(state) });
    if (opens) layOut(this.pc, this.direction, sends ? tracks : null); // the other side finds the places made by our offer
  }

  /** @returns {RTCRtpTransceiverDirection} */
  get direction() {
    if (this.sends) return this.receives ? "sendrecv" : "sendonly";
    return this.receives ? "recvonly" : "inactive";
  }

  /** By what we hear the other. */
  get hearing() {
    return this.pc.getTransceivers()[0]?.receiver;
  }

  /** Give every place our direction and our track. */
  async settle() {
    const transceivers = this.pc.getTransceivers();
    await Promise.all(SLOTS.map((slot, index) => {
      const transceiver = transceivers[index];
      if (!transceiver) return null;
      if (transceiver.direction !== this.direction) transceiver.direction = this.direction;
      const track = this.sends ? this.tracks[slot] : null;
      return transceiver.sender.track === track ? null : transceiver.sender.replaceTrack(track);
    }));
  }

  /**
   * Somebody's role changed: both sides may find that they have to offer, which negotiation allows for.
   * @param {boolean} sends
   * @param {boolean} receives
   */
  async allow(sends, receives) {
    if (this.sends === sends && this.receives === receives) return;
    this.sends = sends;
    this.receives = receives;
    await this.settle();
  }

  /**
   * From now on signals go out this way; those made in advance go first.
   * @param {(signal: Signal) => void} post
   */
  address(post) {
    this.post = post;
    for (const signal of this.unposted.splice(0)) post(signal);
  }

  /** @param {Signal} signal */
  say(signal) {
    if (this.post) this.post(signal);
    else this.unposted.push(signal);
  }

  /** @param {Signal} signal */
  take(signal) {
    return this.negotiator.take(signal);
  }

  /** @param {RTCTrackEvent} event */
  tracked({ transceiver, track, receiver }) {
    if (!this.receives) return; // a viewer's media is not wanted
    const slot = SLOTS[this.pc.getTransceivers().indexOf(transceiver)];
    if (!slot) return;
    if (slot !== "audio" && "jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0; // as soon as the network allows
    this.ontrack(slot, track);
  }

  /** @param {RTCIceServer[]} servers whose credentials are fresh */
  renew(servers) {
    this.configuration = { ...this.configuration, iceServers: servers };
    this.pc.setConfiguration(this.configuration);
  }

  close() {
    this.mender.stop();
    this.pc.close();
  }
}

// A larger room: one connection by which we send to the media server, and one by which we receive everybody.
// It stands in for the mesh. What it says goes to our own server, which alone speaks to the media server.

import { layOut } from "./link.js";
import { Mender } from "./mend.js";
import { Negotiator } from "./negotiation.js";
import { Wires } from "./wires.js";

/** @typedef {import("./types.js").Person} Person */
/** @typedef {import("./types.js").Signal} Signal */
/** @typedef {import("./types.js").Slot} Slot */
/** @typedef {import("./types.js").Told} Told */
/** @typedef {(part: "send"|"receive", what: Signal|{restart: true}) => void} Say */

/** Sends our sound, camera and screen. */
class Uplink {
  /**
   * @param {RTCConfiguration} configuration
   * @param {import("./link.js").Tracks} tracks
   * @param {Say} say
   */
  constructor(configuration, tracks, say) {
    this.pc = new RTCPeerConnection(configuration);
    this.mender = new Mender(this.pc, { slack: 0, restart: () => this.pc.restartIce(), changed: () => {} });
    this.negotiator = new Negotiator(this.pc, { opens: true, polite: true, send: (signal) => say("send", signal), answering: async () => {} });
    layOut(this.pc, "sendonly", tracks);
  }

  /** @param {number} crowd how many receive each picture: the more, the smaller it is */
  tune(crowd) {
    const sender = this.pc.getTransceivers()[1]?.sender;
    const parameters = sender?.getParameters();
    if (!sender || !parameters?.encodings?.[0]) return;
    const [encoding] = parameters.encodings;
    const [bitrate, scale] = crowd > 12 ? [150_000, 4] : crowd > 5 ? [300_000, 2] : crowd > 1 ? [900_000, 1.5] : [1_500_000, 1];
    if (encoding.maxBitrate === bitrate) return;
    Object.assign(encoding, { maxBitrate: bitrate, scaleResolutionDownBy: scale });
    sender.setParameters(parameters).catch(() => {}); // refused while negotiating: the next change of people tunes again
  }

  close() {
    this.mender.stop();
    this.pc.close();
  }
}

/** Receives everybody. */
class Downlink {
  /**
   * @param {RTCConfiguration} configuration
   * @param {Say} say
   * @param {(id: number, slot: Slot, receiver: RTCRtpReceiver) => void} attach
   */
  constructor(configuration, say, attach) {
    this.pc = new RTCPeerConnection(configuration);
    this.say = say;
    this.attach = attach;
    /** @type {Promise<void>} */
    this.chain = Promise.resolve();
    this.mender = new Mender(this.pc, {
      slack: 0, restart: () => say("receive", { restart: true }),
      changed: (state) => { if (state === "connected") performance.mark("room:connected"); },
    });
    this.pc.addEventListener("icecandidate", ({ candidate }) => say("receive", { candidate: candidate ? candidate.toJSON() : { candidate: "" } }));
  }

  /** @param {Told} message one after the other, in the order of arrival */
  take(message) {
    this.chain = this.chain.then(() => this.handle(message)).catch((error) => {
      if (this.pc.connectionState !== "closed") console.info("an offer could not be used:", String(error));
    });
  }

  /** @param {Told} message */
  async handle({ description, candidate, streams }) {
    if (candidate) {
      await this.pc.addIceCandidate(candidate.candidate ? candidate : undefined);
      return;
    }
    await this.pc.setRemoteDescription(description);
    await this.pc.setLocalDescription();
    const answer = this.pc.localDescription;
    if (answer) this.say("receive", { description: { type: answer.type, sdp: answer.sdp } });
    const transceivers = this.pc.getTransceivers();
    for (const { mid, peer, slot } of streams) { // a section may have become somebody else's without a track event
      const receiver = transceivers.find((transceiver) => transceiver.mid === mid)?.receiver;
      if (receiver) this.attach(peer, slot, receiver);
    }
  }

  close() {
    this.mender.stop();
    this.pc.close();
  }
}

export class Forwarded {
  /**
   * @param {object} hooks
   * @param {(message: Told) => void} hooks.send
   * @param {() => number} hooks.me
   * @param {(id: number) => boolean} hooks.sends whether somebody is no viewer
   * @param {(id: number, slot: Slot, track: MediaStreamTrack) => void} hooks.attach
   * @param {(id: number, heard: import("./quality.js").Heard) => void} hooks.heard by what to tell who speaks
   * @param {(id: number, wire: import("./wires.js").Wire) => void} hooks.wired
   * @param {() => void} hooks.away the media server went away; we hear when it is back
   */
  constructor({ send, me, sends, attach, heard, wired, away }) {
    this.attach = attach;
    this.heard = heard;
    this.away = away;
    /** @type {Say} */
    this.say = (part, what) => send({ type: "media", part, ...what });
    this.wires = new Wires({ configuration: () => this.configuration, me, sends, wired, send: (to, signal) => send({ type: "signal", to, ...signal }) });
    /** @type {Set<number>} */
    this.people = new Set();
    /** @type {Map<number, import("./link.js").Link>} nobody is linked to us directly */
    this.links = new Map();
    /** @type {import("./link.js").Tracks} */
    this.tracks = { audio: null, camera: null, screen: null };
    /** @type {RTCIceServer[]} */
    this.servers = [];
    /** @type {Uplink|null} */
    this.up = null;
    /** @type {Downlink|null} */
    this.down = null;
    this.ready = false;
    this.may = false;
    this.over = false;
  }

  /** @returns {RTCConfiguration} */
  get configuration() {
    return { iceServers: this.servers, bundlePolicy: "max-bundle" };
  }

  get sends() {
    return this.may;
  }

  set sends(may) {
    this.may = may;
    this.settle();
  }

  /** Send where we may and there is something to send to. */
  settle() {
    const wanted = this.may && this.ready && !this.over;
    if (wanted === Boolean(this.up)) return;
    this.up?.close();
    this.up = wanted ? new Uplink(this.configuration, this.tracks, this.say) : null;
    this.up?.tune(this.people.size);
  }

  /**
   * In the lobby there is nothing to prepare: the media server is joined with the room.
   * @param {number} _count
   * @param {boolean} sends
   */
  async prepare(_count, sends) {
    this.may = sends;
  }

  /** @param {Told} message */
  hear(message) {
    const { state, part, description, candidate } = message;
    if (state) this.stand(state === "ready");
    else if (part === "send") void this.up?.negotiator.take({ description, candidate });
    else {
      if (message.fresh) this.renewDown();
      this.down?.take(message);
    }
  }

  /** @param {boolean} ready whether we have a place at the media server: a new one, with new connections */
  stand(ready) {
    this.up?.close();
    this.up = null;
    this.down?.close();
    this.down = null;
    this.ready = ready;
    this.settle();
    if (!ready) this.away();
  }

  renewDown() {
    this.down?.close();
    const down = new Downlink(this.configuration, this.say, (id, slot, receiver) => this.received(down.pc, id, slot, receiver));
    this.down = down;
  }

  /**
   * @param {RTCPeerConnection} pc
   * @param {number} id
   * @param {Slot} slot
   * @param {RTCRtpReceiver} receiver
   */
  received(pc, id, slot, receiver) {
    if (slot === "audio") this.heard(id, { pc, hearing: receiver });
    else if ("jitterBufferTarget" in receiver) receiver.jitterBufferTarget = 0; // as soon as the network allows
    this.attach(id, slot, receiver.track);
  }

  /** @param {Person} person somebody who was there */
  offerTo(person) {
    this.expect(person);
  }

  /** @param {Person} person */
  expect({ id }) {
    this.people.add(id);
    this.up?.tune(this.people.size);
  }

  welcome() {}

  /**
   * @param {number} from
   * @param {Signal} signal
   */
  take(from, signal) {
    this.wires.take(from, signal);
  }

  /** @param {number} id */
  reach(id) {
    return this.wires.reach(id);
  }

  /** @param {number} id */
  drop(id) {
    this.people.delete(id);
    this.wires.drop(id);
    this.up?.tune(this.people.size);
  }

  /** Close everything: we left. */
  reset() {
    this.ready = false;
    this.settle();
    this.down?.close();
    this.wires.reset();
  }

  /**
   * @param {Slot} slot
   * @param {MediaStreamTrack|null} track
   */
  async carry(slot, track) {
    this.tracks[slot] = track;
    const index = ["audio", "camera", "screen"].indexOf(slot);
    await this.up?.pc.getTransceivers()[index]?.sender.replaceTrack(track);
  }

  /** @param {RTCIceServer[]} servers */
  renew(servers) {
    this.servers = servers;
    for (const one of [this.up, this.down, ...this.wires.all.values()]) one?.pc.setConfiguration({ ...one.pc.getConfiguration(), iceServers: servers });
  }

  /** After our own or somebody's connection came back: what was said last may have been lost with it. */
  repeat() {
    this.up?.negotiator.repeat();
    if (this.down && !["connected", "completed"].includes(this.down.pc.iceConnectionState)) this.say("receive", { restart: true });
    this.wires.repeat();
  }
}

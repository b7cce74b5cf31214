// Links to everyone in the room, and what we send over all of them.

import { Link, SLOTS } from "./link.js";

/** @typedef {import("./types.js").Person} Person */
/** @typedef {import("./types.js").Signal} Signal */
/** @typedef {import("./types.js").Slot} Slot */

const RESERVE_MS = 1500; // after somebody came: their own connection goes first
/** @type {EcKeyGenParams} */
const CURVE = { name: "ECDSA", namedCurve: "P-256" };

export class Mesh {
  /**
   * @param {object} hooks
   * @param {(to: number, signal: Signal) => void} hooks.send
   * @param {(id: number, link: Link) => void} hooks.linked a link begins, before anything is received over it
   */
  constructor({ send, linked }) {
    this.send = send;
    this.linked = linked;
    /** @type {Map<number, Link>} */
    this.links = new Map();
    /** @type {Link[]} made in the lobby, their offers ready: joining then waits for nothing of ours */
    this.spares = [];
    /** @type {Link|null} made in advance too, for the next one who comes */
    this.reserve = null;
    /** @type {import("./link.js").Tracks} */
    this.tracks = { audio: null, camera: null, screen: null };
    /** @type {RTCIceServer[]} */
    this.servers = [];
    this.sends = true;
    this.over = false;
    /** @type {RTCCertificate|null} */
    this.certificate = null;
  }

  /**
   * Be ready to meet that many people.
   * @param {number} count
   * @param {boolean} sends whether we are no viewer
   */
  async prepare(count, sends) {
    this.certificate ??= await RTCPeerConnection.generateCertificate(CURVE);
    if (this.sends !== sends) for (const spare of this.spares.splice(0)) spare.close();
    this.sends = sends;
    while (this.spares.length < count) this.spares.push(this.make(true, true));
    for (const spare of this.spares.splice(count)) spare.close();
  }

  /**
   * @param {boolean} opens
   * @param {boolean} receives
   */
  make(opens, receives) {
    const configuration = {
      iceServers: this.servers,
      bundlePolicy: /** @type {const} */ ("max-bundle"),
      ...(this.certificate ? { certificates: [this.certificate] } : {}),
    };
    return new Link({ configuration, opens, tracks: this.tracks, sends: this.sends, receives });
  }

  /**
   * We are the newcomer: offer to somebody who was there.
   * @param {Person} person
   */
  offerTo(person) {
    const receives = person.role !== "viewer";
    const spare = receives ? this.spares.shift() : undefined;
    this.adopt(person.id, spare ?? this.make(true, receives));
  }

  /**
   * Somebody came: their offer is on its way.
   * @param {Person} person
   */
  expect(person) {
    const receives = person.role !== "viewer";
    const reserve = receives && this.reserve?.sends === this.sends ? this.reserve : null;
    if (reserve) this.reserve = null;
    this.adopt(person.id, reserve ?? this.make(false, receives));
    setTimeout(() => this.welcome(), RESERVE_MS);
  }

  /** Be ready for the next newcomer. */
  welcome() {
    if (this.reserve && this.reserve.sends !== this.sends) this.reserve.close();
    else if (this.reserve || this.over) return;
    this.reserve = this.make(false, true);
  }

  /**
   * @param {number} id
   * @param {Link} link
   */
  adopt(id, link) {
    this.drop(id);
    this.links.set(id, link);
    this.linked(id, link);
    link.address((signal) => this.send(id, signal));
    this.tune();
  }

  /**
   * @param {number} from
   * @param {Signal} signal
   */
  take(from, signal) {
    void this.links.get(from)?.take(signal);
  }

  /** @param {number} id */
  drop(id) {
    this.links.get(id)?.close();
    this.links.delete(id);
    this.tune();
  }

  /** Close everything: we left, or come in anew. */
  reset() {
    for (const link of [...this.links.values(), ...this.spares.splice(0), ...(this.reserve ? [this.reserve] : [])]) link.close();
    this.links.clear();
    this.reserve = null;
  }

  /**
   * Send another track in one of the three places, or none; nothing has to be negotiated for it.
   * @param {Slot} slot
   * @param {MediaStreamTrack|null} track
   */
  async carry(slot, track) {
    this.tracks[slot] = track;
    const index = SLOTS.indexOf(slot);
    const links = [...this.links.values(), ...this.spares].filter((link) => link.sends);
    await Promise.all(links.map((link) => link.pc.getTransceivers()[index]?.sender.replaceTrack(track)));
  }

  /** A camera's copies share our upload: the more people, the smaller each. */
  tune() {
    const crowd = this.links.size;
    for (const link of this.links.values()) {
      const sender = link.pc.getTransceivers()[1]?.sender;
      const parameters = sender?.getParameters();
      if (!sender || !parameters?.encodings?.[0]) continue;
      const [encoding] = parameters.encodings;
      const [bitrate, scale] = crowd > 3 ? [400_000, 2] : crowd > 1 ? [900_000, 1.5] : [2_000_000, 1];
      if (encoding.maxBitrate === bitrate) continue;
      Object.assign(encoding, { maxBitrate: bitrate, scaleResolutionDownBy: scale });
      sender.setParameters(parameters).catch(() => {}); // refused while negotiating: the next change of people tunes again
    }
  }

  /** @param {RTCIceServer[]} servers */
  renew(servers) {
    this.servers = servers;
    for (const link of [...this.links.values(), ...(this.reserve ? [this.reserve] : [])]) link.renew(servers);
  }

  /** Everybody here is linked to us or gone. @param {number} id @returns {Promise<void>} */
  reach(id) {
    return Promise.reject(new Error(`nobody is linked as ${id}`));
  }

  /** Only rooms with a media server hear of it. */
  hear() {}

  /** After our own or somebody's connection came back. */
  repeat() {
    for (const link of this.links.values()) link.negotiator.repeat();
  }
}

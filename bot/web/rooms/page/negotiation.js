// Perfect negotiation (webrtc-pc, 10.7) with one rule more: whoever was there first never makes the first offer.

/** @typedef {import("./types.js").Signal} Signal */

export class Negotiator {
  /**
   * @param {RTCPeerConnection} pc
   * @param {object} sides
   * @param {boolean} sides.opens whether this side makes the first offer
   * @param {boolean} sides.polite whether this side gives way when both offer at once
   * @param {(signal: Signal) => void} sides.send
   * @param {() => Promise<void>} sides.answering runs between taking an offer and answering it
   */
  constructor(pc, { opens, polite, send, answering }) {
    this.pc = pc;
    this.polite = polite;
    this.send = send;
    this.answering = answering;
    this.begun = opens;
    this.making = false;
    this.ignoring = false;
    /** @type {Promise<void>} */
    this.chain = Promise.resolve();
    pc.addEventListener("negotiationneeded", () => void this.offer());
    pc.addEventListener("icecandidate", ({ candidate }) => this.send({ candidate: candidate ? plain(candidate) : { candidate: "" } }));
  }

  get closed() {
    return this.pc.connectionState === "closed";
  }

  /** Offer, where this side may. */
  async offer() {
    if (!this.begun || this.making || this.closed) return;
    this.making = true;
    try {
      await this.pc.setLocalDescription();
      this.tell();
    } catch (error) {
      if (!this.closed) throw error;
    } finally {
      this.making = false;
    }
  }

  /** Say the open offer once more: it or its answer may have been lost with a connection. */
  repeat() {
    if (this.pc.signalingState === "have-local-offer") this.tell();
  }

  /**
   * Take what the other side sent; one after the other, in the order of arrival.
   * @param {Signal} signal
   */
  take(signal) {
    this.chain = this.chain.then(() => this.handle(signal)).catch((error) => {
      if (!this.closed) console.info("a signal could not be used:", String(error));
    });
    return this.chain;
  }

  /** @param {Signal} signal */
  async handle({ description, candidate }) {
    if (description) await this.describe(description);
    else if (candidate) {
      try {
        await this.pc.addIceCandidate(candidate.candidate ? candidate : undefined);
      } catch (error) {
        if (!this.ignoring) throw error;
      }
    }
  }

  /** @param {RTCSessionDescriptionInit} description */
  async describe(description) {
    const collision = description.type === "offer" && (this.making || this.pc.signalingState !== "stable");
    this.ignoring = !this.polite && collision;
    if (this.ignoring) return;
    if (description.type === "answer" && this.pc.signalingState !== "have-local-offer") return; // answered already
    await this.pc.setRemoteDescription(description);
    this.begun = true;
    if (description.type !== "offer") return;
    await this.answering();
    await this.pc.setLocalDescription();
    this.tell();
  }

  tell() {
    const description = this.pc.localDescription;
    if (description) this.send({ description: { type: description.type, sdp: description.sdp } });
  }
}

/**
 * Only what the other side needs; browsers add fields of their own.
 * @param {RTCIceCandidate} candidate
 * @returns {RTCIceCandidateInit}
 */
function plain({ candidate, sdpMid, sdpMLineIndex, usernameFragment }) {
  return { candidate, sdpMid, sdpMLineIndex, usernameFragment };
}

// Files over a link: offered on the control channel, each sent over a channel of its own, checked by its digest.

/** @typedef {import("./link.js").Link|import("./wires.js").Wire} Link */

export const CHUNK = 64 * 1024;
export const LARGEST = 200 * 1024 * 1024; // held whole on both sides: browsers hash no streams
const FULL = 4 * 1024 * 1024; // bytes on their way before we wait
const LOW = 1024 * 1024;
const OPEN_OFFERS = 20; // of one person, before more are passed over

/** @typedef {"waiting"|"moving"|"checking"|"intact"|"broken"|"declined"|"cancelled"|"lost"|"offered"} Stage */

/** One file on its way to or from one person. */
export class Transfer {
  /**
   * @param {{id: string, peer: number, name: string, size: number, outgoing: boolean}} about
   * @param {(transfer: Transfer) => void} changed
   */
  constructor({ id, peer, name, size, outgoing }, changed) {
    this.id = id;
    this.peer = peer;
    this.name = name;
    this.size = size;
    this.outgoing = outgoing;
    this.changed = changed;
    this.moved = 0;
    /** @type {Stage} */
    this.stage = outgoing ? "waiting" : "offered";
    this.sha256 = "";
    /** @type {Blob|null} */
    this.blob = null;
    /** @type {File|null} */
    this.file = null;
    /** @type {RTCDataChannel|null} */
    this.channel = null;
    /** @type {ArrayBuffer[]} */
    this.parts = [];
    this.expected = "";
  }

  get over() {
    return !["waiting", "offered", "moving", "checking"].includes(this.stage);
  }

  /** @param {Stage} stage */
  become(stage) {
    if (this.over) return;
    this.stage = stage;
    if (this.over) {
      this.parts = [];
      this.file = null;
    }
    this.changed(this);
  }

  /** @param {number} bytes */
  advance(bytes) {
    this.moved += bytes;
    this.changed(this);
  }
}

export class Transfers {
  /**
   * @param {object} hooks
   * @param {(transfer: Transfer) => void} hooks.changed
   * @param {(transfer: Transfer) => void} hooks.arrived the receiver found a file of ours intact
   * @param {(peer: number) => Promise<void>} hooks.reach connects to somebody to whom there is no link yet
   */
  constructor({ changed, arrived, reach }) {
    this.changed = changed;
    this.arrived = arrived;
    this.reach = reach;
    /** @type {Map<string, Transfer>} */
    this.all = new Map();
    /** @type {Map<number, Link>} */
    this.links = new Map();
    /** @type {WeakMap<File, Promise<{whole: ArrayBuffer, sha256: string}>>} read once, for everyone who gets it */
    this.contents = new WeakMap();
  }

  /**
   * @param {number} peer
   * @param {Link} link
   */
  follow(peer, link) {
    this.links.set(peer, link);
    link.control.addEventListener("message", ({ data }) => this.hear(peer, JSON.parse(data)));
    link.control.addEventListener("close", () => this.lose(peer, link));
    link.pc.addEventListener("datachannel", ({ channel }) => this.receive(peer, channel));
  }

  /**
   * @param {number} peer
   * @param {Link} [link]
   */
  lose(peer, link) {
    if (link && this.links.get(peer) !== link) return;
    this.links.delete(peer);
    for (const transfer of this.all.values()) if (transfer.peer === peer) transfer.become("lost");
  }

  /**
   * @param {number} peer
   * @param {File} file
   */
  offer(peer, file) {
    const transfer = new Transfer({ id: crypto.randomUUID(), peer, name: file.name, size: file.size, outgoing: true }, this.changed);
    transfer.file = file;
    this.all.set(transfer.id, transfer);
    this.changed(transfer);
    const tell = () => this.tell(transfer, { t: "offer", name: file.name, size: file.size });
    if (this.links.get(peer)?.control.readyState === "open") tell();
    else this.reach(peer).then(tell, () => transfer.become("lost"));
    return transfer;
  }

  /** @param {Transfer} transfer */
  accept(transfer) {
    transfer.become("moving");
    this.tell(transfer, { t: "accept" });
  }

  /** @param {Transfer} transfer */
  decline(transfer) {
    this.tell(transfer, { t: "decline" });
    transfer.become("declined");
  }

  /** @param {Transfer} transfer */
  cancel(transfer) {
    this.tell(transfer, { t: "cancel" });
    transfer.channel?.close();
    transfer.become("cancelled");
  }

  /**
   * @param {Transfer} transfer
   * @param {Record<string, unknown>} message
   */
  tell(transfer, message) {
    const control = this.links.get(transfer.peer)?.control;
    if (control?.readyState === "open") control.send(JSON.stringify({ ...message, id: transfer.id }));
    else transfer.become("lost");
  }

  /**
   * @param {number} peer
   * @param {Record<string, any>} message
   */
  hear(peer, message) {
    if (message.t === "offer") {
      this.offered(peer, message);
      return;
    }
    const transfer = this.all.get(String(message.id));
    if (!transfer || transfer.peer !== peer || transfer.over) return;
    if (message.t === "cancel") {
      transfer.channel?.close();
      transfer.become("cancelled");
    } else if (transfer.outgoing) this.answered(transfer, message);
    else if (message.t === "sha" && /^[0-9a-f]{64}$/.test(message.sha256)) {
      transfer.expected = message.sha256;
      void this.check(transfer);
    }
  }

  /**
   * @param {number} peer
   * @param {Record<string, any>} message
   */
  offered(peer, { id, name, size }) {
    const open = [...this.all.values()].filter((one) => one.peer === peer && !one.over && !one.outgoing);
    const sound = typeof id === "string" && !this.all.has(id) && typeof name === "string" && Number.isSafeInteger(size) && size >= 0 && size <= LARGEST;
    if (!sound || open.length >= OPEN_OFFERS || !this.links.get(peer)?.receives) return;
    const transfer = new Transfer({ id, peer, name: cleaned(name), size, outgoing: false }, this.changed);
    this.all.set(id, transfer);
    this.changed(transfer);
  }

  /**
   * @param {Transfer} transfer one of ours
   * @param {Record<string, any>} message
   */
  answered(transfer, message) {
    if (message.t === "accept" && transfer.stage === "waiting") void this.push(transfer);
    else if (message.t === "decline") transfer.become("declined");
    else if (message.t === "check" && transfer.stage === "checking") {
      transfer.become(message.intact === true ? "intact" : "broken");
      if (message.intact === true) this.arrived(transfer);
    }
  }

  /** @param {Transfer} transfer */
  async push(transfer) {
    const link = this.links.get(transfer.peer);
    const file = transfer.file;
    if (!link || !file) return;
    const channel = link.pc.createDataChannel(`file:${transfer.id}`);
    transfer.channel = channel;
    channel.bufferedAmountLowThreshold = LOW;
    transfer.become("moving");
    try {
      const reading = this.read(file);
      await once(channel, "open");
      const { whole, sha256 } = await reading;
      for (let at = 0; at < whole.byteLength; at += CHUNK) {
        if (transfer.over) return;
        if (channel.bufferedAmount > FULL) await once(channel, "bufferedamountlow");
        const piece = new Uint8Array(whole, at, Math.min(CHUNK, whole.byteLength - at));
        channel.send(piece);
        transfer.advance(piece.byteLength);
      }
      transfer.sha256 = sha256;
      transfer.become("checking");
      this.tell(transfer, { t: "sha", sha256 });
    } catch {
      transfer.become("lost");
    }
  }

  /**
   * @param {File} file
   * @returns {Promise<{whole: ArrayBuffer, sha256: string}>}
   */
  read(file) {
    const reading = this.contents.get(file) ?? file.arrayBuffer().then(async (whole) => ({ whole, sha256: await digest(whole) }));
    this.contents.set(file, reading);
    return reading;
  }

  /**
   * @param {number} peer
   * @param {RTCDataChannel} channel
   */
  receive(peer, channel) {
    const transfer = this.all.get(channel.label.replace(/^file:/, ""));
    if (!transfer || transfer.outgoing || transfer.peer !== peer || transfer.stage !== "moving" || transfer.channel) {
      channel.close();
      return;
    }
    transfer.channel = channel;
    channel.binaryType = "arraybuffer";
    channel.addEventListener("message", ({ data }) => {
      if (transfer.over || !(data instanceof ArrayBuffer)) return;
      if (transfer.moved + data.byteLength > transfer.size) {
        this.cancel(transfer); // more than was announced
        return;
      }
      transfer.parts.push(data);
      transfer.advance(data.byteLength);
      void this.check(transfer);
    });
  }

  /**
   * Once everything and its digest are there.
   * @param {Transfer} transfer
   */
  async check(transfer) {
    if (!transfer.expected || transfer.moved < transfer.size || transfer.stage !== "moving") return;
    transfer.become("checking");
    const blob = new Blob(transfer.parts, { type: "application/octet-stream" }); // never a page of ours
    transfer.sha256 = await digest(await blob.arrayBuffer());
    const intact = transfer.sha256 === transfer.expected;
    if (intact) transfer.blob = blob;
    this.tell(transfer, { t: "check", intact });
    transfer.channel?.close();
    transfer.become(intact ? "intact" : "broken");
  }
}

/** @param {ArrayBuffer} whole */
async function digest(whole) {
  const hashed = new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
  return [...hashed].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * A name without folders or control characters.
 * @param {string} name
 */
function cleaned(name) {
  const plain = name.replace(/[\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069]/g, "").split(/[\\/]/).pop() ?? "";
  return plain.slice(0, 255) || "file";
}

/**
 * @param {RTCDataChannel} channel
 * @param {"open"|"bufferedamountlow"} event
 * @returns {Promise<void>}
 */
function once(channel, event) {
  return new Promise((resolve, reject) => {
    const over = new AbortController();
    const end = (/** @type {() => void} */ settle) => { over.abort(); settle(); };
    if (event === "open" && channel.readyState === "open") resolve();
    else {
      channel.addEventListener(event, () => end(resolve), { signal: over.signal });
      channel.addEventListener("close", () => end(() => reject(new Error("the channel closed"))), { signal: over.signal });
    }
  });
}

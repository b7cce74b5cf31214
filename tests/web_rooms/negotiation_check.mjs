// The page's negotiation against a model of RTCPeerConnection, under random delays: `node negotiation_check.mjs PAGE SEEDS`.
// It prints one line of JSON: how many schedules ran, how many glares were met, and every fault.

import { pathToFileURL } from "node:url";

const { Negotiator } = await import(pathToFileURL(`${process.argv[2]}/negotiation.js`).href);
const seeds = Number(process.argv[3]);

/** A small generator, so that a schedule can be run again. */
function dice(seed) {
  let state = seed * 2654435761 + 1;
  return () => {
    state = (state ^ (state << 13)) >>> 0;
    state = (state ^ (state >>> 17)) >>> 0;
    state = (state ^ (state << 5)) >>> 0;
    return state / 2 ** 32;
  };
}

/** Tasks that run in a random order, each later than what caused it: time without sleeping. */
class World {
  constructor(roll) { this.roll = roll; this.due = []; this.now = 0; }
  later(work, most = 10) { this.due.push({ at: this.now + this.roll() * most, work }); }
  pause(most = 3) { return new Promise((go) => this.later(go, most)); }
  async run() {
    for (let step = 0; this.due.length && step < 5000; step += 1) {
      this.due.sort((one, other) => one.at - other.at);
      const { at, work } = this.due.shift();
      this.now = at;
      work();
      for (let turn = 0; turn < 12; turn += 1) await null;
    }
  }
}

/** The signalling half of RTCPeerConnection (webrtc-pc 4.4.1 and 4.7): operations one at a time, implicit rollback. */
class FakeConnection extends EventTarget {
  constructor(world, name) {
    super();
    Object.assign(this, { world, name, signalingState: "stable", connectionState: "new", localDescription: null, wants: 0, agreed: 0, carried: 0, chain: Promise.resolve(), remote: "", offers: 0, pending: 0 });
  }

  operate(work) {
    this.pending += 1;
    const done = this.chain.then(async () => { await this.world.pause(); return work(); }).finally(() => { this.pending -= 1; this.check(); });
    this.chain = done.catch(() => {});
    return done;
  }

  need() { // such as restartIce or a new direction
    this.wants += 1;
    this.check();
  }

  check() {
    if (!this.needed || this.queued) return;
    this.queued = true;
    this.world.later(() => { this.queued = false; if (this.needed) this.dispatchEvent(new Event("negotiationneeded")); }, 1);
  }

  get needed() { // the event never comes while an operation is under way (webrtc-pc 4.7.3)
    return this.signalingState === "stable" && this.agreed < this.wants && !this.pending;
  }

  setLocalDescription() {
    return this.operate(() => {
      if (this.signalingState === "have-remote-offer") {
        this.localDescription = { type: "answer", sdp: `${this.remote}>${this.name}` };
        this.settle(this.localDescription.sdp);
      } else {
        this.offers += 1;
        this.carried = this.wants;
        this.localDescription = { type: "offer", sdp: `${this.name}${this.offers}` };
        this.signalingState = "have-local-offer";
      }
    });
  }

  setRemoteDescription({ type, sdp }) {
    return this.operate(() => {
      if (type === "offer") {
        this.rolledBack = this.signalingState === "have-local-offer";
        this.signalingState = "have-remote-offer";
        this.remote = sdp;
      } else {
        if (this.signalingState !== "have-local-offer") throw new Error(`an answer in ${this.signalingState}`);
        if (!sdp.startsWith(`${this.localDescription.sdp}>`)) throw new Error(`${this.name} has ${this.localDescription.sdp}, and is answered ${sdp}`);
        this.agreed = this.carried;
        this.settle(sdp);
      }
    });
  }

  settle(sdp) {
    this.signalingState = "stable";
    this.common = sdp;
    this.check();
  }

  addIceCandidate() { return this.operate(() => {}); }
}

const unused = [];
console.info = (...words) => unused.push(words.join(" "));
const found = { schedules: 0, glares: 0, faults: [] };
for (let seed = 1; seed <= seeds; seed += 1) {
  const roll = dice(seed);
  const world = new World(roll);
  const sides = ["old", "new"].map((name) => ({ name, pc: new FakeConnection(world, name), first: true }));
  const log = [];
  sides.forEach((side, index) => {
    const other = sides[1 - index];
    let last = 0; // the socket keeps the order
    const send = ({ description }) => {
      if (!description) return;
      log.push(`${side.name}:${description.type}`);
      last = Math.max(last, world.now + roll() * 10) + 1e-6;
      world.due.push({ at: last, work: () => void other.negotiator.take({ description }) });
    };
    side.negotiator = new Negotiator(side.pc, { opens: side.name === "new", polite: side.name === "new", send, answering: async () => world.pause(1) });
  });
  for (const side of sides) side.pc.need();
  for (let turn = 0; turn < 6; turn += 1) world.later(() => sides[roll() < 0.5 ? 0 : 1].pc.need(), 80);
  await world.run();

  found.schedules += 1;
  found.glares += sides.filter(({ pc }) => pc.rolledBack).length;
  const [old, newcomer] = sides.map(({ pc }) => pc);
  for (const words of unused.splice(0)) found.faults.push(`seed ${seed}: ${words}`);
  const say = (fault) => found.faults.push(`seed ${seed}: ${fault} (${log.join(" ")})`);
  if (log[0] !== "new:offer" || (log[1] ?? "old:answer") !== "old:answer" && log[1] !== "new:offer") say("the newcomer opens, alone");
  if (log.indexOf("old:offer") >= 0 && log.indexOf("old:offer") < log.indexOf("old:answer")) say("whoever was there offered before answering");
  if (old.signalingState !== "stable" || newcomer.signalingState !== "stable") say(`stuck in ${old.signalingState} and ${newcomer.signalingState}`);
  if (old.common !== newcomer.common) say(`agreed on ${old.common} and ${newcomer.common}`);
  if (old.agreed < old.wants && !newcomer.agreed) say("nothing was negotiated");
  if (newcomer.agreed < newcomer.wants) say("the newcomer's wish was lost");
}
console.log(JSON.stringify(found));

// Our own camera, microphone and screen.

/** @typedef {"blocked"|"absent"|"busy"|"insecure"|""} Trouble */
/** @typedef {"audio"|"video"} Kind */

const VIDEO = { width: { ideal: 960 }, height: { ideal: 540 }, frameRate: { ideal: 30 } };
const AUDIO = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
/** @type {Record<string, Trouble>} */
const TROUBLES = { NotAllowedError: "blocked", SecurityError: "blocked", NotFoundError: "absent", OverconstrainedError: "absent", NotReadableError: "busy", AbortError: "busy" };

export class Devices {
  /** @param {() => void} changed */
  constructor(changed) {
    this.changed = changed;
    /** @type {MediaStreamTrack|null} */
    this.audio = null;
    /** @type {MediaStreamTrack|null} */
    this.camera = null;
    /** @type {MediaStreamTrack|null} */
    this.screen = null;
    /** @type {Trouble} */
    this.trouble = "";
    /** @type {Kind|""} what could not be had, where the other could */
    this.lacks = "";
    this.muted = false;
    /** @type {Record<Kind, string>} */
    this.chosen = { audio: "", video: "" };
    this.speaker = "";
    /** @type {AnalyserNode|null} */
    this.analyser = null;
    /** @type {AudioContext|null} */
    this.context = null;
    navigator.mediaDevices?.addEventListener("devicechange", () => this.changed());
  }

  /** Ask for both; where one is missing or refused, for the other alone. */
  async start() {
    this.trouble = "";
    if (!navigator.mediaDevices) this.trouble = "insecure";
    else {
      const stream = await this.ask({ audio: this.wanted("audio"), video: this.wanted("video") })
        ?? await this.ask({ audio: this.wanted("audio") }) ?? await this.ask({ video: this.wanted("video") });
      for (const track of stream?.getTracks() ?? []) this.keep(track);
      if (stream) this.trouble = "";
      this.lacks = stream?.getVideoTracks().length ? (stream.getAudioTracks().length ? "" : "audio") : "video";
    }
    this.changed();
  }

  /** @param {MediaStreamConstraints} constraints @returns {Promise<MediaStream|null>} */
  async ask(constraints) {
    try {
      return await navigator.mediaDevices.getUserMedia(constraints);
    } catch (error) {
      this.trouble = TROUBLES[error instanceof DOMException ? error.name : ""] ?? "busy";
      return null;
    }
  }

  /** @param {Kind} kind @returns {MediaTrackConstraints} */
  wanted(kind) {
    const device = this.chosen[kind] ? { deviceId: { exact: this.chosen[kind] } } : {};
    return { ...(kind === "audio" ? AUDIO : VIDEO), ...device };
  }

  /** @param {MediaStreamTrack} track */
  keep(track) {
    if (track.kind === "audio") {
      this.audio?.stop();
      this.audio = track;
      track.enabled = !this.muted;
      this.listen(track);
    } else {
      this.camera?.stop();
      this.camera = track;
    }
    track.addEventListener("ended", () => {
      if (this.audio === track) this.audio = null;
      if (this.camera === track) this.camera = null;
      this.changed();
    });
  }

  /** @param {boolean} muted */
  mute(muted) {
    this.muted = muted;
    if (this.audio) this.audio.enabled = !muted;
    this.changed();
  }

  /** Start or stop the camera; stopped, its light is off. @returns {Promise<boolean>} whether it worked */
  async toggleCamera() {
    if (this.camera) {
      this.camera.stop();
      this.camera = null;
    } else {
      const stream = await this.ask({ video: this.wanted("video") });
      for (const track of stream?.getVideoTracks() ?? []) this.keep(track);
      if (!stream) return false;
    }
    this.changed();
    return true;
  }

  /** Ask for the microphone where there is none yet. @returns {Promise<boolean>} whether there is one */
  async startMicrophone() {
    const stream = await this.ask({ audio: this.wanted("audio") });
    for (const track of stream?.getAudioTracks() ?? []) this.keep(track);
    this.changed();
    return stream !== null;
  }

  /** @returns {Promise<boolean>} whether the screen is shared or not as asked */
  async toggleScreen() {
    if (this.screen) {
      this.screen.stop();
      this.screen = null;
    } else {
      try {
        const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { ideal: 15 } }, audio: false });
        this.screen = stream.getVideoTracks()[0] ?? null;
      } catch {
        return false;
      }
      if (this.screen) this.watchScreen(this.screen);
    }
    this.changed();
    return true;
  }

  /** @param {MediaStreamTrack} track */
  watchScreen(track) {
    track.contentHint = "detail"; // text must stay sharp
    track.addEventListener("ended", () => {
      if (this.screen === track) this.screen = null;
      this.changed();
    });
  }

  /**
   * Use another device from now on. @returns {Promise<boolean>} whether it could be used
   * @param {Kind} kind
   * @param {string} id
   */
  async choose(kind, id) {
    const before = this.chosen[kind];
    this.chosen[kind] = id;
    const stream = await this.ask({ [kind]: this.wanted(kind) });
    if (!stream) this.chosen[kind] = before;
    for (const track of stream?.getTracks() ?? []) this.keep(track);
    this.changed();
    return stream !== null;
  }

  /** @param {MediaStreamTrack} track */
  listen(track) {
    this.context ??= new AudioContext();
    this.analyser = this.context.createAnalyser();
    this.analyser.fftSize = 512;
    this.context.createMediaStreamSource(new MediaStream([track])).connect(this.analyser);
  }

  /** How loud we are, from 0 to 1. */
  level() {
    if (!this.analyser || !this.audio?.enabled) return 0;
    const samples = new Float32Array(this.analyser.fftSize);
    this.analyser.getFloatTimeDomainData(samples);
    return Math.min(1, Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length) * 4);
  }

  /** Let go of everything. */
  stop() {
    for (const track of [this.audio, this.camera, this.screen]) track?.stop();
    this.audio = this.camera = this.screen = null;
    void this.context?.close();
    this.context = null;
    this.analyser = null;
  }
}

/**
 * @param {MediaDeviceKind} kind
 * @returns {Promise<MediaDeviceInfo[]>}
 */
export async function listed(kind) {
  const all = await navigator.mediaDevices?.enumerateDevices() ?? [];
  return all.filter((device) => device.kind === kind && device.deviceId);
}

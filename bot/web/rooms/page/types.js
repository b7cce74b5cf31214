// The shapes that travel over the socket, and those that the modules share. Nothing here runs.

/** @typedef {"host"|"cohost"|"member"|"viewer"} Role */
/** @typedef {{muted: boolean, camera: boolean, sharing: boolean}} Shown */
/** @typedef {{id: number, member: number, name: string, role: Role, zone: string, from: string, to: string, workdays: string, shown: Shown}} Person */
/** @typedef {{kind: "chat"|"note"|"decision"|"file", text: string, by: string, member: number, at: string}} Line */
/**
 * @typedef {object} Seat
 * @property {string} title
 * @property {number} cap
 * @property {number} member
 * @property {string} name
 * @property {Role} role
 * @property {string} language
 * @property {string} zone their own
 * @property {string} now the bot's clock
 * @property {boolean} recording
 * @property {"mesh"|"server"} media whether sound and picture go straight between browsers, or through a media server
 * @property {string} side address of the page beside the video, or empty
 * @property {Person[]} people
 * @property {RTCIceServer[]} ice
 */
/** @typedef {{description?: RTCSessionDescriptionInit, candidate?: RTCIceCandidateInit}} Signal */
/** @typedef {{type: string, [field: string]: any}} Told */
/** @typedef {"audio"|"camera"|"screen"} Slot */
/** @typedef {"good"|"fair"|"poor"|"none"} Quality */

export {};

// The page's own words, each in English and in Simplified Chinese; what people write stays as they wrote it.

/** @satisfies {Record<string, readonly [string, string]>} */
const WORDS = {
  opening: ["Opening the room …", "正在打开会议室……"],
  lobby: ["Before you come in", "加入之前"],
  join: ["Join", "加入"],
  joining: ["Joining …", "正在加入……"],
  join_listening: ["Join to listen", "加入旁听"],
  as_role: ["You join as {name}, {role}.", "您将以 {name}（{role}）的身份加入。"],
  nobody_here: ["Nobody is here yet.", "还没有人。"],
  here_now: ["Here now: {names}", "已在会议中：{names}"],
  preview: ["Your camera", "您的摄像头"],
  no_preview: ["Your camera is off", "摄像头已关闭"],
  level: ["Microphone level", "麦克风音量"],
  host: ["host", "主持人"],
  cohost: ["co-host", "联席主持人"],
  member: ["member", "成员"],
  viewer: ["viewer", "旁听者"],
  you: ["you", "您"],
  microphone: ["Microphone", "麦克风"],
  camera: ["Camera", "摄像头"],
  speaker: ["Speaker", "扬声器"],
  mute: ["Mute", "静音"],
  unmute: ["Unmute", "取消静音"],
  camera_off: ["Stop camera", "关闭摄像头"],
  camera_on: ["Start camera", "打开摄像头"],
  share: ["Share screen", "共享屏幕"],
  unshare: ["Stop sharing", "停止共享"],
  chat: ["Chat", "聊天"],
  people: ["People", "成员"],
  minutes: ["Minutes", "纪要"],
  board: ["Board", "看板"],
  settings: ["Devices", "设备"],
  help: ["Help", "帮助"],
  leave: ["Leave", "离开"],
  end_all: ["End for everyone", "结束会议"],
  end_sure: ["End the room for everyone?", "确定为所有人结束会议吗？"],
  cancel: ["Cancel", "取消"],
  close: ["Close", "关闭"],
  send: ["Send", "发送"],
  message: ["Message to everyone", "发送给所有人的消息"],
  send_file: ["Send a file", "发送文件"],
  everyone: ["everyone", "所有人"],
  to_whom: ["To", "发送给"],
  note_decision: ["Note a decision", "记录决定"],
  note_note: ["Note", "记录备注"],
  note_text: ["What was decided, or is worth keeping", "决定了什么，或值得记下的内容"],
  decision: ["Decision", "决定"],
  note: ["Note", "备注"],
  file: ["File", "文件"],
  no_lines: ["Nothing was said in writing yet.", "还没有文字消息。"],
  no_notes: ["No decisions or notes yet. What you write here goes into the minutes.", "还没有决定或备注。此处的内容会写入会议纪要。"],
  controls: ["Controls", "控制栏"],
  side: ["Beside the video", "侧栏"],
  stage: ["Video", "视频"],
  muted: ["muted", "已静音"],
  sharing: ["sharing the screen", "正在共享屏幕"],
  screen_of: ["{name}'s screen", "{name} 的屏幕"],
  at_work: ["in working hours", "工作时间"],
  off_work: ["outside working hours", "非工作时间"],
  ask_mute: ["Ask to mute", "请其静音"],
  ask_mute_name: ["Ask {name} to mute", "请 {name} 静音"],
  remove: ["Remove", "移出"],
  remove_name: ["Remove {name}", "移出 {name}"],
  raise: ["Let take part", "允许发言"],
  raise_name: ["Let {name} take part", "允许 {name} 参与发言"],
  alone: ["You are the first one here. Others come in by their own links.", "您是第一位。其他人会通过各自的链接加入。"],
  in_room: ["{count} in the room", "会议中 {count} 人"],
  recording: ["This room is being recorded.", "本会议正在录制。"],
  arrived: ["{name} came in.", "{name} 加入了会议。"],
  gone: ["{name} left.", "{name} 离开了会议。"],
  gone_removed: ["{name} was removed.", "{name} 已被移出。"],
  away: ["{name} lost the connection.", "{name} 的连接已断开。"],
  back: ["{name} is back.", "{name} 已重新连接。"],
  raised: ["{name} may now take part.", "{name} 现在可以参与发言。"],
  raised_you: ["You may now speak, show your camera and write.", "您现在可以发言、打开摄像头并发送消息。"],
  asked_mute: ["{name} asked you to mute; your microphone is off now.", "{name} 请您静音；麦克风已关闭。"],
  shares: ["{name} shares their screen.", "{name} 正在共享屏幕。"],
  reconnecting: ["The connection is lost. Reconnecting …", "连接已断开，正在重新连接……"],
  reconnected: ["Connected again.", "已重新连接。"],
  quality_good: ["Good connection", "连接良好"],
  quality_fair: ["Fair connection", "连接一般"],
  quality_poor: ["Poor connection", "连接较差"],
  quality_none: ["Connecting …", "正在连接……"],
  listener: ["You listen only: {why}", "您只能旁听：{why}"],
  why_viewer: ["viewers see and hear, and a host can let you take part.", "旁听者可看可听，主持人可允许您参与。"],
  why_blocked: ["the browser may not use your camera or microphone. Allow it in the address bar, then choose a device.", "浏览器未获准使用摄像头或麦克风。请在地址栏中允许，然后选择设备。"],
  why_absent: ["no camera or microphone was found.", "未找到摄像头或麦克风。"],
  why_busy: ["your camera or microphone is in use by another program.", "摄像头或麦克风正被其他程序占用。"],
  why_insecure: ["browsers give a camera only to pages over https.", "浏览器只允许 https 页面使用摄像头。"],
  no_camera: ["No camera could be used; the others hear you.", "无法使用摄像头；其他人可以听到您。"],
  no_microphone: ["No microphone could be used; the others see you.", "无法使用麦克风；其他人可以看到您。"],
  hear: ["Click to hear the others", "点击以收听声音"],
  share_failed: ["The screen was not shared.", "未能共享屏幕。"],
  device_failed: ["That device could not be used.", "无法使用该设备。"],
  device_number: ["{kind} {number}", "{kind} {number}"],
  file_offer: ["{name} would like to send you {file} ({size}).", "{name} 想向您发送 {file}（{size}）。"],
  file_waiting: ["Waiting for {name} to accept", "等待 {name} 接收"],
  file_sending: ["Sending to {name}", "正在发送给 {name}"],
  file_receiving: ["Receiving from {name}", "正在接收 {name} 的文件"],
  file_checking: ["Checking …", "正在校验……"],
  file_intact_sent: ["Arrived intact at {name} (SHA-256 {sha})", "已完整送达 {name}（SHA-256 {sha}）"],
  file_intact: ["Intact (SHA-256 {sha})", "文件完整（SHA-256 {sha}）"],
  file_broken: ["The file arrived damaged and was thrown away.", "文件已损坏，已丢弃。"],
  file_declined: ["{name} declined.", "{name} 已拒绝。"],
  file_cancelled: ["Cancelled.", "已取消。"],
  file_lost: ["The connection was lost.", "连接已断开。"],
  file_too_big: ["{file} is larger than {size}.", "{file} 超过 {size}。"],
  file_nobody: ["There is nobody to send a file to.", "没有可以接收文件的人。"],
  accept: ["Accept", "接收"],
  decline: ["Decline", "拒绝"],
  save: ["Save", "保存"],
  dismiss: ["Dismiss", "移除"],
  progress: ["Progress of {file}", "{file} 的进度"],
  key_m: ["Mute or unmute", "静音或取消静音"],
  key_space: ["Hold to mute for a moment (or to speak while muted)", "按住可暂时静音（静音时按住可发言）"],
  key_v: ["Camera on or off", "打开或关闭摄像头"],
  key_s: ["Share the screen or stop", "共享屏幕或停止"],
  key_c: ["Chat", "聊天"],
  key_help: ["This help", "显示此帮助"],
  space: ["Space", "空格键"],
  keys: ["Keyboard", "键盘快捷键"],
  privacy: ["Sound, picture and files go straight from browser to browser, encrypted. Nothing is recorded unless a notice says so. Decisions, notes and the names of files go into the minutes; the chat stays here.", "声音、画面和文件在浏览器之间加密直传。除非有提示，否则不会录制。决定、备注和文件名会写入会议纪要，聊天内容不会。"],
  privacy_server: ["Sound and picture go through your team's own media server, encrypted on the way there and back; files go straight from browser to browser. Nothing is recorded unless a notice says so. Decisions, notes and the names of files go into the minutes; the chat stays here.", "声音和画面经由贵团队自己的媒体服务器加密转发；文件在浏览器之间加密直传。除非有提示，否则不会录制。决定、备注和文件名会写入会议纪要，聊天内容不会。"],
  media_away: ["Sound and picture are interrupted. Trying again …", "声音和画面已中断，正在重试……"],
  error_media: ["The others cannot see or hear you at the moment.", "其他人暂时无法看到或听到您。"],
  error_full: ["The room is full. Somebody must leave first.", "会议室已满，需有人先离开。"],
  error_not_host: ["Only a host or a co-host may do that.", "只有主持人或联席主持人可以这样做。"],
  error_rank: ["Only somebody of a lesser role can be removed.", "只能移出角色更低的人。"],
  error_viewer: ["Viewers only see and hear.", "旁听者只能看和听。"],
  error_refused: ["This was not kept: whoever may only read notes nothing, or the minutes are full.", "未予记录：只读成员不能记录，或纪要已满。"],
  error_too_fast: ["That was too fast; please wait a moment.", "操作过快，请稍候。"],
  error_other: ["That did not work.", "操作未成功。"],
  bye_too_often: ["Too many tries; please wait a minute.", "尝试次数过多，请稍等一分钟。"],
  bye_refused: ["You cannot come in.", "您无法进入。"],
  bye_removed: ["A host removed you from this room.", "主持人已将您移出会议室。"],
  bye_ended: ["The room was ended for everyone.", "会议已为所有人结束。"],
  bye_elsewhere: ["You joined from another tab or device.", "您已在其他标签页或设备上加入。"],
  bye_malformed: ["The connection was closed because of faulty messages. Please reload the page.", "因消息有误连接已关闭，请重新加载页面。"],
  bye_left: ["You have left the room.", "您已离开会议室。"],
  bye_no_session: ["Please open the room by the link that you were given.", "请通过您收到的链接打开会议室。"],
  bye_unreachable: ["The room cannot be reached. Please reload the page in a moment.", "无法连接会议室，请稍后重新加载页面。"],
  come_back: ["Come back in", "重新加入"],
};

/** @typedef {keyof typeof WORDS} Word */

let column = 0;

/** @param {string} language such as en or zh_CN */
export function speak(language) {
  column = language.toLowerCase().startsWith("zh") ? 1 : 0;
  document.documentElement.lang = column ? "zh-CN" : "en";
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(word(node.getAttribute("data-t")));
  for (const node of document.querySelectorAll("[data-t-label]")) node.setAttribute("aria-label", t(word(node.getAttribute("data-t-label"))));
  for (const node of document.querySelectorAll("[data-t-hint]")) node.setAttribute("placeholder", t(word(node.getAttribute("data-t-hint"))));
}

/**
 * A sentence with its places filled.
 * @param {Word} key
 * @param {Record<string, string|number>} [values]
 */
export function t(key, values = {}) {
  return WORDS[key][column].replace(/\{(\w+)\}/g, (place, name) => String(values[name] ?? place));
}

/** @param {string} key @returns {key is Word} */
export const isWord = (key) => Object.hasOwn(WORDS, key);

/** @param {string|null} key @returns {Word} */
function word(key) {
  if (!key || !isWord(key)) throw new Error(`no words for ${key}`);
  return key;
}

export const locale = () => (column ? "zh-CN" : "en-GB");

/** @param {number} bytes */
export function amount(bytes) {
  const steps = ["byte", "kilobyte", "megabyte"];
  const step = bytes < 1000 ? 0 : bytes < 1e6 ? 1 : 2;
  const options = { style: /** @type {const} */ ("unit"), unit: steps[step], unitDisplay: /** @type {const} */ ("short"), maximumFractionDigits: 1 };
  return new Intl.NumberFormat(locale(), options).format(bytes / 1000 ** step);
}

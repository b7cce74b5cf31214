// The page's own words; what the bot says comes from the bot, in the reader's or the room's language.

const ENGLISH = {
  hour: "+1 hour", morning: "Next morning", send: "Send", only: "Only visible to you", empty: "Nothing here yet.",
  home: "Home", opening: "Opening …", edited: "edited", asleep: "off work", awake: "at work", people: "Viewer",
  approver: "may approve", lost: "The demo has stopped, or cannot be reached. Trying again …",
  gone: "This button is gone: the message has changed since.", failed: "That did not work.",
  whispered: "Answered you in private: see the chat called Stocktide.", rooms: "Conversations", try: "Try", typed: "Message",
  story: "Approve as Petra on one side: the other follows; most orders need Lin too, then stand under Orders below. Type /promo and look at the Shop. Switch the viewer: every time changes. Next morning: digests in private.",
  shop: "Shop", orders: "Orders that went out",
  drop: "Answer nothing", required: "Please complete this required field.", number: "Please write a whole number.", optional: "(optional)", close: "Close",
  least: (number) => `${number} is the least.`, most: (number) => `${number} is the most.`, shorter: (count) => `At least ${count} characters, please.`,
  invalid: (command) => `Slack knows no ${command} here. Every command is reachable as /stocktide, such as /stocktide ${command.slice(1)}.`,
  now: (time, place) => `Now ${time} in ${place}`,
  unread: (count) => `${count} unread`,
  join: "Join", over: "This call has ended.", nobody: "Nobody is there yet.",
};

const CHINESE = {
  hour: "快进 1 小时", morning: "到次日早晨", send: "发送", only: "仅您可见", empty: "这里还没有消息。",
  home: "主页", opening: "正在打开……", edited: "已编辑", asleep: "休息中", awake: "工作中", people: "查看者",
  approver: "可审批", lost: "演示已停止或无法连接，正在重试……",
  gone: "此按钮已失效：消息已更新。", failed: "操作未成功。",
  whispered: "已私下回复您：请看名为 Stocktide 的会话。", rooms: "会话", try: "试试", typed: "消息",
  story: "以 Lin 的身份在一侧批准，另一侧随即更新；多数采购单还需 Petra 批准，之后在下方“已发出的采购单”里可见。输入 /promo，再看“店铺”。切换查看者，所有时间随之改变；推到次日早晨，私聊里会收到早报。",
  shop: "店铺", orders: "已发出的采购单",
  drop: "不回复", required: "请填写此必填项。", number: "请填写整数。", optional: "（选填）", close: "关闭",
  least: (number) => `最小为 ${number}。`, most: (number) => `最大为 ${number}。`, shorter: (count) => `至少 ${count} 个字符。`,
  invalid: (command) => `这个 Slack 没有 ${command} 命令。所有命令都可以写成 /stocktide，例如 /stocktide ${command.slice(1)}。`,
  now: (time, place) => `现在是${place}时间 ${time}`,
  unread: (count) => `${count} 条未读`,
  join: "加入", over: "此通话已结束。", nobody: "还没有人加入。",
};

/** @param {string} language such as en or zh_CN */
export const wordsOf = (language) => (language.startsWith("zh") ? CHINESE : ENGLISH);

/** What one click types for you, side by side. */
export const TRY = {
  slack: ["/stock 85123A", "/stock white hanging", "/stock 85123Q", "/restock", "/slow UK", "/promo", "/stocktide policy", "/stocktide who", "/digest now", "/stocktide help"],
  telegram: ["/requests", "/requests orders", "/stock 85123A", "/cases", "/halt", "/who", "/digest now", "/me", "/help"],
};

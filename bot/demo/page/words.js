// The page's own words in two languages; what the bot says comes from the bot.

const WORDS = {
  en: {
    demo: "demo", you: "You are", panel: "Kling’s behaviour", today: "Today",
    plain: "A demo on this machine: no account, no real Telegram, no real Kling. The bot in the chat is the real program.",
    render_seconds: "Seconds to render", failure_rate: "Renders that fail", throttle: "Busy: refuse new work", lose_answers: "Lose answers on the way",
    admin: "the bot’s admin", hint: "Message", attach: "Attach", send: "Send", menu: "Commands", back: "Chats", down: "To the newest",
    theme: "Light or dark", tongue: "中文", bot: "bot", people: "people and the bot", typing: "typing…", upload_video: "sending a video…", upload_photo: "sending a photo…",
    reply: "Reply", edit: "Edit", copy: "Copy text", copy_code: "Copy", edited: "edited", editing: "Edit message", copied: "Copied", drop: "Drop photos here",
    photo: "Photo", video: "Video", album: "Album", document: "File", voice: "Voice message", audio: "Audio", animation: "GIF", sticker: "Sticker", invoice: "Invoice",
    paid: "You paid", refunded: "Refunded", topic: "opened the topic", refused: "The payment was declined", empty: "No messages here yet", hello: "Say what the video should show, or send a photo.",
    tries: ["/video a fox in the snow", "/video waves at sunset 10s 9:16", "/help"], over: "The demo has ended. This page goes on when it runs again.", close: "Close", remove: "Remove", more: "More",
    gone: "The button does not answer", unsent: "It could not be sent",
  },
  zh: {
    demo: "演示", you: "你是", panel: "Kling 的表现", today: "今天",
    plain: "这是本机上的演示：没有账号，不连 Telegram，也不连 Kling。聊天里的机器人是真正的程序。",
    render_seconds: "渲染秒数", failure_rate: "渲染失败率", throttle: "繁忙：拒绝新任务", lose_answers: "途中丢失应答",
    admin: "机器人管理员", hint: "消息", attach: "附件", send: "发送", menu: "命令", back: "聊天列表", down: "到最新消息",
    theme: "浅色或深色", tongue: "English", bot: "机器人", people: "位成员和机器人", typing: "正在输入…", upload_video: "正在发送视频…", upload_photo: "正在发送图片…",
    reply: "回复", edit: "编辑", copy: "复制文字", copy_code: "复制", edited: "已编辑", editing: "编辑消息", copied: "已复制", drop: "把图片拖到这里",
    photo: "图片", video: "视频", album: "相册", document: "文件", voice: "语音", audio: "音频", animation: "GIF", sticker: "贴纸", invoice: "账单",
    paid: "已支付", refunded: "已退款", topic: "创建了话题", refused: "付款被拒绝", empty: "还没有消息", hello: "说说视频要拍什么，或者发一张图片。",
    tries: ["/video 雪地里的狐狸", "/video 日落海浪 10s 9:16", "/help"], over: "演示已结束。再次运行后本页会继续。", close: "关闭", remove: "移除", more: "更多",
    gone: "按钮没有应答", unsent: "没能发送",
  },
};

let tongue = localStorage.getItem("tongue") || (navigator.language.startsWith("zh") ? "zh" : "en");

export const t = (name) => WORDS[tongue][name];
export const locale = () => (tongue === "zh" ? "zh-CN" : "en-GB");

export function toggleTongue() {
  tongue = tongue === "en" ? "zh" : "en";
  localStorage.setItem("tongue", tongue);
}

/** Write the words into everything that names one: data-t, data-label and data-hint. */
export function label() {
  document.documentElement.lang = tongue;
  document.querySelectorAll("[data-t]").forEach((node) => { node.textContent = t(node.dataset.t); });
  document.querySelectorAll("[data-label]").forEach((node) => { node.title = t(node.dataset.label); node.setAttribute("aria-label", node.title); });
  document.querySelectorAll("[data-hint]").forEach((node) => { node.placeholder = t(node.dataset.hint); node.setAttribute("aria-label", node.placeholder); });
}

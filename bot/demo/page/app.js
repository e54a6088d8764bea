"use strict";
// The chat page of the demo. Everything that people or the bot wrote is put in as text, never as HTML.

const WORDS = {
  en: { demo: "demo", plain: "Everything happens on this machine. Nothing is sent to Telegram or Kling, and nothing costs anything.", seats: "Sit in the chair of", knobs: "Kling's behaviour", seconds: "Seconds to render", failures: "Share that fails", throttle: "Throttle: come back later", lose: "Lose the answers", write: "Write a message, or / for commands", attach: "Attach photos", send: "Send", user: "a user", admin: "the admin", group: "a group", reply: "Reply", edit: "Edit", edited: "edited", copied: "Copied", sending: "sending a video…", typing: "typing…", ready: "bot", replying: "Reply to", editing: "Edit the message", photos: "photos", hello: "Say something to the bot", tries: ["/start", "/video a fox in the snow 10s", "/help"], photo: "Photo", video: "Video" },
  zh: { demo: "演示", plain: "一切都在本机运行，不会连接 Telegram 或可灵，也不产生任何费用。", seats: "切换座位", knobs: "可灵的表现", seconds: "渲染秒数", failures: "失败比例", throttle: "限流：稍后再来", lose: "丢失应答", write: "写消息，输入 / 查看命令", attach: "添加照片", send: "发送", user: "用户", admin: "管理员", group: "群组", reply: "回复", edit: "编辑", edited: "已编辑", copied: "已复制", sending: "正在发送视频…", typing: "正在输入…", ready: "机器人", replying: "回复", editing: "编辑消息", photos: "张照片", hello: "和机器人打个招呼", tries: ["/start", "/video 雪地里的狐狸 10秒", "/help"], photo: "照片", video: "视频" },
};
const el = (id) => document.getElementById(id);
const make = (tag, className, text) => { const node = document.createElement(tag); if (className) node.className = className; if (text !== undefined) node.textContent = text; return node; };
const post = (path, body) => fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

let tongue = "en", world = null, seat = null, messages = new Map(), since = 0, replyTo = null, editing = null, pictures = [], menu = [];
const queries = new Set();
const t = () => WORDS[tongue];

function label() {
  document.documentElement.lang = tongue === "zh" ? "zh-Hans" : "en";
  document.querySelectorAll("[data-t]").forEach((node) => { node.textContent = t()[node.dataset.t]; });
  document.querySelectorAll("[data-label]").forEach((node) => { node.setAttribute("aria-label", t()[node.dataset.label]); node.title = t()[node.dataset.label]; });
  el("text").placeholder = t().write;
  el("tongue").textContent = tongue === "en" ? "中文" : "English";
  seats(); render();
}

// -- chairs -----------------------------------------------------------------------------------------

function chairs() {
  const own = world.people.map((person) => ({ user: person.id, chat: person.id, name: person.first_name, note: person.id === world.admin ? t().admin : t().user }));
  return [...own, { user: world.people[0].id, chat: world.group.id, name: world.group.title, note: `${t().group} · ${world.people[0].first_name}` }];
}

function seats() {
  if (!world) return;
  el("seats").replaceChildren(...chairs().map((chair, index) => {
    const button = make("button");
    button.type = "button";
    button.dataset.chat = chair.chat;
    button.setAttribute("aria-current", String(seat && chair.chat === seat.chat));
    const names = make("div");
    names.append(make("b", "", chair.name), make("small", "", chair.note));
    button.append(make("div", `avatar a${index}`, [...chair.name][0]), names);
    button.addEventListener("click", () => sit(chair));
    return button;
  }));
}

async function sit(chair) {
  seat = chair; replyTo = editing = null; pictures = []; tray(); seats();
  el("title").textContent = chair.chat === world.group.id ? world.group.title : world.bot.first_name;
  activity("");
  const loaded = await (await fetch(`demo/api/messages?chat=${chair.chat}`)).json();
  messages = new Map(loaded.messages.map((message) => [message.message_id, message]));
  menu = await (await fetch(`demo/api/menu?user=${chair.user}&chat=${chair.chat}`)).json();
  render(); el("text").focus();
}

// -- messages ---------------------------------------------------------------------------------------

function styled(text, entities) {
  const root = document.createDocumentFragment();
  const walk = (parent, from, to, list) => {
    let at = from;
    for (let index = 0; index < list.length; index += 1) {
      const entity = list[index], start = entity.offset, end = entity.offset + entity.length;
      if (start < at) continue;
      parent.append(text.slice(at, start));
      const node = element(entity, text.slice(start, end));
      walk(node, start, end, list.slice(index + 1).filter((inner) => inner.offset >= start && inner.offset + inner.length <= end));
      parent.append(node);
      at = end;
      // A quote is a block: the line break behind it would make an empty line.
      if (entity.type.endsWith("blockquote") && text[at] === "\n") at += 1;
    }
    parent.append(text.slice(at, to));
  };
  walk(root, 0, text.length, entities || []);
  return root;
}

function element(entity, words) {
  const tags = { bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code", pre: "pre", blockquote: "blockquote", expandable_blockquote: "blockquote", text_link: "a", bot_command: "span", spoiler: "span" };
  const node = make(tags[entity.type] || "span");
  if (entity.type === "text_link" && /^https?:/.test(entity.url)) { node.href = entity.url; node.target = "_blank"; node.rel = "noreferrer"; }
  if (entity.type === "code") node.addEventListener("click", () => copy(words));
  if (entity.type === "expandable_blockquote") { node.className = "expandable"; node.addEventListener("click", () => node.classList.toggle("open")); }
  if (entity.type === "bot_command") { node.className = "command"; node.addEventListener("click", () => send(words)); }
  if (entity.type === "spoiler") { node.className = "spoiler"; node.addEventListener("click", () => node.classList.add("open")); }
  return node;
}

const plain = (message) => message.text || message.caption || (message.video ? t().video : t().photo);

function row(message) {
  const mine = message.from.id === seat.user;
  const outer = make("article", `row${mine ? " mine" : ""}`);
  outer.id = `m${message.message_id}`;
  const bubble = make("div", "bubble");
  if (!mine && seat.chat === world.group.id) bubble.append(make("div", "who", message.from.first_name));
  if (message.reply_to_message) {
    const quote = make("div", "quote");
    quote.append(make("b", "", message.reply_to_message.from.first_name), plain(message.reply_to_message));
    quote.addEventListener("click", () => show(message.reply_to_message.message_id));
    bubble.append(quote);
  }
  if (message.photo) { const image = make("img", "media"); image.src = `demo/file/${message.photo.at(-1).file_id}`; image.alt = message.caption || t().photo; bubble.append(image); }
  if (message.video) {
    const video = make("video", "media");
    Object.assign(video, { src: `demo/file/${message.video.file_id}`, controls: true, playsInline: true, loop: true, muted: true, autoplay: true });
    if (message.video.thumbnail) video.poster = `demo/file/${message.video.thumbnail.file_id}`;
    video.style.aspectRatio = `${message.video.width} / ${message.video.height}`;
    bubble.append(video);
  }
  if (message.document) bubble.append(make("div", "", `📄 ${message.document.file_name || ""}`));
  const words = message.text || message.caption;
  if (words) bubble.append(styled(words, message.entities || message.caption_entities));
  const time = new Date(message.date * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  bubble.append(make("span", "meta", `${message.edit_date && mine ? `${t().edited} ` : ""}${time}${message.reaction ? ` ${message.reaction}` : ""}`));
  outer.append(bubble);
  const rows = (message.reply_markup || {}).inline_keyboard || [];
  if (rows.length) {
    const keys = make("div", "keys");
    rows.forEach((line) => { const div = make("div"); line.forEach((key) => div.append(keyButton(message, key))); keys.append(div); });
    outer.append(keys);
  }
  const tools = make("div", "tools");
  const reply = make("button", "", t().reply);
  reply.addEventListener("click", () => { replyTo = message; editing = null; tray(); el("text").focus(); });
  tools.append(reply);
  if (mine && words) { const edit = make("button", "", t().edit); edit.addEventListener("click", () => { editing = message; replyTo = null; el("text").value = words; tray(); el("text").focus(); }); tools.append(edit); }
  outer.append(tools);
  return outer;
}

function keyButton(message, key) {
  const button = make("button", key.style || "", key.text);
  button.type = "button";
  button.addEventListener("click", async () => {
    if (key.copy_text) { copy(key.copy_text.text); el("text").value = key.copy_text.text; grow(); return; }
    if (key.url) { window.open(key.url, "_blank", "noreferrer"); return; }
    const answer = await (await post("demo/api/press", { user: seat.user, chat: seat.chat, message_id: message.message_id, data: key.callback_data })).json();
    if (answer.query) queries.add(answer.query);
  });
  return button;
}

function render() {
  if (!seat) return;
  const chat = el("chat"), near = chat.scrollHeight - chat.scrollTop - chat.clientHeight < 160;
  const known = new Map([...chat.querySelectorAll("article")].map((node) => [node.id, node]));
  const wanted = [...messages.values()].sort((a, b) => a.message_id - b.message_id).map((message) => {
    const stamp = JSON.stringify(message) + tongue + seat.chat;
    const node = known.get(`m${message.message_id}`);
    if (node && node.stamp === stamp) return node;
    const fresh = row(message); fresh.stamp = stamp; return fresh;
  });
  if (!wanted.length) {
    const empty = make("div", "empty", t().hello);
    t().tries.forEach((words) => { const button = make("button", "", words); button.addEventListener("click", () => send(words)); empty.append(button); });
    wanted.push(empty);
  }
  // Nodes that stay are not moved: a video goes on playing.
  [...chat.children].forEach((node) => { if (!wanted.includes(node)) node.remove(); });
  wanted.forEach((node, index) => { if (chat.children[index] !== node) chat.insertBefore(node, chat.children[index] || null); });
  if (near) chat.scrollTop = chat.scrollHeight;
}

function show(id) { const node = el(`m${id}`); if (node) { node.scrollIntoView({ block: "center", behavior: "smooth" }); node.classList.add("flash"); setTimeout(() => node.classList.remove("flash"), 1300); } }

// -- writing ----------------------------------------------------------------------------------------

async function send(words) {
  if (editing) { await post("demo/api/edit", { user: seat.user, chat: seat.chat, message_id: editing.message_id, text: words }); editing = null; tray(); return; }
  const form = new FormData();
  form.set("user", seat.user); form.set("chat", seat.chat); form.set("text", words);
  if (replyTo) form.set("reply_to", replyTo.message_id);
  pictures.forEach((picture) => form.append("photo", picture, picture.name || "photo.jpg"));
  replyTo = null; pictures = []; tray();
  const answer = await fetch("demo/api/send", { method: "POST", body: form });
  if (!answer.ok) toast((await answer.json()).error);
  el("chat").scrollTop = el("chat").scrollHeight;
}

function tray() {
  const box = el("tray"), about = replyTo ? `${t().replying}: ${plain(replyTo).slice(0, 80)}` : editing ? t().editing : "";
  box.hidden = !about && !pictures.length;
  box.replaceChildren();
  pictures.forEach((picture) => { const image = make("img"); image.src = URL.createObjectURL(picture); image.alt = ""; box.append(image); });
  box.append(about || (pictures.length > 1 ? `${pictures.length} ${t().photos}` : ""));
  const close = make("button", "", "✕");
  close.addEventListener("click", () => { replyTo = editing = null; pictures = []; el("text").value = ""; tray(); });
  box.append(close);
}

function commands() {
  const typed = el("text").value, box = el("menu");
  const fitting = /^\/\w*$/.test(typed) ? menu.filter((command) => `/${command.command}`.startsWith(typed)) : [];
  box.hidden = !fitting.length;
  box.replaceChildren(...fitting.map((command) => {
    const button = make("button"); button.type = "button";
    button.append(make("b", "", `/${command.command}`), make("span", "", command.description));
    button.addEventListener("click", () => { box.hidden = true; if (command.command === "video") { el("text").value = "/video "; el("text").focus(); } else { el("text").value = ""; send(`/${command.command}`); } });
    return button;
  }));
}

function grow() { const box = el("text"); box.style.height = "auto"; box.style.height = `${box.scrollHeight}px`; commands(); }
function copy(words) { if (navigator.clipboard) navigator.clipboard.writeText(words).catch(() => undefined); toast(t().copied); }
let toastTimer = 0;
function toast(words) { const box = el("toast"); box.textContent = words; box.hidden = false; clearTimeout(toastTimer); toastTimer = setTimeout(() => { box.hidden = true; }, 3200); }
let activityTimer = 0;
function activity(words) { el("activity").textContent = words || t().ready; clearTimeout(activityTimer); if (words) activityTimer = setTimeout(() => activity(""), 5000); }

el("composer").addEventListener("submit", (event) => { event.preventDefault(); const words = el("text").value.trim(); if (!words && !pictures.length) return; el("text").value = ""; grow(); send(words); });
el("text").addEventListener("input", grow);
el("text").addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); el("composer").requestSubmit(); } });
el("attach").addEventListener("click", () => el("file").click());
el("file").addEventListener("change", () => { pictures = [...pictures, ...el("file").files].slice(0, 10); el("file").value = ""; tray(); el("text").focus(); });
el("text").addEventListener("paste", (event) => { const files = [...event.clipboardData.files].filter((file) => file.type.startsWith("image/")); if (files.length) { event.preventDefault(); pictures.push(...files); tray(); } });
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => { event.preventDefault(); pictures.push(...[...event.dataTransfer.files].filter((file) => file.type.startsWith("image/"))); tray(); });
el("tongue").addEventListener("click", () => { tongue = tongue === "en" ? "zh" : "en"; label(); });

// -- Kling's behaviour ------------------------------------------------------------------------------

const KNOBS = ["render_seconds", "failure_rate", "throttle", "lose_answers"];
function showKnobs(values) {
  KNOBS.forEach((name) => { const input = el(`k-${name}`), out = el(`o-${name}`); if (input.type === "checkbox") input.checked = values[name]; else input.value = values[name]; if (out) out.textContent = name === "failure_rate" ? `${Math.round(values[name] * 100)} %` : `${values[name]} s`; });
}
async function knobs() {
  const answer = await fetch("demo/api/kling");
  if (!answer.ok) return;
  el("knobs").hidden = false; showKnobs(await answer.json());
  KNOBS.forEach((name) => el(`k-${name}`).addEventListener("input", async () => {
    const input = el(`k-${name}`), value = input.type === "checkbox" ? input.checked : Number(input.value);
    const changed = await fetch("demo/api/kling", { method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ [name]: value }) });
    if (changed.ok) showKnobs(await changed.json());
  }));
}

// -- what happens -----------------------------------------------------------------------------------

function happened(event) {
  if (event.kind === "answer" && queries.delete(event.query) && event.text) { if (event.alert) window.setTimeout(() => toast(event.text), 0); else toast(event.text); }
  if (event.chat_id !== seat.chat) return;
  if (event.kind === "message" || event.kind === "edit") { messages.set(event.message.message_id, event.message); if (event.message.from.is_bot) activity(""); }
  if (event.kind === "delete") messages.delete(event.message_id);
  if (event.kind === "action") activity(event.action === "upload_video" ? t().sending : t().typing);
  if (event.kind === "reaction") { const message = messages.get(event.message_id); if (message) messages.set(event.message_id, { ...message, reaction: event.reaction.map((one) => one.emoji).join("") }); }
}

async function listen() {
  for (;;) {
    try {
      const events = await (await fetch(`demo/api/events?since=${since}`)).json();
      events.forEach((event) => { since = event.number; happened(event); });
      if (events.length) render();
    } catch (error) { await new Promise((resolve) => { setTimeout(resolve, 1000); }); }
  }
}

(async () => {
  world = await (await fetch("demo/api/world")).json();
  const first = await (await fetch(`demo/api/messages?chat=${world.people[0].id}`)).json();
  since = first.since;
  label();
  await Promise.all([sit(chairs()[0]), knobs()]);
  listen();
})();

// The page as a whole: who one is, which chats there are, what happens in them.

import { alertBox, button, copy, el, make, post, toast } from "./dom.js";
import { edit, openComposer, reply, say, setCommands, sitDown } from "./composer.js";
import { avatar, bubble, summary, wordsOf } from "./messages.js";
import { openPanel } from "./panel.js";
import { label, locale, t, toggleTongue } from "./words.js";

const REACTIONS = ["👍", "❤", "🔥", "🎉", "🤔", "👎"];
const NEAR = 120;
const chats = new Map();
const unread = new Map();
const pressed = new Map();
let world = null, me = 0, open = 0, since = 0, below = 0;

const key = (user, chat) => `${user}/${chat}`;
const isGroup = (chat) => chat < 0;
const chatsOf = (user) => [user, ...world.groups.map((group) => group.id)];
const groupOf = (chat) => world.groups.find((group) => group.id === chat);
const person = (user) => world.people.find((one) => one.id === user);
const topics = (chat) => new Map([...chats.get(chat).values()].filter((one) => one.forum_topic_created).map((one) => [one.message_id, one.forum_topic_created.name]));

async function get(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(path);
  return answer.json();
}

// -- the list of chats ------------------------------------------------------------------------------

function badge(count) {
  const node = make("b", "badge", String(count));
  node.hidden = !count;
  return node;
}

// A button that stays the same element while what it shows changes: a press that a message comes between is one still.
function kept(box, kind, id, act, ...inner) {
  const node = box.querySelector(`[data-${kind}="${id}"]`) || button("", act);
  node.dataset[kind] = id;
  node.replaceChildren(...inner);
  return node;
}

function settle(box, nodes) {
  if (nodes.length !== box.children.length || nodes.some((node, place) => box.children[place] !== node)) box.replaceChildren(...nodes);
}

function list() {
  settle(el("people"), world.people.map((one) => {
    const waiting = chatsOf(one.id).reduce((sum, chat) => sum + (unread.get(key(one.id, chat)) || 0), 0);
    const node = kept(el("people"), "person", one.id, () => enter(one.id, isGroup(open) ? open : one.id),
      avatar(one), make("span", "", one.first_name), badge(one.id === me ? 0 : waiting));
    node.setAttribute("role", "tab");
    node.setAttribute("aria-selected", String(one.id === me));
    if (one.id === world.admin) node.title = t("admin");
    return node;
  }));
  settle(el("chats"), chatsOf(me).map((chat) => {
    const last = [...chats.get(chat).values()].at(-1), who = groupOf(chat) || world.bot;
    const said = last ? `${isGroup(chat) || last.from.id === me ? `${last.from.first_name}: ` : ""}${summary(last)}` : t("empty");
    const node = kept(el("chats"), "chat", chat, () => { enter(me, chat); document.body.classList.remove("listing"); }, avatar(who),
      make("span", "names", make("b", "", who.title || who.first_name), make("small", "", said)), badge(unread.get(key(me, chat)) || 0));
    node.setAttribute("aria-current", String(chat === open));
    return node;
  }));
  const others = [...unread.values()].reduce((sum, count) => sum + count, 0);
  el("back-unread").textContent = others;
  el("back-unread").hidden = !others;
}

async function enter(user, chat) {
  [me, open, below] = [user, chat, 0];
  unread.delete(key(me, open));
  const who = groupOf(chat) || world.bot;
  el("title").textContent = who.title || who.first_name;
  el("face").replaceWith(Object.assign(avatar(who), { id: "face" }));
  activity("");
  list();
  el("chat").replaceChildren();
  render(true);
  const menu = await get(`demo/api/menu?user=${me}&chat=${open}`);
  if (me === user && open === chat) sitDown({ user, chat, key: key(user, chat) }, world.bot.username, menu);
}

// -- the open chat ----------------------------------------------------------------------------------

/** Messages in order, those of an album together. */
function albums() {
  const rows = [], known = new Map();
  [...chats.get(open).values()].sort((one, other) => one.message_id - other.message_id).forEach((message) => {
    const album = message.media_group_id && known.get(message.media_group_id);
    if (album) { album.push(message); return; }
    rows.push([message]);
    if (message.media_group_id) known.set(message.media_group_id, rows.at(-1));
  });
  return rows;
}

function welcome() {
  const tries = t("tries").map((words) => button("", () => say(words), words));
  return make("div", "welcome", ...(isGroup(open) ? [] : [make("b", "", world.bot.first_name), make("p", "", world.about || t("hello"))]), make("div", "", ...tries));
}

function day(date) {
  const words = date.toDateString() === new Date().toDateString() ? t("today") : date.toLocaleDateString(locale(), { day: "numeric", month: "long" });
  return make("div", "service", words);
}

function render(down = false) {
  const box = el("chat"), near = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
  const known = new Map([...box.children].map((node) => [node.stamp, node]));
  const view = { me, group: isGroup(open), topics: topics(open) };
  const wanted = [];
  let last = "", sender = 0;
  const place = (stamp, build) => {
    const node = known.get(stamp) || build();
    node.stamp = stamp;
    wanted.push(node);
    return node;
  };
  for (const album of albums()) {
    const [first] = album, date = new Date(first.date * 1000);
    if (date.toDateString() !== last) { place(`${date.toDateString()}${t("today")}`, () => day(date)); sender = 0; }
    last = date.toDateString();
    place(JSON.stringify([me, t("edited"), album]), () => bubble(album, view, acts)).classList.toggle("follows", sender === first.from.id);
    sender = first.from.id;
  }
  if (!wanted.length) place(`${open}${t("hello")}${world.about}`, welcome);
  // Nodes that stay are not moved: a video goes on playing.
  [...box.children].forEach((node) => { if (!wanted.includes(node)) node.remove(); });
  wanted.forEach((node, index) => { if (box.children[index] !== node) box.insertBefore(node, box.children[index] || null); });
  if (near || down) box.scrollTop = box.scrollHeight;
}

function show(id) {
  const node = el(`m${id}`);
  if (!node) return;
  node.scrollIntoView({ block: "center", behavior: "smooth" });
  node.classList.add("flash");
  setTimeout(() => node.classList.remove("flash"), 1500);
}

async function press(message, knob, node) {
  if (knob.copy_text) return copy(knob.copy_text.text);
  const invoice = (knob.url || "").startsWith("https://t.me/$");
  if (knob.url && !invoice) return window.open(knob.url, "_blank", "noreferrer");
  const body = { user: me, chat: open, message_id: message.message_id, link: knob.url };
  if (!knob.callback_data && !knob.pay && !invoice) return undefined;
  node.classList.add("busy");
  const act = invoice ? "pay_link" : knob.pay ? "pay" : "press";
  const answer = await post(`demo/api/${act}`, { ...body, data: knob.callback_data });
  if (!answer) return node.classList.remove("busy");
  pressed.set(answer.query, node);
  return setTimeout(() => { if (pressed.delete(answer.query)) { node.classList.remove("busy"); toast(t("gone")); } }, 15000);
}

const react = (message, emoji) => post("demo/api/react", { user: me, chat: open, message_id: message.message_id, emoji });

function context(message, event) {
  const box = el("context"), words = wordsOf(message);
  const choice = (name, act) => button("", () => { box.hidden = true; act(); }, t(name));
  box.replaceChildren(make("div", "emoji", ...REACTIONS.map((emoji) => button("", () => { box.hidden = true; react(message, emoji); }, emoji))), choice("reply", () => reply(message)));
  if (words) box.append(choice("copy", () => copy(words)));
  if (words && message.from.id === me) box.append(choice("edit", () => edit(message)));
  box.hidden = false;
  box.style.left = `${Math.max(8, Math.min(event.clientX, innerWidth - box.offsetWidth - 8))}px`;
  box.style.top = `${Math.max(8, Math.min(event.clientY, innerHeight - box.offsetHeight - 8))}px`;
  event.stopPropagation();
}

const acts = { press, show, react, context, reply, run: (command) => say(command) };

// -- what happens -----------------------------------------------------------------------------------

let timer = 0;
function activity(action) {
  const members = groupOf(open) ? `${world.people.length} ${t("people")}` : t("bot");
  el("activity").textContent = action ? t(action) || t("typing") : members;
  el("activity").classList.toggle("active", Boolean(action));
  clearTimeout(timer);
  if (action) timer = setTimeout(() => activity(""), 5000);
}

function noted({ chat_id: chat, message }) {
  chats.get(chat).set(message.message_id, message);
  world.people.filter((one) => chatsOf(one.id).includes(chat) && one.id !== message.from.id).forEach((one) => {
    const here = one.id === me && chat === open;
    if (!here || document.hidden) unread.set(key(one.id, chat), (unread.get(key(one.id, chat)) || 0) + 1);
  });
  if (chat !== open) return;
  if (message.from.is_bot) activity("");
  const box = el("chat");
  if (message.from.id === me) requestAnimationFrame(() => { box.scrollTop = box.scrollHeight; });
  else if (box.scrollHeight - box.scrollTop - box.clientHeight > NEAR) below += 1;
}

function answered({ query, text, show_alert: isAlert, url, ok }) {
  const node = pressed.get(query);
  if (!node) return;
  pressed.delete(query);
  node.classList.remove("busy");
  if (url) window.open(url, "_blank", "noreferrer");
  if (text) (isAlert ? alertBox : toast)(ok === false ? `${t("refused")}: ${text}` : text);
}

const HAPPENINGS = {
  message: noted,
  edit: ({ chat_id: chat, message }) => chats.get(chat).set(message.message_id, message),
  reaction: ({ chat_id: chat, message }) => chats.get(chat).set(message.message_id, message),
  delete: ({ chat_id: chat, message_id: id }) => chats.get(chat).delete(id),
  action: ({ chat_id: chat, action }) => { if (chat === open) activity(action); },
  answer: answered,
  checkout: answered,
  force_reply: ({ chat_id: chat, message }) => {
    const named = (message.entities || []).some((one) => one.user && one.user.id === me);
    if (chat === open && (!isGroup(chat) || named)) reply(message);
  },
  commands: async () => {
    const [user, chat] = [me, open], menu = await get(`demo/api/menu?user=${user}&chat=${chat}`);
    if (user === me && chat === open) setCommands(menu);
  },
};

async function load() {
  world = await get("demo/api/world");
  since = world.since;
  const places = [...world.people, ...world.groups].map((one) => one.id);
  const answers = await Promise.all(places.map((chat) => get(`demo/api/messages?chat=${chat}`)));
  places.forEach((chat, index) => chats.set(chat, new Map(answers[index].messages.map((message) => [message.message_id, message]))));
}

async function listen() {
  for (;;) {
    let heard = null;
    try { heard = await get(`demo/api/events?since=${since}`); } catch { break; }
    since = heard.since;
    heard.events.forEach((event) => HAPPENINGS[event.kind](event));
    if (heard.events.length) { list(); render(); scrolled(); }
  }
  el("app").classList.add("over");
  activity("");
  el("activity").textContent = t("over");
  // A demo that was started anew knows nothing of these chats: begin anew with it.
  const again = setInterval(async () => {
    try { await get("demo/api/world"); } catch { return; }
    clearInterval(again);
    location.reload();
  }, 1500);
}

// -- wiring -----------------------------------------------------------------------------------------

function scrolled() {
  const box = el("chat"), away = box.scrollHeight - box.scrollTop - box.clientHeight > NEAR;
  if (!away) below = 0;
  el("down").hidden = !away;
  el("down-unread").textContent = below;
  el("down-unread").hidden = !below;
}

function relabel() { label(); list(); render(); activity(""); el("tongue").textContent = t("tongue")[0]; }

function theme(chosen) {
  if (chosen) document.documentElement.dataset.theme = chosen;
}

el("theme").addEventListener("click", () => {
  const now = document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  const next = now === "dark" ? "light" : "dark";
  localStorage.setItem("theme", next);
  theme(next);
});
el("tongue").addEventListener("click", () => { toggleTongue(); relabel(); });
el("back").addEventListener("click", () => document.body.classList.add("listing"));
el("down").addEventListener("click", () => { el("chat").scrollTo({ top: el("chat").scrollHeight, behavior: "smooth" }); });
el("chat").addEventListener("scroll", scrolled);
// Media grow when they are loaded, and a keyboard takes room: whoever is at the end stays there.
const stay = () => { if (el("down").hidden) el("chat").scrollTop = el("chat").scrollHeight; };
el("chat").addEventListener("load", stay, true);
el("chat").addEventListener("loadedmetadata", stay, true);
new ResizeObserver(stay).observe(el("chat"));
document.addEventListener("click", () => { el("context").hidden = true; });
document.addEventListener("visibilitychange", () => { if (!document.hidden && world) { unread.delete(key(me, open)); list(); } });

theme(localStorage.getItem("theme"));
await load();
openComposer(async (words) => { await enter(me, me); say(words); });
label();
await enter(world.people[0].id, world.people[0].id);
relabel();
document.body.classList.remove("listing");
listen();
await openPanel();

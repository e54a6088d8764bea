// One message, or one album, as an element: media, text, time, reactions and buttons.

import { button, make } from "./dom.js";
import { styled } from "./text.js";
import { locale, t } from "./words.js";

const file = (one) => `demo/file/${one.file_id}`;
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
const COLOURS = 6;

export const wordsOf = (message) => message.text || message.caption || "";

/** One line that stands for a message in lists and quotes. */
export function summary(message) {
  const kind = ["video", "photo", "animation", "voice", "audio", "document", "sticker", "invoice"].find((name) => message[name]);
  const sign = { video: "🎬 ", photo: "🖼 ", document: "📄 ", voice: "🎤 ", audio: "🎵 ", invoice: "⭐ " }[kind] || "";
  return sign + (wordsOf(message) || (kind ? t(kind) : service(message, true))).replace(/\s+/g, " ").slice(0, 120);
}

export function avatar(user) {
  const node = make("div", `avatar ${user.is_bot ? "bot" : `c${user.id % COLOURS}`}`, user.is_bot ? "▶" : [...(user.first_name || user.title)][0]);
  node.setAttribute("aria-hidden", "true");
  return node;
}

// A video plays, without sound, while it can be seen, as in the app.
const watcher = new IntersectionObserver((entries) => entries.forEach(({ target, isIntersecting }) => {
  if (isIntersecting && !target.dataset.stopped) target.play().catch(() => undefined);
  else target.pause();
}), { threshold: 0.3 });

function service(message, plain) {
  const who = message.from.first_name;
  const words = message.successful_payment ? `${t("paid")} ⭐ ${message.successful_payment.total_amount}`
    : message.refunded_payment ? `${t("refunded")} ⭐ ${message.refunded_payment.total_amount}`
    : message.forum_topic_created ? `${who} ${t("topic")} “${message.forum_topic_created.name}”` : "";
  return plain ? words : make("div", "service", words);
}

function shape(node, { width, height }) {
  if (width && height) node.style.aspectRatio = `${width} / ${height}`;
  node.classList.toggle("tall", height > width);
}

function film(message) {
  const one = message.video || message.animation;
  const video = make("video", "media");
  Object.assign(video, { src: file(one), muted: true, loop: true, playsInline: true, controls: Boolean(message.video), preload: "metadata" });
  if (one.thumbnail) video.poster = file(one.thumbnail);
  shape(video, one);
  watcher.observe(video);
  const box = make("div", "film", video);
  if (message.video) box.append(make("span", "length", clock(one.duration)));
  return box;
}

function picture(message, sizes) {
  const largest = sizes.at(-1);
  const image = make("img", "media");
  Object.assign(image, { src: file(largest), alt: message.caption || t("photo"), loading: "lazy" });
  shape(image, largest);
  const link = make("a", "", image);
  Object.assign(link, { href: file(largest), target: "_blank" });
  return link;
}

function attachment(message) {
  const one = message.document;
  const link = make("a", "attachment", make("span", "sheet", "↓"), make("span", "", make("b", "", one.file_name || t("document")), make("small", "", bytes(one.file_size))));
  Object.assign(link, { href: file(one), download: one.file_name || "" });
  return link;
}

const bytes = (count) => (count < 1e6 ? `${Math.max(1, Math.round(count / 1e3))} kB` : `${(count / 1e6).toFixed(1)} MB`);

function sound(message) {
  const one = message.voice || message.audio;
  const player = make("audio");
  Object.assign(player, { src: file(one), controls: true, preload: "metadata" });
  return make("div", "sound", ...(one.title ? [make("b", "", [one.performer, one.title].filter(Boolean).join(" – "))] : []), player);
}

function medium(message) {
  const node = message.video || message.animation ? film(message)
    : message.photo ? picture(message, message.photo)
    : message.sticker ? picture(message, [message.sticker])
    : message.document ? attachment(message)
    : message.voice || message.audio ? sound(message) : null;
  if (node && message.has_media_spoiler) {
    node.classList.add("veiled");
    node.addEventListener("click", (event) => { if (node.classList.contains("veiled")) { event.preventDefault(); node.classList.remove("veiled"); } });
  }
  return node;
}

function quote(message, acts) {
  const answered = message.reply_to_message;
  const box = make("div", "quote", make("b", "", answered.from.first_name), make("span", "", message.quote ? message.quote.text : summary(answered)));
  const small = answered.photo ? answered.photo[0] : (answered.video || {}).thumbnail;
  if (small) { const image = make("img"); image.src = file(small); image.alt = ""; box.prepend(image); }
  box.addEventListener("click", () => acts.show(answered.message_id));
  return box;
}

function keyboard(message, acts) {
  const rows = message.reply_markup.inline_keyboard.map((row) => make("div", "", ...row.map((key) => {
    const node = button(key.style || "", () => acts.press(message, key, node), make("span", "", key.text));
    if (key.url) node.append(make("i", "", key.url.startsWith("https://t.me/$") ? "" : "↗"));
    if (key.copy_text) node.append(make("i", "copies"));
    return node;
  })));
  return make("div", "keys", ...rows);
}

function foot(message, mine) {
  const time = new Date(message.date * 1000).toLocaleTimeString(locale(), { hour: "2-digit", minute: "2-digit" });
  return make("span", "meta", `${message.edit_date ? `${t("edited")} ` : ""}${time}${mine ? " ✓✓" : ""}`);
}

/**
 * Give the element of an album or a single message.
 * `acts` has press, show, run, react and context; `view` has me, group and topics.
 */
export function bubble(album, view, acts) {
  const [first] = album, message = album.find(wordsOf) || first, mine = first.from.id === view.me;
  if (first.successful_payment || first.refunded_payment || first.forum_topic_created) return service(first);
  const row = make("article", `row${mine ? " mine" : ""}`);
  row.id = `m${first.message_id}`;
  const body = make("div", "bubble");
  if (!mine && view.group) body.append(make("b", `who c${first.from.id % COLOURS}`, first.from.first_name));
  if (first.message_thread_id && view.topics.has(first.message_thread_id)) body.append(make("small", "topic", `# ${view.topics.get(first.message_thread_id)}`));
  if (first.reply_to_message && first.reply_to_message.message_id !== first.message_thread_id) body.append(quote(first, acts));
  const media = album.map(medium).filter(Boolean);
  if (media.length > 1) body.append(make("div", `grid n${media.length}`, ...media));
  else body.append(...media);
  if (first.invoice) body.append(make("div", "invoice", make("b", "", first.invoice.title), make("p", "", first.invoice.description), make("b", "", `⭐ ${first.invoice.total_amount}`)));
  const words = wordsOf(message);
  if (words) body.append(make("div", "words", styled(words, message.entities || message.caption_entities, acts.run), foot(message, mine)));
  else body.append(foot(first, mine));
  const bare = (first.photo || first.video || first.animation || first.sticker) && !words;
  if (bare) body.classList.add("bare");
  if (first.sticker) body.classList.add("sticker");
  if (first.photo || first.video || first.animation) body.classList.add("wide");
  if (first.reactions) body.append(make("div", "reactions", ...first.reactions.map((emoji) => button("", () => acts.react(first, ""), emoji))));
  row.append(body);
  if (first.effect_id) row.append(make("div", "effect", "🎉"));
  if ((first.reply_markup || {}).inline_keyboard) row.append(keyboard(first, acts));
  const more = button("more icon", (event) => acts.context(message, event), "⋯");
  more.title = t("more");
  row.append(more);
  body.addEventListener("contextmenu", (event) => { event.preventDefault(); acts.context(message, event); });
  body.addEventListener("dblclick", () => acts.reply(message));
  return row;
}

// Writing: the text box, commands that complete themselves, attached files, replies and edits.

import { button, el, make, post, send } from "./dom.js";
import { summary, wordsOf } from "./messages.js";
import { t } from "./words.js";

const MOST_FILES = 10;
const drafts = new Map();
const INLINE_PAUSE = 300;
let toBot = null, asking = 0;
let seat = null, commands = [], botName = "", replyTo = null, editing = null, files = [], chosen = -1;

/** Sit down in a chat; what was written there before and not sent comes back. */
export function sitDown(where, name, menu) {
  if (seat) drafts.set(seat.key, editing ? "" : el("text").value);
  [seat, botName, commands] = [where, name, menu];
  clear();
  el("text").value = drafts.get(seat.key) || "";
  grow();
  if (matchMedia("(hover: hover)").matches) el("text").focus();
}

export function setCommands(menu) { commands = menu; suggest(); }

export function reply(message) { clear(); replyTo = message; tray(); el("text").focus(); }

export function edit(message) { clear(); editing = message; el("text").value = wordsOf(message); tray(); grow(); el("text").focus(); }

/** Say something as it is: a command that was clicked, or a suggestion. */
export async function say(words) {
  const form = new FormData();
  form.set("user", seat.user);
  form.set("chat", seat.chat);
  form.set("text", words);
  if (replyTo) form.set("reply_to", replyTo.message_id);
  files.forEach((file) => form.append("file", file, file.name || "photo.jpg"));
  clear();
  return send("demo/api/send", { method: "POST", body: form });
}

async function submit() {
  const words = el("text").value.trim();
  if (!words && !files.length) return;
  const [changed, answered, attached] = [editing, replyTo, files];
  el("text").value = "";
  grow();
  if (changed) clear();
  const done = changed ? await post("demo/api/edit", { user: seat.user, chat: seat.chat, message_id: changed.message_id, text: words }) : await say(words);
  if (done) return;
  [editing, replyTo, files] = [changed, answered, attached];
  el("text").value = words;
  tray();
  grow();
}

function clear() { [replyTo, editing, files] = [null, null, []]; tray(); }

function attach(added) { files = [...files, ...added].slice(0, MOST_FILES); editing = null; tray(); el("text").focus(); }

function tray() {
  const box = el("tray"), about = replyTo || editing;
  box.hidden = !about && !files.length;
  box.querySelectorAll("img").forEach((image) => URL.revokeObjectURL(image.src));
  box.replaceChildren();
  if (about) {
    const cancel = button("icon", () => { if (editing) el("text").value = ""; clear(); grow(); }, "✕");
    cancel.title = t("close");
    box.append(make("div", "about", make("div", "quote", make("b", "", editing ? t("editing") : about.from.first_name), make("span", "", summary(about))), cancel));
  }
  if (files.length) box.append(make("div", "files", ...files.map(thumbnail)));
}

function thumbnail(file) {
  const remove = button("icon", () => { files = files.filter((other) => other !== file); tray(); }, "✕");
  remove.title = t("remove");
  if (!file.type.startsWith("image/")) return make("div", "chip", `📄 ${file.name}`, remove);
  const image = make("img");
  image.src = URL.createObjectURL(file);
  image.alt = file.name;
  return make("div", "chip", image, remove);
}

// -- commands ---------------------------------------------------------------------------------------

/** In a group a command names the bot that it is for. */
const full = (command) => `/${command.command}${seat.chat < 0 ? `@${botName}` : ""}`;

function fitting(typed) { return /^\/\w*$/.test(typed) ? commands.filter((one) => `/${one.command}`.startsWith(typed.toLowerCase())) : []; }

function suggest(list = fitting(el("text").value)) {
  const box = el("menu");
  chosen = -1;
  box.hidden = !list.length;
  box.replaceChildren(...list.map((command) => {
    const node = button("", () => { el("text").value = ""; grow(); say(full(command)); }, make("b", "", `/${command.command}`), make("span", "", command.description));
    node.setAttribute("role", "option");
    node.dataset.command = full(command);
    return node;
  }));
}

// -- inline: the bot's name and some words, in any chat ----------------------------------------------

function inlineWords(typed) {
  const name = `@${botName} `;
  return typed.toLowerCase().startsWith(name.toLowerCase()) ? typed.slice(name.length) : null;
}

function askInline(words) {
  clearTimeout(asking);
  asking = setTimeout(async () => {
    const answer = await post("demo/api/inline", { user: seat.user, words: words.trim() });
    if (answer && inlineWords(el("text").value) === words) offer(answer);
  }, INLINE_PAUSE);
}

function offer({ query, results, button: knob }) {
  const box = el("menu");
  chosen = -1;
  const option = (act, ...children) => {
    const node = button("inline", () => { el("text").value = ""; grow(); act(); }, ...children);
    node.setAttribute("role", "option");
    return node;
  };
  const start = knob ? [option(() => toBot(`/start ${knob.start_parameter}`), make("b", "", knob.text))] : [];
  const found = results.map((one) => option(
    () => post("demo/api/choose", { user: seat.user, chat: seat.chat, query, result: one.id }),
    make("b", "", `${one.type === "video" ? "🎬" : "🖼"} ${one.title || ""}`), make("span", "", one.description || ""),
  ));
  box.replaceChildren(...start, ...found);
  box.hidden = !box.children.length;
}

function choose(step) {
  const options = [...el("menu").children];
  chosen = (chosen + step + options.length) % options.length;
  options.forEach((option, index) => option.setAttribute("aria-selected", String(index === chosen)));
  options[chosen].scrollIntoView({ block: "nearest" });
}

function complete() {
  const option = el("menu").children[Math.max(chosen, 0)];
  if (!option.dataset.command) return;
  el("text").value = `${option.dataset.command} `;
  grow();
}

function typed(event) {
  const open = !el("menu").hidden;
  if (event.isComposing) return;
  if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) choose(event.key === "ArrowDown" ? 1 : -1);
  else if (open && event.key === "Tab") complete();
  else if (open && event.key === "Enter" && chosen >= 0) el("menu").children[chosen].click();
  else if (event.key === "Escape") { if (open) suggest([]); else clear(); }
  else if (event.key === "Enter" && !event.shiftKey) el("composer").requestSubmit();
  else return;
  event.preventDefault();
}

function grow() {
  const box = el("text");
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight}px`;
  const words = inlineWords(box.value);
  clearTimeout(asking);
  if (words === null) suggest(); else askInline(words);
}

// -- wiring -----------------------------------------------------------------------------------------

/** `start` says something to the bot in the private chat. */
export function openComposer(start) {
  toBot = start;
  const text = el("text"), main = document.querySelector("main");
  el("composer").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
  text.addEventListener("input", grow);
  text.addEventListener("keydown", typed);
  text.addEventListener("paste", (event) => { if (event.clipboardData.files.length) { event.preventDefault(); attach(event.clipboardData.files); } });
  el("slash").addEventListener("click", () => { suggest(el("menu").hidden ? commands : []); });
  el("attach").addEventListener("click", () => el("file").click());
  el("file").addEventListener("change", () => { attach([...el("file").files]); el("file").value = ""; });
  document.addEventListener("click", (event) => { if (!event.target.closest("footer")) suggest([]); });
  main.addEventListener("dragover", (event) => { event.preventDefault(); el("drop").hidden = false; });
  el("drop").addEventListener("dragleave", () => { el("drop").hidden = true; });
  main.addEventListener("drop", (event) => { event.preventDefault(); el("drop").hidden = true; attach([...event.dataTransfer.files]); });
}

// Small tools for building the page, and the few words that float above it.

import { t } from "./words.js";

export const el = (id) => document.getElementById(id);

/** Make an element with a class and children; strings become text, never markup. */
export function make(tag, className = "", ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

export function button(className, act, ...children) {
  const node = make("button", className, ...children);
  node.type = "button";
  node.addEventListener("click", act);
  return node;
}

let timer = 0;
export function toast(words) {
  const box = el("toast");
  box.textContent = words;
  box.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(() => { box.hidden = true; }, 3500);
}

/** Show an alert that has to be dismissed, as an answered button press may ask for. */
export function alertBox(words) {
  const box = el("alert");
  box.querySelector("p").textContent = words;
  box.showModal();
}

export async function copy(words) {
  try {
    await navigator.clipboard.writeText(words);
    toast(t("copied"));
  } catch {
    toast(words);
  }
}

/** Post JSON; give the answer, or show the sentence that says why not and give null. */
export async function post(path, body) {
  return send(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

export async function send(path, options) {
  try {
    const answer = await fetch(path, options);
    const content = await answer.json();
    if (answer.ok) return content;
    toast(content.error);
  } catch {
    toast(t("unsent"));
  }
  return null;
}

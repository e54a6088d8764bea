// Text with the Bot API's entities as elements; offsets are UTF-16 units, as JavaScript counts.

import { copy, make, button } from "./dom.js";
import { t } from "./words.js";

const TAGS = {
  bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code", pre: "pre",
  blockquote: "blockquote", expandable_blockquote: "blockquote", text_link: "a", url: "a", email: "a",
};
const BLOCKS = new Set(["pre", "blockquote", "expandable_blockquote"]);

/** Give a fragment; `run` is called with a command that is clicked. */
export function styled(text, entities, run) {
  const root = document.createDocumentFragment();
  fill(root, 0, text.length, [...(entities || [])]);
  return root;

  function fill(parent, from, to, list) {
    let at = from;
    list.forEach((entity, index) => {
      const start = entity.offset, end = start + entity.length;
      if (start < at || end > to) return;
      // A block ends its line by itself: the line break before it would make an empty one.
      parent.append(BLOCKS.has(entity.type) ? text.slice(at, start).replace(/\n$/, "") : text.slice(at, start));
      const node = element(entity, text.slice(start, end));
      fill(node, start, end, list.slice(index + 1));
      parent.append(entity.type === "pre" ? framed(node, entity) : node);
      at = end;
      if (BLOCKS.has(entity.type) && text[at] === "\n") at += 1;
    });
    parent.append(text.slice(at, to));
  }

  function element(entity, words) {
    const node = make(TAGS[entity.type] || "span", entity.type);
    const address = { text_link: entity.url, url: words, email: `mailto:${words}` }[entity.type];
    if (address && /^(https?|mailto|tg):/.test(address)) Object.assign(node, { href: address, target: "_blank", rel: "noreferrer" });
    if (entity.type === "code") { node.title = t("copy"); node.addEventListener("click", () => copy(words)); }
    if (entity.type === "bot_command") node.addEventListener("click", () => run(words));
    // Only a quote that does not fit needs to be opened; that can be seen once it stands on the page.
    if (entity.type === "expandable_blockquote") requestAnimationFrame(() => node.classList.toggle("long", node.scrollHeight > node.clientHeight + 4));
    if (entity.type === "spoiler" || entity.type === "expandable_blockquote") {
      node.addEventListener("click", () => node.classList.toggle("open"));
    }
    return node;
  }
}

function framed(pre, entity) {
  const words = pre.textContent;
  const head = make("div", "pre-head", make("span", "", entity.language || ""), button("", () => copy(words), t("copy_code")));
  return make("div", "framed", head, pre);
}

"""Turns message text into plain text and entities as Telegram does: HTML strictly, links by themselves.

Offsets and lengths count UTF-16 units, as everywhere in the Bot API.
"""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.demo.telegram.wire import bad_request

Entity = dict[str, Any]

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024

_STYLE_OF_TAG = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "code": "code",
    "pre": "pre",
    "a": "text_link",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
    "span": "spoiler",
}
_NAMED_CHARACTERS = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_CHARACTER = re.compile(r"&(#\d+|#[xX][0-9a-fA-F]+|[a-zA-Z]+);?")
_ATTRIBUTE = re.compile(r"\s*([^\s=>\"'/]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([\w.\-]+)(?=[\s>])))?")
_FOUND_BY_ITSELF = re.compile(
    r"(?P<url>https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]}»])"
    r"|(?P<email>\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b)"
    r"|(?<![\w/])(?P<bot_command>/[A-Za-z0-9_]{1,64}(?:@[A-Za-z]\w{3,31})?)(?![\w/])"
    r"|(?<![\w@/.])(?P<mention>@[A-Za-z]\w{3,31})\b"
    r"|(?<![\w#])(?P<hashtag>#\w*[^\W\d]\w*)"
)


def utf16_length(text: str) -> int:
    """Count UTF-16 units."""
    return len(text) + sum(1 for character in text if ord(character) > 0xFFFF)


@dataclass
class _Open:
    """A tag that was opened and not closed yet."""

    tag: str
    argument: str
    offset: int


def _malformed(reason: str) -> Exception:
    return bad_request(f"can't parse entities: {reason}")


def _character(source: str, position: int) -> tuple[str, int] | None:
    """Read one character reference; None where the ampersand stands for itself."""
    match = _CHARACTER.match(source, position)
    if match is None:
        return None
    name = match[1]
    if name.startswith("#"):
        return html.unescape(f"&{name};"), match.end()
    if name in _NAMED_CHARACTERS:
        return _NAMED_CHARACTERS[name], match.end()
    return None


def _attributes(source: str, position: int, opened_at: int, tag: str) -> tuple[dict[str, str], int]:
    """Read attributes up to and with the closing `>`."""
    found: dict[str, str] = {}
    while True:
        while position < len(source) and source[position].isspace():
            position += 1
        if position >= len(source):
            raise _malformed(f"Unclosed start tag at byte offset {_bytes_before(source, opened_at)}")
        if source[position] == ">":
            return found, position + 1
        match = _ATTRIBUTE.match(source, position)
        if match is None:
            at = _bytes_before(source, opened_at)
            raise _malformed(f'Empty attribute name in the tag "{tag}" at byte offset {at}')
        position = match.end()
        if position < len(source) and source[position] not in " \t\r\n>":
            at = _bytes_before(source, opened_at)
            raise _malformed(f"Unexpected end of name token at byte offset {at}")
        found[match[1].lower()] = html.unescape(match[2] or match[3] or match[4] or "")


def _bytes_before(source: str, position: int) -> int:
    return len(source[:position].encode())


def _argument(tag: str, attributes: dict[str, str], opened_at: int) -> str:
    """Keep the one attribute that a tag means; refuse tags that lack theirs."""
    if tag == "a":
        return attributes.get("href", "")
    if tag == "code":
        language = attributes.get("class", "")
        return language.removeprefix("language-") if language.startswith("language-") else ""
    if tag == "blockquote":
        return "expandable" if "expandable" in attributes else ""
    if tag == "tg-emoji":
        return attributes.get("emoji-id", "")
    if tag == "span" and attributes.get("class") != "tg-spoiler":
        raise _malformed(f'Tag "span" must have class "tg-spoiler" at byte offset {opened_at}')
    return ""


def _entity(opened: _Open, text: str, end: int) -> Entity | None:
    """Make the entity of a tag that was closed at `end`; None for empty ones and links without address."""
    length = end - opened.offset
    if length <= 0:
        return None
    entity: Entity = {"type": _STYLE_OF_TAG[opened.tag], "offset": opened.offset, "length": length}
    if opened.tag == "a":
        address = opened.argument or _slice(text, opened.offset, length)
        if address.startswith("tg://user?id="):
            user_id = address.removeprefix("tg://user?id=")
            if not user_id.isdigit():
                return None
            return {
                **entity,
                "type": "text_mention",
                "user": {
                    "id": int(user_id),
                    "is_bot": False,
                    "first_name": _slice(text, opened.offset, length),
                },
            }
        if not re.match(r"(https?|tg|ton|mailto|tel):", address):
            if not re.fullmatch(r"[\w.-]+\.\w{2,}(/\S*)?", address):
                return None
            address = f"http://{address}"
        entity["url"] = address
    elif opened.tag == "blockquote" and opened.argument:
        entity["type"] = "expandable_blockquote"
    elif opened.tag == "tg-emoji":
        entity["custom_emoji_id"] = opened.argument
    elif opened.tag == "code" and opened.argument:
        entity["language"] = opened.argument
    return entity


def parse_html(source: str) -> tuple[str, list[Entity]]:
    """Parse Telegram's HTML; raise 400 "can't parse entities" for whatever Telegram refuses."""
    pieces: list[str] = []
    entities: list[Entity] = []
    stack: list[_Open] = []
    position = 0
    offset = 0
    while position < len(source):
        character = source[position]
        if character == "&" and (decoded := _character(source, position)) is not None:
            pieces.append(decoded[0])
            offset += utf16_length(decoded[0])
            position = decoded[1]
            continue
        if character != "<":
            pieces.append(character)
            offset += utf16_length(character)
            position += 1
            continue
        opened_at, at = position, _bytes_before(source, position)
        if source.startswith("</", position):
            if not stack:
                raise _malformed(f"Unexpected end tag at byte offset {at}")
            match = re.compile(r"</([^\s>]*)\s*>").match(source, position)
            if match is None:
                raise _malformed(f"Unclosed end tag at byte offset {at}")
            opened = stack.pop()
            if match[1] and match[1].lower() != opened.tag:
                raise _malformed(
                    f'Unmatched end tag at byte offset {at}, expected "</{opened.tag}>", found "</{match[1]}>"'
                )
            entity = _entity(opened, "".join(pieces), offset)
            if entity is not None:
                entities.append(entity)
            position = match.end()
            continue
        name = re.compile(r"<([^\s>]*)").match(source, position)
        if name is None or name.end() >= len(source):
            raise _malformed(f"Unclosed start tag at byte offset {at}")
        tag = name[1].lower()
        if tag not in _STYLE_OF_TAG:
            raise _malformed(f'Unsupported start tag "{tag}" at byte offset {at}')
        attributes, position = _attributes(source, name.end(), opened_at, tag)
        stack.append(_Open(tag, _argument(tag, attributes, at), offset))
    if stack:
        raise _malformed(f'Can\'t find end tag corresponding to start tag "{stack[-1].tag}"')
    return "".join(pieces), _join_code_in_pre(entities)


def _join_code_in_pre(entities: list[Entity]) -> list[Entity]:
    """`<pre><code class="language-x">` is one entity: a `pre` with a language."""
    spans = {(e["offset"], e["length"]): e for e in entities if e["type"] == "pre"}
    joined = []
    for entity in entities:
        if entity["type"] == "code":
            language = entity.pop("language", None)
            around = spans.get((entity["offset"], entity["length"]))
            if around is not None:
                if language:
                    around["language"] = language
                continue
        joined.append(entity)
    return joined


def _slice(text: str, offset: int, length: int) -> str:
    return text.encode("utf-16-le")[2 * offset : 2 * (offset + length)].decode("utf-16-le", "replace")


def find_entities(text: str, taken: Sequence[Entity] = ()) -> list[Entity]:
    """Find what Telegram marks by itself: addresses, mail, commands, mentions and hashtags outside of `taken`."""
    blocking = [e for e in taken if e["type"] in {"pre", "code", "text_link", "text_mention"}]
    found: list[Entity] = []
    for match in _FOUND_BY_ITSELF.finditer(text):
        offset, length = utf16_length(text[: match.start()]), utf16_length(match[0])
        if any(offset < e["offset"] + e["length"] and e["offset"] < offset + length for e in blocking):
            continue
        found.append({"type": str(match.lastgroup), "offset": offset, "length": length})
    return found


def _trim(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Cut white space at both ends and move the entities along, as Telegram's servers do."""
    stripped = text.strip()
    start = utf16_length(text[: len(text) - len(text.lstrip())])
    end = start + utf16_length(stripped)
    kept = []
    for entity in entities:
        first = max(entity["offset"], start)
        last = min(entity["offset"] + entity["length"], end)
        if last > first:
            kept.append({**entity, "offset": first - start, "length": last - first})
    return stripped, kept


def formatted(
    source: str, parse_mode: str | None, given: Sequence[Entity] | None, *, limit: int
) -> tuple[str, list[Entity]]:
    """Give text and entities of a message that the bot sends; `limit` is in UTF-16 units after parsing.

    Raises:
        BotApiError: 400 for bad HTML, unknown parse modes, wrong entities and texts over the limit.
    """
    if "\x00" in source:
        source = source.replace("\x00", "")
    if given:
        for entity in given:
            if not isinstance(entity, dict) or not {"type", "offset", "length"} <= entity.keys():
                raise bad_request("can't parse entities: wrong MessageEntity")
            if entity["offset"] + entity["length"] > utf16_length(source):
                raise bad_request("entity beyond the end of the text")
        text, entities = source, [dict(entity) for entity in given]
    elif not parse_mode:
        text, entities = source, []
    elif parse_mode.lower() == "html":
        text, entities = parse_html(source)
    else:
        raise bad_request("unsupported parse_mode")
    text, entities = _trim(text, entities)
    if utf16_length(text) > limit:
        raise bad_request("message is too long" if limit == TEXT_LIMIT else "message caption is too long")
    entities += find_entities(text, entities)
    entities.sort(key=lambda entity: (entity["offset"], -entity["length"]))
    return text, entities

"""Bot API HTML to plain text and entities, as strictly as Telegram reads it."""

from html.parser import HTMLParser
from typing import Any

_TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "s": "strikethrough",
    "code": "code",
    "pre": "pre",
    "a": "text_link",
    "blockquote": "blockquote",
    "tg-spoiler": "spoiler",
}


class BadMarkup(Exception):
    """Telegram would answer: can't parse entities."""


def units(text: str) -> int:
    """A length as Telegram counts it: in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.entities: list[dict[str, Any]] = []
        self._open: list[tuple[str, dict[str, Any]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kind = _TAGS.get(tag)
        if kind is None:
            raise BadMarkup(f"Unsupported start tag {tag!r}")
        attributes = dict(attrs)
        entity: dict[str, Any] = {"type": kind, "offset": units(self.text)}
        if kind == "text_link":
            entity["url"] = attributes.get("href") or ""
        if kind == "blockquote" and "expandable" in attributes:
            entity["type"] = "expandable_blockquote"
        self._open.append((tag, entity))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1][0] != tag:
            raise BadMarkup(f"Unexpected end tag {tag!r}")
        _, entity = self._open.pop()
        entity["length"] = units(self.text) - entity["offset"]
        if entity["length"]:
            self.entities.append(entity)

    def handle_data(self, data: str) -> None:
        self.text += data

    def finish(self) -> None:
        self.close()
        if self._open:
            raise BadMarkup(f"Can't find end tag corresponding to start tag {self._open[-1][0]!r}")


def parse_html(html: str) -> tuple[str, list[dict[str, Any]]]:
    """Read Bot API HTML.

    Raises:
        BadMarkup: a tag is unknown, or not closed in order.

    """
    parser = _Parser()
    parser.feed(html)
    parser.finish()
    return parser.text, sorted(parser.entities, key=lambda entity: (entity["offset"], -entity["length"]))


def command_entities(text: str) -> list[dict[str, Any]]:
    """The entity of a command that a person types at the beginning."""
    first = text.split(maxsplit=1)[0] if text.strip() else ""
    if text.startswith("/") and len(first) > 1:
        return [{"type": "bot_command", "offset": 0, "length": units(first)}]
    return []

"""What people see of a message: its text as Telegram shows it, and its buttons."""

from collections.abc import Collection
from datetime import datetime
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

from bot.i18n import NAMES, for_language
from handlers.chat.html import View
from tests.builders import NOW

LOCAL_NOW = datetime.fromtimestamp(NOW / 1000, ZoneInfo("UTC"))
ENGLISH = for_language("en")
LANGUAGES = [for_language(language) for language in NAMES]

FOX = "🦊"
"""A letter that Telegram counts as two."""

TELEGRAM = frozenset({"a", "b", "i", "u", "s", "code", "pre", "blockquote", "tg-spoiler"})
"""The tags of Telegram's HTML."""

OURS = frozenset({"a", "b", "blockquote", "code", "i"})
"""Those that the texts use."""


class Reader(HTMLParser):
    """Reads HTML as Telegram does: strictly, and the text is what counts."""

    def __init__(self, tags: Collection[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.quoted = ""
        self.tags: list[str] = []
        self._known = tags
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        del attrs
        assert tag in self._known, tag
        self.tags.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if "blockquote" in self.open:
            self.quoted += data


def read(html: str, tags: Collection[str] = OURS) -> Reader:
    """Read HTML in which every tag is one of these and closed in its order."""
    reader = Reader(tags)
    reader.feed(html)
    reader.close()
    assert not reader.open, html
    return reader


def text_of(view: View) -> str:
    return read(view.html).text


def labels(view: View) -> list[str]:
    return [button.text for row in view.buttons for button in row]

"""What messages say: their words, with what Telegram puts beside them. Nothing else reads texts, captions or entities.

An album is one message: the captions of all of its parts are its text, and a command on any part is its command.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from urllib.parse import urlsplit

from telegram import Bot, Message, MessageEntity, TextQuote
from telegram.constants import MessageEntityType

from bot.domain.requests.prompt import tidy
from bot.domain.requests.values import normalize_word
from bot.i18n import for_language, languages

_COMMAND = re.compile(r"[/／](\w+)(?:[@＠](\w+))?(?![\w/<>])", re.ASCII)
_OTHER_COMMAND = re.compile(r"[/／](\w+)(?:[@＠]([A-Za-z0-9_]+))?")
"""A command in another script: Telegram marks none of these, and Chinese puts no space behind it."""


_SEPARATORS = ":,;：，、；﹕∶"


@dataclass(frozen=True, slots=True)
class TypedCommand:
    """The command that a text or caption begins with. `is_ours` is False where it calls another bot by name."""

    name: str
    arguments: str
    is_ours: bool = True
    is_named: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """What is said: `text` as it was written, `request` without the command and the bot's name.

    `addresses` are those behind words. It `names_bot` where the bot's name is mentioned, and is `foreign` where
    it is forwarded, or came through another bot: somebody else's words.
    """

    text: str = ""
    request: str = ""
    command: TypedCommand | None = None
    addresses: tuple[str, ...] = ()
    names_bot: bool = False
    foreign: bool = False


class Reader:
    """Reads messages for a bot."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot

    def read(self, parts: Sequence[Message]) -> Words:
        """What a message says, or the parts of an album together.

        What a person writes themselves comes before what they forward with it: that stands for itself.
        """
        spoken = [part for part in parts if part.text or part.caption]
        own = [part for part in spoken if not is_foreign(part)]
        said = [self._said(part) for part in own or spoken]
        # The part with the command comes first: the other captions are what it is given.
        said.sort(key=lambda each: 2 if each.command is None else 0 if each.command.is_ours else 1)
        if not said:
            return Words()
        first, *others = said
        further = list(dict.fromkeys(each.request for each in others if each.request != first.request))
        request = "\n".join(filter(None, (first.request, *further)))
        command = first.command
        return Words(
            text="\n".join(dict.fromkeys(each.text for each in said)),
            request=request,
            command=None if command is None else replace(command, arguments=request),
            addresses=tuple(dict.fromkeys(address for each in said for address in each.addresses)),
            names_bot=any(each.names_bot for each in said),
            foreign=not own,
        )

    def quoted(self, quote: TextQuote) -> Words:
        """What the part of a message says that a reply quotes."""
        return self._words(quote.text, quote.entities or ())

    def command_in(self, text: str) -> TypedCommand | None:
        """The command that a text begins with, by its name in small letters; None where it begins with none."""
        match = _COMMAND.match(text)
        if match is not None:
            name = normalize_word(match[1])
            name = other_words().get(name, name)
        else:
            match = _OTHER_COMMAND.match(text)
            word = None if match is None or match[1].isascii() else _word_in(normalize_word(match[1]))
            if match is None or word is None:
                return None
            name = other_words().get(word, word)
            if len(word) < len(match[1]):
                # What follows without a space is text, be it a name behind it or not.
                return TypedCommand(name, _behind(text[match.start(1) + len(word) :]))
        is_ours = match[2] is None or match[2].casefold() == self.bot.username.casefold()
        return TypedCommand(name, _behind(text[match.end() :]), is_ours, match[2] is not None)

    def _said(self, part: Message) -> Words:
        if part.text:
            return self._words(part.text, part.entities, foreign=is_foreign(part))
        return self._words(part.caption or "", part.caption_entities, foreign=is_foreign(part))

    def _words(self, text: str, entities: Sequence[MessageEntity], *, foreign: bool = False) -> Words:
        names = [span for entity in entities if self._is_our_name(entity, span := _span(text, entity), text)]
        request = tidy(_without(text, names)).strip()
        command = self.command_in(request)
        return Words(
            text=tidy(text),
            request=request if command is None else command.arguments,
            command=command,
            addresses=tuple(
                entity.url
                for entity in entities
                if entity.type == MessageEntityType.TEXT_LINK and entity.url and _is_web(entity.url)
            ),
            names_bot=bool(names),
            foreign=foreign,
        )

    def _is_our_name(self, entity: MessageEntity, span: slice, text: str) -> bool:
        if entity.type == MessageEntityType.TEXT_MENTION:
            return entity.user is not None and entity.user.id == self.bot.id
        named = text[span].casefold()
        return entity.type == MessageEntityType.MENTION and named == f"@{self.bot.username}".casefold()


def written(message: Message) -> str:
    """The text or caption of one message, exactly as Telegram has it."""
    return message.text or message.caption or ""


def formatted(message: Message, length: int) -> str:
    """The first so many characters of the text or caption of one message, with their formatting, as HTML."""
    text = written(message)[:length]
    end = len(text.encode("utf-16-le", "surrogatepass")) // 2
    entities = [
        MessageEntity(
            entity.type,
            entity.offset,
            min(entity.length, end - entity.offset),
            url=entity.url,
            user=entity.user,
            language=entity.language,
            custom_emoji_id=entity.custom_emoji_id,
        )
        for entity in (message.entities if message.text else message.caption_entities)
        if entity.offset < end
    ]
    return Message(message.message_id, message.date, message.chat, text=text, entities=entities).text_html


def _behind(text: str) -> str:
    """What stands behind a command, without what separates it from that: "/video: 10s a fox"."""
    return text.lstrip(_SEPARATORS).strip()


def is_foreign(part: Message) -> bool:
    """Whether somebody else made a message: it is forwarded, or another bot wrote it for the person to choose."""
    return part.forward_origin is not None or part.via_bot is not None


@cache
def other_words() -> Mapping[str, str]:
    """Other words for commands, in every language, with the commands' names; the longest first."""
    pairs = [pair for language in languages() for pair in for_language(language)("commands.words").split()]
    words = {word: command for word, _, command in (pair.partition("=") for pair in pairs)}
    return {word: words[word] for word in sorted(words, key=len, reverse=True)}


def _word_in(written: str) -> str | None:
    """The word for a command that a text in another script begins with."""
    if written.isascii():
        return written
    return next((word for word in other_words() if not word.isascii() and written.startswith(word)), None)


def _span(text: str, entity: MessageEntity) -> slice:
    """Where an entity stands: Telegram counts UTF-16 units, Python characters."""
    units = text.encode("utf-16-le", "surrogatepass")

    def index(unit: int) -> int:
        return len(units[: max(0, unit) * 2].decode("utf-16-le", "ignore"))

    return slice(index(entity.offset), index(entity.offset + entity.length))


def _without(text: str, spans: Iterable[slice]) -> str:
    """A text without these parts, and without the gap that each of them leaves."""
    for span in sorted(spans, key=lambda span: span.start, reverse=True):
        before, after = text[: span.start], text[span.stop :]
        if after[:1].isspace() or not after:
            before = before.rstrip(" ")
        text = before + (after if before else after.lstrip())
    return text


def _is_web(address: str) -> bool:
    try:
        return urlsplit(address).scheme.lower() in {"http", "https"}
    except ValueError:
        return False

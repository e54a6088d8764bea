"""The prompt grammar: `/video a fox in the snow 10s 9:16 --no blur` to a prompt and options. Pure.

Long options (`--mode pro`, `--不要 模糊`) are read wherever they stand before or after the prompt. Short
words (`10s`, `pro`, `9:16`, `竖屏`) count only in an unbroken run of option words at the very beginning
or end, spaces or commas between them; everywhere else they are text. A prompt in quotes is taken as it
is, and a lone `--` before the prompt ends the options.

Where a short word at an edge could belong to the sentence, the sentence wins:

- after an article, a preposition or the like (`video of a pro`, `a city in the 80s`);
- before `of`, `later` and the like (`5s later it snows`);
- `pro`, `hd` and `std`, when words follow them (`pro skater`), when they end a list (`very detailed,
  hd`), or when they are written like a name (`a MacBook Pro`);
- decades before a word (`80s synthwave`).
"""

import re
import unicodedata
from dataclasses import dataclass, field

from bot.domain.requests.options import WORDS, OptionRow, Options, Words
from bot.domain.requests.request import NEGATIVE_LIMIT, PROMPT_LIMIT
from bot.domain.requests.values import (
    QUOTED_LENGTH,
    SWITCH_WORDS,
    Instead,
    Vocabulary,
    normalize_word,
    switch,
)
from bot.errors import UserError

_JOINERS = frozenset("\u200c\u200d")
"""Between letters of some scripts, and between the parts of one emoji, these have a meaning."""

_TAGS = range(0xE0020, 0xE0080)
"""What flags of regions are written with."""

_EMOJI_STYLE = "\ufe0f"


@dataclass(frozen=True, slots=True)
class ParsedPrompt:
    """A prompt without its options. It may be empty: a photo needs none.

    `vocabulary` has the names that it may use, such as `@Fox`; None: it uses none.
    """

    prompt: str
    options: Options = field(default_factory=dict)
    vocabulary: Vocabulary | None = field(default=None, compare=False)


def tidy(text: str) -> str:
    """A text without the invisible marks that keyboards and copied pages put into it."""
    kept: list[str] = []
    for character in text:
        is_mark = (
            unicodedata.category(character) == "Cf"
            and character not in _JOINERS
            and ord(character) not in _TAGS
        )
        # Behind a digit or a dash it makes an emoji of what is meant as an option.
        is_style = character == _EMOJI_STYLE and bool(kept) and unicodedata.category(kept[-1])[0] in "LNPZ"
        if not (is_mark or is_style):
            kept.append(character)
    return "".join(kept)


def parse(text: str, vocabulary: Vocabulary, words: Words = WORDS) -> ParsedPrompt:
    """Split what a person typed into prompt and options, by the words of the options.

    Raises:
        UserError: an option is unknown, lacks its value or is out of range, or a text is too long; with
            what is allowed and the nearest match.

    """
    reader = _Reader(tidy(text), vocabulary, words)
    prompt = reader.read()
    _limit("error.prompt.too_long", prompt, PROMPT_LIMIT)
    _limit("error.prompt.negative_too_long", reader.options.get("negative_prompt", ""), NEGATIVE_LIMIT)
    return ParsedPrompt(prompt, reader.options, vocabulary)


def _limit(key: str, text: str, limit: int) -> None:
    if len(text) > limit:
        raise UserError(key, count=len(text), limit=limit)


# -- what a sentence looks like ----------------------------------------------------------------------

# fmt: off
_BEFORE_TEXT = frozenset({
    "a", "an", "the", "my", "your", "his", "her", "its", "our", "their",
    "of", "for", "with", "in", "at", "to", "by", "from", "on", "and", "or", "like", "as", "than",
    "is", "go", "goes", "going", "turns", "turned", "becomes", "became", "shows", "says",
    "very", "real", "true", "next", "old", "new", "same",
})
"""After one of these a sentence is not over, so the short word that follows is text."""

_AFTER_TEXT = frozenset({
    "of", "later", "long", "ago", "before", "after", "until", "left", "in", "into", "to", "and", "or", "am", "pm",
})
"""Before one of these a sentence has begun, so the short word in front of it is text."""
# fmt: on

_PRAISE = frozenset({"pro", "hd", "std", "高清", "高质量"})
"""Option words that prompts also hold as words of their own."""

_DECADES = frozenset({"20s", "30s", "40s", "50s", "60s", "70s", "80s", "90s"})

_QUOTES = {
    '"': '"',
    "“": "”",
    "”": "”",
    "„": "“",
    "‘": "’",
    "'": "'",
    "「": "」",
    "『": "』",
    "«": "»",
}
_APOSTROPHES = frozenset("'’")
_SEPARATORS = ",，、;；"
# Chinese puts no space behind a comma; a Latin comma without one is part of a word ("0,7").
_TOKEN = re.compile(r"[^\s，、；]+[，、；]*|[，、；]+")
_SHORT_DASHES = "‐‑‒−﹣－-"
"""Two of these begin an option; phones write one of `_LONG_DASHES` in their place."""
_LONG_DASHES = "—–―─⸺﹘"
_DASHES = re.compile(rf"(?:[{_SHORT_DASHES}]{{2}}|[{_SHORT_DASHES}]?[{_LONG_DASHES}]{{1,2}})(?=\w)")
_SWITCHES = frozenset(word for words in SWITCH_WORDS.values() for word in words)
_END_OF_OPTIONS = frozenset({"--", "－－", "—", "–"})


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """Plain and without what separates it from the next."""
        return normalize_word(self.text.rstrip(_SEPARATORS))

    @property
    def ends_part(self) -> bool:
        return self.text[-1] in _SEPARATORS


def _is_chinese(text: str) -> bool:
    return "\u3400" <= text[:1] <= "\u9fff"


class _Reader:
    """Reads options from both ends inwards; what is left in the middle is the prompt, untouched."""

    def __init__(
        self, text: str, vocabulary: Vocabulary, words: Words, *, behind_prompt: bool = False
    ) -> None:
        self._text = text
        self._vocabulary = vocabulary
        self._words = words
        self._behind_prompt = behind_prompt
        self._ended = False
        self.options: Options = {}

    def read(self) -> str:
        """Take the options and return the prompt."""
        start = self._leading(0)
        rest = self._text[start:].strip()
        if self._ended:
            return rest
        if quoted := _quoted(rest):
            inner, after = quoted
            if self._only_options(after):
                return inner.strip()
        return self._trailing(start)

    # -- from the front --------------------------------------------------------------------------

    def _leading(self, position: int) -> int:
        """Take options at the front; the position where the prompt begins."""
        taken = False
        while (token := self._next(position)) is not None:
            if token.text in _END_OF_OPTIONS:
                self._ended = True
                return token.end
            if self._begins_option(token):
                position = self._long(token)
            elif (short := self._short(token)) and self._stands_alone(token, short[2]):
                self._set(short[0], short[1])
                position = short[2]
            elif not (taken and not token.word):
                break
            else:
                position = token.end
            taken = True
        return position

    def _stands_alone(self, token: _Token, end: int) -> bool:
        """Whether a short word at the front is an option and not the beginning of a sentence."""
        following = self._next(end)
        if following is None or self._begins_option(following) or self._short(following):
            return True
        if following.word in _AFTER_TEXT:
            return False
        if token.word in _PRAISE or token.word in _DECADES:
            return "\n" in self._text[end : following.start] or _is_chinese(following.text)
        return True

    # -- from the back ---------------------------------------------------------------------------

    def _trailing(self, start: int) -> str:
        """Take the options at the back and return the prompt."""
        tokens = self._tokens(start)
        first_long = next((i for i, token in enumerate(tokens) if self._begins_option(token)), len(tokens))
        if first_long < len(tokens):
            self._only_options(self._text[tokens[first_long].start :], strict=True)
        end = tokens[first_long].start if first_long < len(tokens) else len(self._text)
        body = tokens[:first_long]
        while body:
            # A comma on its own belongs to the run of options that it stands in.
            run = body
            while run and not run[-1].word:
                run = run[:-1]
            size = self._short_at_end(run)
            if not size:
                break
            if short := self._short(run[-size]):
                self._set(short[0], short[1], keep=True)
            body = run[:-size]
            end = body[-1].end if body else start
        prompt = self._text[start:end].strip()
        return prompt if len(body) == len(tokens) else prompt.rstrip(_SEPARATORS + " \n\t")

    def _short_at_end(self, body: list[_Token]) -> int:
        """How many tokens the short option takes that the text ends with; 0 where it ends with text."""
        if not body:
            return 0
        last = body[-1]
        short = self._short(body[-2]) if len(body) > 1 else None
        size = 2 if short is not None and short[2] == last.end else 1
        if size == 1 and self._short(last) is None:
            return 0
        if len(body) == size:
            return size
        part_ends = False
        for before in reversed(body[:-size]):
            part_ends = part_ends or before.ends_part
            if before.word:
                break
        if self._short(before) is not None:
            return size
        if before.word in _BEFORE_TEXT and not part_ends:
            return 0
        if last.word in _PRAISE and (part_ends or last.text.istitle()):
            return 0
        return size

    def _only_options(self, text: str, *, strict: bool = False) -> bool:
        """Read a text that must consist of options; False (and nothing taken) where it does not."""
        inner = _Reader(text, self._vocabulary, self._words, behind_prompt=True)
        inner.options = self.options
        position = 0
        while (token := inner._next(position)) is not None:
            if inner._begins_option(token):
                position = inner._long(token)
            elif short := inner._short(token):
                inner._set(short[0], short[1])
                position = short[2]
            elif not token.word:
                position = token.end
            elif strict:
                raise UserError("error.prompt.stray_word", word=token.text[:QUOTED_LENGTH])
            else:
                return False
        self.options = inner.options
        return True

    # -- one option ------------------------------------------------------------------------------

    def _begins_option(self, token: _Token) -> bool:
        match = _DASHES.match(token.text)
        if match is None:
            return False
        # A dash in a sentence ("—and then it snows") is no option unless its word is one.
        if not set(match[0]) & set(_LONG_DASHES):
            return True
        name = _split(token.text[match.end() :])[0]
        return self._words.resembles(name) or self._find_short(normalize_word(name)) is not None

    def _find_short(self, word: str, unit: str = "") -> tuple[OptionRow, object, int] | None:
        return self._words.find_short(word, unit, self._vocabulary)

    def _short(self, token: _Token) -> tuple[OptionRow, object, int] | None:
        """The option, the value and the end of a short option that begins with this token."""
        following = None if token.ends_part else self._next(token.end)
        word = token.word
        if word not in _PRAISE:
            word = word.rstrip(".。")
        found = self._find_short(word, following.word.rstrip(".。") if following else "")
        if found is None:
            return None
        end = following.end if following is not None and found[2] == 2 else token.end
        return found[0], found[1], end

    def _long(self, token: _Token) -> int:
        """Take `--name value`, `--name=value` or `--flag`; the position after it."""
        match = _DASHES.match(token.text)
        body = token.text[match.end() if match else 0 :]
        if short := self._find_short(normalize_word(body.rstrip(_SEPARATORS))):
            self._set(short[0], short[1])
            return token.end
        name, glued = _split(body)
        key = normalize_word(name.rstrip(_SEPARATORS))
        if key in self._words.flags:
            return self._flag(token, key, glued)
        option = self._words.valued.get(key)
        if option is None:
            raise self._words.unknown(name)
        start = token.end if glued is None else token.end - len(glued)
        value, position, quoted = self._value(start)
        if option.continues and value and not quoted:
            value, position = self._listed(value, position)
        value = value.rstrip(_SEPARATORS)
        if not value:
            raise UserError("error.prompt.option_without_value", option=f"--{name}")
        if option.continues and option.field in self.options:
            value = f"{self.options[option.field]}, {value}"
        self._set(option, value)
        return position

    def _flag(self, token: _Token, key: str, glued: str | None) -> int:
        option, value = self._words.flags[key]
        end = token.end
        if glued is None and option.has_switch and self._behind_prompt:
            # In front of a prompt, "on" may be its first word.
            following = self._next(end)
            if following is not None and following.word in _SWITCHES:
                glued, end = following.word, following.end
        if glued is not None and not switch(f"--{key}", glued.rstrip(_SEPARATORS)):
            if not option.has_switch:
                return end
            value = not value
        self._set(option, value)
        return end

    def _value(self, position: int) -> tuple[str, int, bool]:
        """The value that begins at a position, where it ends, and whether it stood in quotes."""
        while position < len(self._text) and self._text[position].isspace():
            position += 1
        quoted = _quoted(self._text[position:])
        if quoted is not None:
            inner, after = quoted
            return inner.strip(), len(self._text) - len(after), True
        token = self._next(position)
        if token is None or self._begins_option(token):
            return "", position, False
        return token.text, token.end, False

    def _listed(self, value: str, position: int) -> tuple[str, int]:
        """An unquoted value that continues goes on after a comma; behind the prompt, up to the next option."""
        end, listed = position, value.endswith(tuple(_SEPARATORS))
        while (token := self._next(end)) is not None and not self._begins_option(token):
            if not listed and (not self._behind_prompt or self._short(token)):
                break
            end, listed = token.end, token.ends_part
        return (value + self._text[position:end]).strip(), end

    def _set(self, option: OptionRow, value: object, *, keep: bool = False) -> None:
        """Note an option. With `keep`, one that is set already stays as it is."""
        if keep and option.field in self.options:
            return
        if isinstance(value, str):
            value = option.read(value, self._vocabulary)
        field = option.field
        if isinstance(value, Instead):
            field, value = value.field, value.value
        self.options = {**self.options, field: value}

    # -- tokens ----------------------------------------------------------------------------------

    def _next(self, position: int) -> _Token | None:
        match = _TOKEN.search(self._text, position)
        return None if match is None else _Token(match[0], match.start(), match.end())

    def _tokens(self, position: int) -> list[_Token]:
        return [
            _Token(match[0], match.start(), match.end()) for match in _TOKEN.finditer(self._text, position)
        ]


def _quoted(text: str) -> tuple[str, str] | None:
    """A text that begins with a quotation mark: what is inside, and what follows."""
    closing = _QUOTES.get(text[:1])
    if closing is None:
        return None
    end = text.find(closing, 1)
    while closing in _APOSTROPHES and 0 <= end < len(text) - 1 and not text[end + 1].isspace():
        end = text.find(closing, end + 1)
    if end < 0 and text[0] in "“”":
        end = text.find('"', 1)
    return None if end < 0 else (text[1:end], text[end + 1 :])


def _split(body: str) -> tuple[str, str | None]:
    """`name=value` and `name：value` into their parts; the value is None where there is no separator."""
    match = re.search(r"[=＝﹦:：﹕∶]", body)
    return (body, None) if match is None else (body[: match.start()], body[match.end() :])

"""The prompt grammar: `/video a fox in the snow 10s 9:16 --no blur` to a prompt and options. Pure.

Long options (`--mode pro`, `--不要 模糊`) are read wherever they stand before or after the prompt. Short
words (`10s`, `pro`, `9:16`, `竖屏`) count only in an unbroken run of option words at the very beginning
or end; everywhere else they are text. A prompt in quotes is taken as it is, and a lone `--` ends the
options. A word that could end a sentence (`pro`, `sound`) is not taken when it follows an article or
a preposition, so "a fight between pro and amateur" and "video of a pro" keep their words.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Self

from bot.errors import UserError

LIMIT = 2_500
MAX_COUNT = 4
SEED_LIMIT = 2**31 - 1
RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9")
MODES = ("std", "pro", "4k")


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for in words; None where nothing was said. `duration` in seconds."""

    model: str | None = None
    mode: str | None = None
    duration: int | None = None
    aspect_ratio: str | None = None
    negative_prompt: str | None = None
    cfg_scale: float | None = None
    seed: int | None = None
    sound: bool | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class ParsedPrompt:
    """A prompt without its options. It may be empty: a photo needs none."""

    prompt: str
    options: Options = Options()


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The models on offer, by every name that people give them, in lower case."""

    models: Mapping[str, str]

    @classmethod
    def of_models(cls, ids: Sequence[str]) -> Self:
        """Derive the names: `kling-v2-6` is also `v2-6`, `v2.6`, `2.6` and `kling-2.6`; the first id wins."""
        names: dict[str, str] = {}
        for model in ids:
            bare = model.lower().removeprefix("kling-")
            forms = {model.lower(), bare}
            if match := re.fullmatch(r"v(\d+)(?:-(\d+))?(-.*)?", bare):
                major, minor, rest = match[1], match[2], match[3] or ""
                number = f"{major}.{minor}" if minor else major
                forms |= {f"v{number}{rest}", f"kling-v{number}{rest}", f"kling-{number}{rest}"}
                if minor or rest:
                    forms |= {f"{number}{rest}"}
                if rest:
                    forms |= {f"v{number}", f"kling-{number}", number} if minor else {f"v{number}{rest}"}
            for form in forms:
                names.setdefault(form, model)
        return cls({**names, **{model.lower(): model for model in ids}})


# -- words -------------------------------------------------------------------------------------------

_LONG: Mapping[str, str] = {
    **dict.fromkeys(("model", "m", "模型"), "model"),
    **dict.fromkeys(("mode", "quality", "模式", "质量"), "mode"),
    **dict.fromkeys(("duration", "length", "seconds", "time", "时长"), "duration"),
    **dict.fromkeys(("ratio", "aspect", "aspect-ratio", "ar", "比例"), "aspect_ratio"),
    **dict.fromkeys(("no", "negative", "negative-prompt", "neg", "不要", "反向"), "negative_prompt"),
    **dict.fromkeys(("cfg", "cfg-scale", "相关性"), "cfg_scale"),
    **dict.fromkeys(("seed", "种子"), "seed"),
    **dict.fromkeys(("n", "count", "数量"), "count"),
}

_FLAGS: Mapping[str, tuple[str, object]] = {
    **dict.fromkeys(("pro", "hd", "high", "高品质", "高质量", "高清"), ("mode", "pro")),
    **dict.fromkeys(("std", "standard", "标准"), ("mode", "std")),
    **dict.fromkeys(("4k",), ("mode", "4k")),
    **dict.fromkeys(("sound", "有声", "声音"), ("sound", True)),
    **dict.fromkeys(("silent", "no-sound", "无声"), ("sound", False)),
    **dict.fromkeys(("landscape", "横屏"), ("aspect_ratio", "16:9")),
    **dict.fromkeys(("portrait", "vertical", "竖屏"), ("aspect_ratio", "9:16")),
    **dict.fromkeys(("square", "方形"), ("aspect_ratio", "1:1")),
}

_BARE_FLAGS = frozenset(
    {"pro", "hd", "std", "4k", "高品质", "高质量", "高清", "标准", "横屏", "竖屏", "方形", "有声", "无声"}
)
"""Flags that count without dashes; `portrait` or `sound` are too often part of a sentence."""

_BEFORE_TEXT = frozenset(
    {"a", "an", "the", "of", "for", "with", "and", "or", "in", "at", "to", "by", "like", "as", "is", "very"}
)
"""After one of these a sentence is not over, so the word that follows is text."""

_SECONDS = re.compile(r"(\d{1,3})\s?(?:s|sec|secs|seconds?|秒钟?)", re.IGNORECASE)
_RATIO = re.compile(r"(\d{1,2})[:：x×](\d{1,2})")

_QUOTES = {'"': '"', "“": "”", "「": "」", "『": "』", "«": "»", "„": "“", "”": "”"}
_TOKEN = re.compile(r"\S+")
_DASHES = re.compile(r"^(?:--|[—–―]{1,2}|−−)(?=\S)")
_END_OF_OPTIONS = frozenset({"--", "—", "–"})


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    start: int
    end: int


def parse(text: str, vocabulary: Vocabulary) -> ParsedPrompt:
    """Split what a person typed into prompt and options.

    Raises:
        UserError: an option is unknown, lacks its value or is out of range, or a text is too long; with
            what is allowed and the nearest match.

    """
    reader = _Reader(text, vocabulary)
    prompt = reader.read()
    _limit("error.prompt.too_long", prompt)
    _limit("error.prompt.negative_too_long", reader.options.negative_prompt or "")
    return ParsedPrompt(prompt, reader.options)


def _limit(key: str, text: str) -> None:
    if len(text) > LIMIT:
        raise UserError(key, count=len(text), limit=LIMIT)


class _Reader:
    """Reads options from both ends inwards; what is left in the middle is the prompt, untouched."""

    def __init__(self, text: str, vocabulary: Vocabulary, *, behind_prompt: bool = False) -> None:
        self._text = text
        self._vocabulary = vocabulary
        self._behind_prompt = behind_prompt
        self._ended = False
        self.options = Options()

    def read(self) -> str:
        start = self._leading(0)
        rest = self._text[start:].strip()
        if self._ended:
            return rest
        if quoted := self._quoted(rest):
            inner, after = quoted
            if self._only_options(after):
                return inner.strip()
        end = self._trailing(start)
        return self._text[start:end].strip()

    # -- from the front --------------------------------------------------------------------------

    def _leading(self, position: int) -> int:
        """Take options at the front; the position where the prompt begins."""
        while (token := self._next(position)) is not None:
            if token.text in _END_OF_OPTIONS:
                self._ended = True
                return token.end
            if _DASHES.match(token.text):
                position = self._long(token)
                continue
            following = self._next(token.end)
            joined = self._joined(token, following)
            if joined is not None:
                position = joined
            elif (following is None or not self._continues(token, following)) and self._bare(token.text):
                position = token.end
            else:
                break
        return position

    @staticmethod
    def _continues(token: _Token, following: _Token) -> bool:
        """Whether a flag at the front begins a sentence instead ("pro skater on a ramp")."""
        return (
            token.text.casefold() in {"pro", "hd", "4k"}
            and following.text.isascii()
            and following.text.isalpha()
        )

    def _joined(self, token: _Token, following: _Token | None) -> int | None:
        """`10 s` in two words."""
        if following is not None and token.text.isdigit() and following.text.casefold() in {"s", "sec", "秒"}:
            self._set("duration", self._duration(token.text))
            return following.end
        return None

    # -- from the back ---------------------------------------------------------------------------

    def _trailing(self, start: int) -> int:
        """Take the options at the back; the position where the prompt ends."""
        tokens = [
            _Token(match[0], match.start(), match.end()) for match in _TOKEN.finditer(self._text, start)
        ]
        first_long = next(
            (index for index, token in enumerate(tokens) if self._begins_option(token)), len(tokens)
        )
        end = tokens[first_long].start if first_long < len(tokens) else len(self._text)
        if first_long < len(tokens):
            self._only_options(self._text[end:], strict=True)
        # Short words between the prompt and the long options, read backwards.
        body = tokens[:first_long]
        while body:
            token = body[-1]
            before = body[-2].text.casefold() if len(body) > 1 else ""
            if len(body) > 2 and token.text.casefold() in {"s", "sec", "秒"} and before.isdigit():
                self._set("duration", self._duration(before), keep=True)
                body = body[:-2]
            elif (
                (len(body) > 1 or start) and before not in _BEFORE_TEXT and self._bare(token.text, keep=True)
            ):
                body = body[:-1]
            else:
                break
            end = body[-1].end if body else start
        return end

    @staticmethod
    def _begins_option(token: _Token) -> bool:
        match = _DASHES.match(token.text)
        if match is None:
            return False
        # A dash in a sentence ("—and then it snows") is no option unless its word is one.
        if match[0] == "--":
            return True
        name = re.split(r"[=:：]", token.text[match.end() :])[0].casefold()
        return name in _LONG or name in _FLAGS or bool(get_close_matches(name, [*_LONG, *_FLAGS], 1, 0.8))

    def _only_options(self, text: str, *, strict: bool = False) -> bool:
        """Read a text that must consist of options; False (and nothing taken) where it does not."""
        inner = _Reader(text, self._vocabulary, behind_prompt=True)
        inner.options = self.options
        position = 0
        while (token := inner._next(position)) is not None:
            if _DASHES.match(token.text):
                position = inner._long(token)
            elif inner._bare(token.text):
                position = token.end
            elif strict:
                raise UserError("error.prompt.stray_word", word=token.text[:40])
            else:
                return False
        self.options = inner.options
        return True

    # -- one option ------------------------------------------------------------------------------

    def _long(self, token: _Token) -> int:
        """Take `--name value`, `--name=value` or `--flag`; the position after it."""
        match = _DASHES.match(token.text)
        body = token.text[match.end() :] if match else token.text
        name, separator, glued = _split(body)
        key = name.casefold()
        if key in _FLAGS and not separator:
            field, value = _FLAGS[key]
            self._set(field, value)
            return token.end
        if key not in _LONG:
            raise UserError("error.prompt.unknown_option", option=f"--{name[:40]}", nearest=_nearest(key))
        field = _LONG[key]
        if separator:
            value_text, position = self._value(token.end - len(glued))
        else:
            value_text, position = self._value(token.end)
        if field == "negative_prompt" and not self._was_quoted(position):
            position, value_text = self._listed(position, value_text)
        if not value_text:
            raise UserError("error.prompt.option_without_value", option=f"--{name}")
        self._set(field, self._converted(field, value_text))
        return position

    def _listed(self, position: int, value: str) -> tuple[int, str]:
        """An unquoted negative prompt goes on after a comma; behind the prompt, up to the next option."""
        end, last = position, value
        while (token := self._next(end)) is not None and not _DASHES.match(token.text):
            if not last.endswith((",", "，", "、")) and (
                not self._behind_prompt or self._is_bare(token.text)
            ):
                break
            end, last = token.end, token.text
        return end, f"{value} {self._text[position:end].strip()}".strip()

    def _is_bare(self, word: str) -> bool:
        return _Reader("", self._vocabulary)._bare(word)  # noqa: SLF001  another of the same class

    def _was_quoted(self, position: int) -> bool:
        return position > 0 and self._text[position - 1] in set(_QUOTES.values())

    def _value(self, position: int) -> tuple[str, int]:
        while position < len(self._text) and self._text[position].isspace():
            position += 1
        quoted = self._quoted(self._text[position:])
        if quoted is not None:
            inner, after = quoted
            return inner.strip(), len(self._text) - len(after)
        token = self._next(position)
        if token is None or _DASHES.match(token.text):
            return "", position
        return token.text, token.end

    @staticmethod
    def _quoted(text: str) -> tuple[str, str] | None:
        """A text that begins with a quotation mark: what is inside, and what follows."""
        closing = _QUOTES.get(text[:1])
        if closing is None:
            return None
        end = text.find(closing, 1)
        if end < 0 and text[0] == "“":
            end = text.find('"', 1)
        return None if end < 0 else (text[1:end], text[end + 1 :])

    def _bare(self, word: str, *, keep: bool = False) -> bool:
        """Take a short word if it is one. With `keep`, an option that is set already stays as it is."""
        key = word.casefold()
        if key in _BARE_FLAGS:
            field, value = _FLAGS[key]
            self._set(field, value, keep=keep)
        elif match := _SECONDS.fullmatch(word):
            self._set("duration", self._duration(match[1]), keep=keep)
        elif (match := _RATIO.fullmatch(word)) and f"{int(match[1])}:{int(match[2])}" in RATIOS:
            self._set("aspect_ratio", f"{int(match[1])}:{int(match[2])}", keep=keep)
        elif key in self._vocabulary.models and re.match(r"(?:kling-)?v\d|kling-\d", key):
            self._set("model", self._vocabulary.models[key], keep=keep)
        else:
            return False
        return True

    def _set(self, field: str, value: object, *, keep: bool = False) -> None:
        if not (keep and getattr(self.options, field) is not None):
            self.options = replace(self.options, **{field: value})  # type: ignore[arg-type]

    def _next(self, position: int) -> _Token | None:
        match = _TOKEN.search(self._text, position)
        return None if match is None else _Token(match[0], match.start(), match.end())

    # -- values ----------------------------------------------------------------------------------

    def _converted(self, field: str, text: str) -> object:
        converters: Mapping[str, Callable[[str], object]] = {
            "model": self._model,
            "mode": self._mode,
            "duration": self._duration,
            "aspect_ratio": self._ratio,
            "cfg_scale": self._cfg,
            "seed": self._seed,
            "count": self._count,
        }
        return converters[field](text) if field in converters else text

    def _model(self, text: str) -> str:
        found = self._vocabulary.models.get(text.casefold())
        if found is None:
            offered = sorted(set(self._vocabulary.models.values()))
            nearest = get_close_matches(text.casefold(), list(self._vocabulary.models), 1, 0.3)
            raise UserError(
                "error.model.unknown",
                model=text[:40],
                nearest=self._vocabulary.models[nearest[0]] if nearest else offered[0],
                models=", ".join(offered),
            )
        return found

    def _mode(self, text: str) -> str:
        flag = _FLAGS.get(text.casefold())
        if flag is None or flag[0] != "mode":
            raise _bad("--mode", text, ", ".join(MODES), _close(text, MODES))
        return str(flag[1])

    def _duration(self, text: str) -> int:
        match = _SECONDS.fullmatch(text) or re.fullmatch(r"(\d{1,6})(?:\.0*)?", text)
        if match is None or not 1 <= int(match[1]) <= 60:
            raise _bad("--duration", text, "1–60", "5")
        return int(match[1])

    def _ratio(self, text: str) -> str:
        flag = _FLAGS.get(text.casefold())
        if flag is not None and flag[0] == "aspect_ratio":
            return str(flag[1])
        match = _RATIO.fullmatch(text)
        ratio = f"{int(match[1])}:{int(match[2])}" if match else ""
        if ratio not in RATIOS:
            raise _bad("--ratio", text, ", ".join(RATIOS), _nearest_ratio(match))
        return ratio

    def _cfg(self, text: str) -> float:
        try:
            value = float(text.replace(",", "."))
        except ValueError:
            value = -1.0
        if not 0 <= value <= 1:
            raise _bad("--cfg", text, "0–1", "1" if value > 1 else "0.5")
        return value

    def _seed(self, text: str) -> int:
        return _whole("--seed", text, 0, SEED_LIMIT)

    def _count(self, text: str) -> int:
        return _whole("--n", text, 1, MAX_COUNT)


def _split(body: str) -> tuple[str, str, str]:
    """`name=value` and `name：value` into their parts; the separator is empty where there is none."""
    match = re.search(r"[=：]", body)
    return (body, "", "") if match is None else (body[: match.start()], match[0], body[match.end() :])


def _nearest(name: str) -> str:
    known = [*_LONG, *_FLAGS]
    close = get_close_matches(name, known, 1, 0.4)
    return f"--{close[0] if close else 'mode'}"


def _close(text: str, allowed: Sequence[str]) -> str:
    close = get_close_matches(text.casefold(), allowed, 1, 0.0)
    return close[0] if close else allowed[0]


def _nearest_ratio(match: re.Match[str] | None) -> str:
    if match is None or int(match[2]) == 0:
        return RATIOS[0]
    wanted = int(match[1]) / int(match[2])
    return min(RATIOS, key=lambda ratio: abs(int(ratio.split(":")[0]) / int(ratio.split(":")[1]) - wanted))


def _whole(option: str, text: str, low: int, high: int) -> int:
    value = int(text) if re.fullmatch(r"-?\d{1,12}", text) else None
    if value is None or not low <= value <= high:
        nearest = low if value is None or value < low else high
        raise _bad(option, text, f"{low}–{high}", str(nearest))
    return value


def _bad(option: str, value: str, allowed: str, nearest: str) -> UserError:
    return UserError(
        "error.prompt.bad_value", option=option, value=value[:40], allowed=allowed, nearest=nearest
    )

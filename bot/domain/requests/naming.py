"""The names by which people call elements, voices and photos in a prompt: `@Fox`, `@狐狸`, `@2`. Pure.

A prompt is stored with the names of `references`; here they are read out of what was typed, shown again, and change
with what a card's buttons add or take away.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches

from bot.domain.requests.operations import CHOSEN_BY_MODEL
from bot.domain.requests.options import Options
from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.requests.references import (
    CAST,
    TOKEN,
    Kind,
    Reference,
    kinds_of,
    list_references,
    missing_from,
    named_in,
)
from bot.domain.requests.request import GenerationRequest
from bot.domain.requests.values import QUOTED_LENGTH, Vocabulary, normalize_word
from bot.errors import UserError

# fmt: off
_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("image", "photo", "picture", "图", "图片", "照片"), Kind.IMAGE),
    **dict.fromkeys(("element", "主体"), Kind.ELEMENT),
    **dict.fromkeys(("video", "视频"), Kind.VIDEO),
    **dict.fromkeys(("voice", "音色"), Kind.VOICE),
}
# fmt: on

_AT = re.compile(r"(?<![A-Za-z0-9._%+-])[@＠]")
"""Behind a letter or a digit it is part of an address."""

_NUMBERED = re.compile(
    rf"(?:({'|'.join(sorted(_KINDS, key=len, reverse=True))})[ _]?)?([1-9]\d?)(?![A-Za-z0-9_]|\.\d)",
    re.IGNORECASE,
)
_VIDEO = re.compile(r"(?:video(?![A-Za-z0-9_])|视频)", re.IGNORECASE)
_ID = re.compile(r"\d{3,20}(?![A-Za-z0-9_]|\.\d)")
_WORD = re.compile(r"\w[\w-]*")

ALIKE = 0.7
"""From here on a word is taken for a name that was typed wrong, and not for anything else."""

ALIKE_TO_A_PRESET = 0.85
"""The same of the many names of Kling's own, which other words are like by chance."""


def resolve(parsed: ParsedPrompt, images: int, videos: int = 0) -> ParsedPrompt:
    """A prompt with its names of `images` photos, `videos`, elements and voices as they are stored, and those as options.

    `@Fox` is the person's own element or voice, `@160` an element by its id, `@2` the second photo. What is no name
    stays as it is.

    Raises:
        UserError: a name is nearly one that the person has.

    """
    found = _Found(parsed.vocabulary or Vocabulary({}), images, parsed.options, videos)
    prompt = found.read(parsed.prompt)
    options = dict(parsed.options)
    if shots := options.get("shots"):
        options["shots"] = tuple(
            shot.model_copy(update={"prompt": found.read(shot.prompt)}) for shot in shots
        )
    for name, value in (("elements", found.elements), ("voices", found.voices)):
        if value:
            options[name] = tuple(value)
    if found.labels:
        options["asset_names"] = tuple(found.labels.items())
    return replace(parsed, prompt=prompt, options=options)


def names_images(parsed: ParsedPrompt, images: int) -> bool:
    """Whether a prompt speaks of single photos, which then are references and no frames."""
    found = _Found(Vocabulary({}), images, {})
    texts = (parsed.prompt, *(shot.prompt for shot in parsed.options.get("shots", ())))
    return any(each.kind is Kind.IMAGE for text in texts for each in named_in(found.read(text)))


def names_video(text: str) -> bool:
    """Whether a text speaks of a video that comes with it: `@video`, `@视频1`."""
    found = _Found(Vocabulary({}), 0, {}, videos=1)
    return any(each.kind is Kind.VIDEO for each in named_in(found.read(text)))


class _Found:
    """What texts name, in the order in which they do."""

    def __init__(self, vocabulary: Vocabulary, images: int, options: Options, videos: int = 0) -> None:
        self._vocabulary = vocabulary
        self._videos = videos
        self._images = images
        self.elements: list[int] = list(options.get("elements", ()))
        self.voices: list[str] = list(options.get("voices", ()))
        self.labels: dict[str, str] = dict(options.get("asset_names", ()))
        named = {*vocabulary.elements, *vocabulary.voices}
        self._of_several_words = sorted((name for name in named if "-" in name), key=lambda name: -len(name))
        known = ((id, name) for name, id in vocabulary.elements.items())
        for id, name in known:
            if id in self.elements:
                self.labels.setdefault(str(id), name)

    def read(self, text: str) -> str:
        """A text with its names as they are stored."""
        parts: list[str] = []
        position = 0
        for at in _AT.finditer(text):
            if at.start() < position:
                continue
            found = self._name(text, at.end())
            if found is not None:
                reference, end = found
                parts += [text[position : at.start()], reference.token]
                position = end
        return "".join((*parts, text[position:]))

    def _name(self, text: str, start: int) -> tuple[Reference, int] | None:
        """What is named here, and where its name ends; None where nothing is."""
        word = _WORD.match(text, start)
        if word is None:
            return None
        if spaced := self._spaced(text, start):
            return self._own(spaced.replace(" ", "-")), start + len(spaced)
        if typed := self._known(word[0]):
            return self._own(typed), start + len(typed)
        numbered = _NUMBERED.match(text, start)
        if numbered and (numbered[1] or self._images):
            kind = _KINDS[numbered[1].casefold()] if numbered[1] else Kind.IMAGE
            return Reference(kind, int(numbered[2])), numbered.end()
        if self._videos and (alone := _VIDEO.match(text, start)):
            return Reference(Kind.VIDEO, 1), alone.end()
        if (id := _ID.match(text, start)) and self._vocabulary.models:
            return self._element(int(id[0]), id[0]), id.end()
        self._refuse_misspelt(word[0])
        return None

    def _own(self, typed: str) -> Reference:
        name = normalize_word(typed)
        if name in self._vocabulary.elements:
            return self._element(self._vocabulary.elements[name], typed)
        voice = self._vocabulary.voices[name]
        if voice not in self.voices:
            self.voices.append(voice)
        self.labels[voice] = typed
        return Reference(Kind.VOICE, self.voices.index(voice) + 1)

    def _element(self, id: int, typed: str) -> Reference:
        if id not in self.elements:
            self.elements.append(id)
        self.labels[str(id)] = typed
        return Reference(Kind.ELEMENT, self.elements.index(id) + 1)

    def _known(self, word: str) -> str | None:
        """The longest name that a word begins with; Chinese goes on behind one without a space."""
        for length in range(len(word), 0, -1):
            typed, rest = word[:length], word[length:]
            is_whole = not rest or not (_is_latin(typed[-1]) and _is_latin(rest[0]))
            if is_whole and normalize_word(typed) in {**self._vocabulary.elements, **self._vocabulary.voices}:
                return typed
        return None

    def _spaced(self, text: str, start: int) -> str | None:
        """The longest name of several words that stands here with spaces between them: `@Lady Ann`."""
        for name in self._of_several_words:
            typed = text[start : start + len(name)]
            after = text[start + len(name) : start + len(name) + 1]
            is_whole = not (after and _is_latin(typed[-1:] or " ") and _is_latin(after))
            if " " in typed and _hyphenated(typed) == name and is_whole:
                return typed
        return None

    def _refuse_misspelt(self, word: str) -> None:
        presets = self._vocabulary.presets
        names = [*self._vocabulary.elements, *self._vocabulary.voices]
        plain = normalize_word(word)
        close = get_close_matches(plain, [name for name in names if name not in presets], 3, ALIKE)
        if close := close or get_close_matches(plain, sorted(presets), 3, ALIKE_TO_A_PRESET):
            nearest = ", ".join(f"@{name}" for name in close)
            raise UserError("error.reference.unknown", name=word[:QUOTED_LENGTH], nearest=nearest)


def _hyphenated(typed: str) -> str:
    return normalize_word(typed).replace(" ", "-")


def _is_latin(letter: str) -> bool:
    return letter.isascii() and (letter.isalnum() or letter in "_-")


def show_prompt(request: GenerationRequest) -> str:
    """What a person wrote, as they read it: with the names that they gave to what it refers to."""
    return show_text(request.words, request.elements, request.voices, request.asset_names)


def show_text(
    text: str, elements: Sequence[int], voices: Sequence[str], asset_names: Iterable[tuple[str, str]]
) -> str:
    """A stored text with names in place of the numbers of these elements and voices."""
    names = dict(asset_names)
    ids = {Kind.ELEMENT: [*map(str, elements)], Kind.VOICE: [*voices]}

    def write(match: re.Match[str]) -> str:
        kind, number = Kind(match[1]), int(match[2])
        known = ids.get(kind, [])
        label = names.get(known[number - 1]) if number <= len(known) else None
        return f"@{label}" if label else f"@{kind}{number}"

    return TOKEN.sub(write, text)


def list_unnamed(request: GenerationRequest) -> list[str]:
    """What the person calls the elements and voices that no text of a request names."""
    names = dict(request.asset_names)
    kept = without_named(request)
    return [names.get(str(id), str(id)) for id in (*kept.elements, *kept.voices)]


def list_nameable(request: GenerationRequest) -> list[Reference]:
    """Everything that the prompt of a request can name; single photos also where they are only spoken of."""
    if request.shots:
        return []
    kinds = kinds_of(request.operation)
    if Kind.IMAGE not in kinds and request.operation in CHOSEN_BY_MODEL and len(request.references) > 1:
        kinds = (Kind.IMAGE, *kinds)
    return list_references(request, kinds)


def name_at_end(request: GenerationRequest, reference: Reference) -> GenerationRequest:
    """The request with something named at the end of its prompt, or no longer, where it stands there already."""
    prompt, token = request.prompt, reference.token
    named = prompt.removesuffix(token).rstrip() if prompt.endswith(token) else f"{prompt} {token}".strip()
    return request.model_copy(update={"prompt": named})


# -- more or fewer of them ---------------------------------------------------------------------------


ASSETS = ("elements", "voices", "asset_names")
"""The fields of a request that hold a person's elements and voices."""


def without_named(request: GenerationRequest) -> GenerationRequest:
    """The request without the elements and voices that its texts name: they go with the words."""
    unnamed = missing_from(request, CAST)
    places = {kind: [each.number - 1 for each in unnamed if each.kind is kind] for kind in CAST}
    elements = tuple(request.elements[place] for place in places[Kind.ELEMENT])
    voices = tuple(request.voices[place] for place in places[Kind.VOICE])
    left = {*map(str, elements), *voices}
    names = tuple(each for each in request.asset_names if each[0] in left)
    return request.model_copy(update={"elements": elements, "voices": voices, "asset_names": names})


def toggle_asset(request: GenerationRequest, kind: Kind, id: str, name: str) -> GenerationRequest:
    """The request with one more element or voice, or without it; what its texts named of it is only spoken of then."""
    field = "elements" if kind is Kind.ELEMENT else "voices"
    present = [str(each) for each in getattr(request, field)]
    if id not in present:
        values = [*present, id]
        names = tuple({**dict(request.asset_names), id: name}.items())
        return request.model_copy(update={field: _typed(kind, values), "asset_names": names})
    gone = present.index(id) + 1

    def write(match: re.Match[str]) -> str:
        reference = Reference(Kind(match[1]), int(match[2]))
        if reference.kind is not kind or reference.number < gone:
            return match[0]
        return name if reference.number == gone else Reference(kind, reference.number - 1).token

    return request.model_copy(
        update={
            field: _typed(kind, [each for each in present if each != id]),
            "prompt": TOKEN.sub(write, request.prompt),
            "shots": tuple(
                shot.model_copy(update={"prompt": TOKEN.sub(write, shot.prompt)}) for shot in request.shots
            ),
            "asset_names": tuple(each for each in request.asset_names if each[0] != id),
        }
    )


def _typed(kind: Kind, ids: Sequence[str]) -> tuple[int, ...] | tuple[str, ...]:
    return tuple(map(int, ids)) if kind is Kind.ELEMENT else tuple(ids)

"""Links in what a person typed: pictures that are named by their address instead of being sent. Pure."""

import re
from dataclasses import dataclass

LONGEST = 2_000
"""Letters of an address that are looked at; no browser makes longer ones."""

_LINK = re.compile(r"https?://[^\s<>\"'“”‘’「」『』《》（），。；、！？\u3400-\u9fff]+", re.IGNORECASE)
"""Chinese puts no space behind a link, so its letters and signs end one."""

_BEHIND = ".,;:!?…"


@dataclass(frozen=True, slots=True)
class Linked:
    """A text without its links, and the links in their order, each once."""

    words: str
    links: tuple[str, ...]


def split_links(text: str) -> Linked:
    """Part a text and the addresses in it; signs of the sentence behind an address are not of it."""
    found: dict[str, None] = {}
    words: list[str] = []
    position = 0
    for match in _LINK.finditer(text):
        link = _trimmed(match[0])
        if len(link) > LONGEST:
            continue
        found[link] = None
        words.append(text[position : match.start()])
        position = match.start() + len(link)
    if not found:
        return Linked(text, ())
    words.append(text[position:])
    return Linked(_joined(words), tuple(found))


def _trimmed(link: str) -> str:
    """Take off what ends the sentence, and a bracket that was opened before the link."""
    trimmed = link.rstrip(_BEHIND)
    while trimmed.endswith(")") and trimmed.count("(") < trimmed.count(")"):
        trimmed = trimmed[:-1].rstrip(_BEHIND)
    return trimmed


def _joined(parts: list[str]) -> str:
    """What stands around links: without the gap, and without a sign that has lost its sentence."""
    bare = [part.strip(" \t") for part in parts]
    head, *tail = [part for part in bare if part.strip(_BEHIND + "，。；：()（）\n\t ")] or [""]
    return " ".join((head.lstrip(_BEHIND + "，。；："), *tail)).strip()

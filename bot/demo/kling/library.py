"""The elements and voices that prompts may refer to: the presets of `library.toml`, and what accounts have made."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.demo.kling.orders import Order
from bot.demo.kling.refusals import forbid, invalid

PRESET_OWNER = "kling"
_PRESETS = tomllib.loads((Path(__file__).parent / "library.toml").read_text("utf-8"))


VIDEO_ELEMENTS = frozenset(_PRESETS["video_elements"])
"""The presets that are characters of a video, of which models take less than of elements made of images."""


@dataclass
class Entry:
    """An element or a voice. `owner` is an account's key, or `kling`."""

    id: str
    owner: str
    details: Mapping[str, Any]
    deleted: bool = False


class Collection:
    """Entries of one kind; `kind` is the word in refusals."""

    def __init__(self, kind: str, presets: Mapping[str, str]) -> None:
        self._kind = kind
        self._entries = {id: Entry(id, PRESET_OWNER, {f"{kind}_name": name}) for id, name in presets.items()}

    def add(self, id: str, owner: str, details: Mapping[str, Any]) -> None:
        """Add an entry."""
        self._entries[id] = Entry(id, owner, details)

    def check(self, id: str, owner: str) -> None:
        """Refuse an entry that this account does not have."""
        entry = self._entries.get(id)
        if entry is None or entry.deleted or entry.owner not in {PRESET_OWNER, owner}:
            raise invalid(f"{self._kind}_id {id} does not exist")

    def is_filmed(self, id: str) -> bool:
        """Whether an entry is the character of a video."""
        made = self._entries.get(id)
        return id in VIDEO_ELEMENTS or (
            made is not None and made.details.get("reference_type") == "video_refer"
        )

    def delete(self, id: str, owner: str) -> None:
        """Delete an entry of the account's own; refused are those of others."""
        entry = self._entries.get(id)
        if entry is None or entry.deleted or entry.owner != owner:
            raise invalid(f"{self._kind}_id {id} is no custom one of yours")
        entry.deleted = True

    def presets(self) -> list[Entry]:
        """Those that everybody may use."""
        return [entry for entry in self._entries.values() if entry.owner == PRESET_OWNER]


class Library:
    """All elements and all voices."""

    def __init__(self) -> None:
        self.elements = Collection("element", _PRESETS["elements"] | _PRESETS["video_elements"])
        self.voices = Collection("voice", _PRESETS["voices"] | _PRESETS["preset_voices"])
        self.speakers = frozenset(_PRESETS["voices"])
        """Texts are spoken with these, or with voices of one's own; the presets of videos are others."""

    def check_characters(self, order: Order) -> None:
        """Refuse more characters of a video than an order may have: pictures are made of none."""
        characters = [id for id in order.elements if self.elements.is_filmed(id)]
        limits = order.characters
        forbid(order.product == "image" and bool(characters), "video elements are not supported by images")
        if limits is None or not characters:
            return
        others = limits.images + len(order.elements) - len(characters)
        forbid(limits.most == 0, "video elements are not supported by this model")
        forbid(len(characters) > limits.most, "there are too many video elements")
        forbid(others > limits.beside, "there is too much beside video elements")

    def check_speaker(self, id: str, owner: str) -> None:
        """Refuse a voice that says no texts."""
        if id in _PRESETS["preset_voices"]:
            raise invalid("Voice id not found")
        self.voices.check(id, owner)

    def presets(self, kind: str) -> list[Entry]:
        """What everybody may use in videos."""
        return [entry for entry in self.of(kind).presets() if entry.id not in self.speakers]

    def of(self, kind: str) -> Collection:
        """Those of a kind: `element` or `voice`."""
        return self.voices if kind == "voice" else self.elements

"""The elements and voices that prompts may refer to: the presets, and what accounts have made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.demo.kling.refusals import invalid

PRESET_OWNER = "kling"
PRESET_ELEMENTS = {"1000001": "Lighthouse", "1000002": "Paper crane", "1000003": "Grey cat"}
PRESET_VOICES = {
    "AOT": "Ace",
    "tiyuxi_xuedi": "Athlete",
    "genshin_klee2": "Peppy",
    "genshin_kirara": "Dove",
    "ai_kaiya": "Shine",
    "tiexin_nanyou": "Joker",
    "ai_chenjiahao_712": "Lyric",
    "girlfriend_1_speech02": "Sweet",
    "girlfriend_4_speech02": "Melody",
    "girlfriend_2_speech02": "Office",
    "chat_0407_5-1": "Siren",
    "cartoon-boy-07": "Zippy",
    "cartoon-girl-01": "Sprite",
    "PeppaPig_platform": "Candy",
    "ai_huangzhong_712": "Beacon",
    "ai_huangyaoshi_712": "Rock",
    "ai_laoguowang_712": "Titan",
    "chengshu_jiejie": "Grace",
    "you_pingjing": "Helen",
    "zhuxi_speech02": "Grandpa",
    "calm_story1": "Lore",
    "uk_oldman3": "Oldman",
    "laopopo_speech02": "Prattle",
    "heainainai_speech02": "Hearth",
    "reader_en_m-v1": "Reader",
    "diyinnansang_DB_CN_M_04-v2": "Newsman",
    "yizhipiannan-v1": "Dubbed",
    "genshin_vindi2": "Sunny",
    "zhinen_xuesheng": "Scholar",
    "chat1_female_new-3": "Warm",
    "oversea_male1": "Narrator",
    "uk_man2": "Butler",
    "uk_boy1": "Boy",
    "ai_shatang": "Sugar",
    "commercial_lady_en_f-v1": "Commercial",
}


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
        """Make sure that there is such an entry for this account.

        Raises:
            Refusal: 1201, there is none.

        """
        entry = self._entries.get(id)
        if entry is None or entry.deleted or entry.owner not in {PRESET_OWNER, owner}:
            raise invalid(f"{self._kind}_id {id} does not exist")

    def delete(self, id: str, owner: str) -> None:
        """Delete an entry of the account's own.

        Raises:
            Refusal: 1201, the account has none of that id.

        """
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
        self.elements = Collection("element", PRESET_ELEMENTS)
        self.voices = Collection("voice", PRESET_VOICES)

"""Texts for Telegram as HTML, and the parts that all views share. Pure.

What people wrote is escaped, and texts are cut to Telegram's limits, counted as Telegram counts: in UTF-16
units, after the entities are taken out.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from html import escape, unescape

from bot.domain.requests.effects import load_effects
from bot.domain.requests.operations import Operation
from bot.domain.requests.options import ROWS, Wording, list_settings
from bot.domain.requests.request import Continued, GenerationRequest
from bot.domain.types import SECOND, TaskId, format_task_id
from bot.errors import UserError
from bot.i18n import Texts
from handlers.chat.keyboards import Rows

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
ALERT_LIMIT = 200
"""Characters that Telegram shows in the answer to a press."""

LONGEST_REASON = 300
"""Characters of what a provider said that are shown."""


PLAIN_OPERATIONS = frozenset({Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO})
"""What goes without saying."""


NAMED_FIELDS = frozenset(
    {
        *(
            row.field
            for row in ROWS
            if row.field in GenerationRequest.model_fields and row.field != "spoiler"
        ),
        *("first_frame", "frames", "middle_frames", "references", "features", "voices", "source"),
        *("image_elements", "video_elements"),
    }
)
"""Parts of a request that have a name in every language."""


@dataclass(frozen=True, slots=True)
class View:
    """A message: HTML and the rows of its keyboard."""

    html: str
    buttons: Rows = ()


def utf16_length(text: str) -> int:
    """The length of a text as Telegram counts it."""
    return len(text.encode("utf-16-le")) // 2


def cut(text: str, limit: int) -> str:
    """A text of at most `limit` UTF-16 units, with an ellipsis where something is missing."""
    if utf16_length(text) <= limit:
        return text
    raw = text.encode("utf-16-le")[: max(0, limit - 1) * 2]
    return raw.decode("utf-16-le", errors="ignore").rstrip() + "…"


def strip_tags(html: str) -> str:
    """The text of some HTML, for places that show none."""
    return unescape(re.sub(r"<[^>]*>", "", html))


def snippet(text: str, limit: int) -> str:
    """What people wrote, inside a sentence of ours: short, on one line, escaped.

    A text that runs from right to left is kept from turning the sentence around it.
    """
    short = cut(" ".join(text.split()), limit)
    turned = any(unicodedata.bidirectional(letter) in {"R", "AL", "RLE", "RLO", "RLI"} for letter in short)
    return escape(f"\u2068{short}\u2069" if turned else short)


def credits(t: Texts, amount: int) -> str:
    """`15 credits`."""
    return t.plural("unit.credits", amount)


def reason_line(t: Texts, detail: str) -> str:
    """Return why a task failed, in its provider's words."""
    return t("notice.reason", reason=snippet(detail, LONGEST_REASON))


def name_effect(t: Texts, scene: str) -> str:
    """What an effect is called; one that is newer than our list by its own name."""
    known = load_effects().get(scene)
    return scene.replace("_", " ") if known is None else t(known.key)


def settings_line(t: Texts, request: GenerationRequest) -> str:
    """`kling-v2-6 · standard · 5 s · 16:9`, or what else was asked for."""
    operation = request.operation
    parts = []
    if operation not in PLAIN_OPERATIONS:
        parts.append(t(f"operation.{operation}"))
    if request.effect is not None:
        parts.append(name_effect(t, request.effect))
    parts += [say(t, setting) for setting in list_settings(request)]
    return escape(" · ".join(parts))


def swapped_line(t: Texts, model: str, why: str, other: str) -> str:
    """Say that another model is used than the person's own, and why."""
    return t(f"card.swapped.{why}", model=escape(model), other=escape(other))


def name_continued(t: Texts, continued: Continued) -> str:
    """What a video goes on from, and of how many seconds."""
    seconds = max(1, round(continued.file.duration_ms / SECOND))
    if not continued.task:
        return t("card.continues_own", seconds=seconds)
    return t("card.continues", task=format_task_id(TaskId(continued.task)), seconds=seconds)


def say(t: Texts, wording: Wording) -> str:
    """A wording in the reader's language."""
    if not wording.key:
        return cut(wording.written, wording.letters or TEXT_LIMIT)
    params = {
        name: say(t, value) if isinstance(value, Wording) else value for name, value in wording.params.items()
    }
    return t(wording.key, **params)


def mark_chosen(t: Texts, label: str, *, is_chosen: bool) -> str:
    """The label of a choice, with a mark where it is the present one."""
    return t("value.chosen", value=label) if is_chosen else label


def quoted(prompt: str, limit: int) -> str:
    """A prompt as an expandable quote, or nothing where there is none."""
    return f"<blockquote expandable>{escape(cut(prompt, limit))}</blockquote>" if prompt else ""


def keep_fitting(parts: Iterable[str], separator: str) -> str:
    """As many whole parts as a message takes: half an entity would be refused."""
    text = ""
    for part in parts:
        longer = f"{text}{separator}{part}" if text else part
        if utf16_length(longer) > TEXT_LIMIT:
            break
        text = longer
    return text


def _field(t: Texts, name: str) -> str:
    """What a part of a request is called where people read it."""
    return t(f"field.{name}" if name in NAMED_FIELDS else "field.other")


def error_sentence(t: Texts, error: UserError, now: datetime) -> str:
    """A UserError in the reader's language, its parameters readable and escaped."""
    params: dict[str, object] = {}
    for name, value in error.params.items():
        if name == "resets_at":
            moment = None if value is None else t.moment(int(str(value)), now)
            params["resets"] = "" if moment is None else t("quota.resets", moment=moment)
        elif isinstance(value, int):
            params[name] = t.number(value)
        elif name in {"fields", "inputs", "others"}:
            params[name] = ", ".join(_field(t, field) for field in str(value).split(", "))
        elif name in {"operation", "operations"}:
            params[name] = ", ".join(t(f"operation.{operation}") for operation in str(value).split(", "))
        elif name == "models" and value in {"", "–"}:
            params[name] = t("value.nobody")
        else:
            params[name] = snippet(str(value), 1_000)
    # A sentence that is left out leaves its space behind.
    return re.sub(r"  +", " ", t(error.key, **params)).strip()

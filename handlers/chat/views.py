"""What people read: tasks, quotas, drafts and notices as text and buttons. Pure.

The only place where texts are put together. What people wrote is escaped, and texts are cut to
Telegram's limits, counted as Telegram counts: in UTF-16 units, after the entities are taken out.
"""

import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape, unescape
from zoneinfo import ZoneInfo

from bot.domain.credits.quota import Lot
from bot.domain.requests.catalog import AS_LONG_AS_ITS_SOURCE
from bot.domain.requests.choices import CAMERAS
from bot.domain.requests.request import VIDEO_MODEL_OPERATIONS, Camera, Operation, Product, VideoRequest
from bot.domain.tasks.task import Delivery, FailureKind, LedgerKind, LedgerRow, Task, TaskState
from bot.domain.units import Millis, UserId, shown
from bot.errors import UserError
from bot.i18n import NAMES, Texts
from bot.services.ports import Balance, Progress
from handlers.chat.keyboards import CONFIRM, COPY_LIMIT, DANGER, Button, Rows

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
ALERT_LIMIT = 200
"""Characters that Telegram shows in the answer to a press."""

SHORT_PROMPT = 60
BAR_CELLS = 10
CANCEL_BUTTONS = 10
LONGER_THAN_USUAL = 1.25
"""From this multiple of the usual time on, the status says that it takes longer."""

EXACT_PLACES = 5
PLACE_STEPS = ((20, 5), (100, 10), (500, 50), (sys.maxsize, 100))
"""Up to so many before it, the number is shown in steps of so many."""

PLAIN_OPERATIONS = frozenset({Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO})
"""What goes without saying."""

REPEATABLE = frozenset(FailureKind) - {FailureKind.CONTENT, FailureKind.PARAMETERS}
"""After these the same request may well succeed; after the others it would fail again."""

CHANGEABLE = frozenset({FailureKind.CONTENT, FailureKind.PARAMETERS, FailureKind.PROVIDER})
"""After these another wording or setting may help."""

EXPLAINED = frozenset({FailureKind.PARAMETERS, FailureKind.PROVIDER})
"""Here the provider's own words help; about content they only sound harsh."""

_CODES = re.compile(
    r"[\[(]\s*(?:code\s*[:=]?\s*)?\d{3,5}\s*[\])]|\b(?:error|status)?[ _-]?code\b\s*[:=]?\s*\d+"
    r"|\brequest[ _-]?id\b\s*[:=]?\s*[\w-]+",
    re.IGNORECASE,
)
"""What providers write for machines."""

NAMED_FIELDS = frozenset(
    {
        *("mode", "model", "duration", "aspect_ratio", "resolution", "negative_prompt", "cfg_scale"),
        *("seed", "sound", "watermark", "count", "first_frame", "last_frame", "references"),
        *("camera", "shots", "brush", "voices", "elements"),
    }
)
"""Parts of a request that have a name in every language."""


@dataclass(frozen=True, slots=True)
class View:
    """A message: HTML and the rows of its keyboard."""

    html: str
    buttons: Rows = ()


def units(text: str) -> int:
    """The length of a text as Telegram counts it."""
    return len(text.encode("utf-16-le")) // 2


def cut(text: str, limit: int) -> str:
    """A text of at most `limit` UTF-16 units, with an ellipsis where something is missing."""
    if units(text) <= limit:
        return text
    raw = text.encode("utf-16-le")[: max(0, limit - 1) * 2]
    return raw.decode("utf-16-le", errors="ignore").rstrip() + "…"


def plain(html: str) -> str:
    """The text of some HTML, for places that show none."""
    return unescape(re.sub(r"<[^>]*>", "", html))


def inline(text: str, limit: int) -> str:
    """What people wrote, inside a sentence of ours: short, on one line, escaped.

    A text that runs from right to left is kept from turning the sentence around it.
    """
    short = cut(" ".join(text.split()), limit)
    turned = any(unicodedata.bidirectional(letter) in {"R", "AL", "RLE", "RLO", "RLI"} for letter in short)
    return escape(f"\u2068{short}\u2069" if turned else short)


def credits(t: Texts, amount: int) -> str:
    """`15 credits`."""
    return t.plural("unit.credits", amount)


def settings_line(t: Texts, request: VideoRequest) -> str:
    """`kling-v2-6 · standard · 5 s · 16:9`, or what else was asked for."""
    operation = request.operation
    parts = []
    if operation not in PLAIN_OPERATIONS:
        parts.append(t(f"operation.{operation}"))
    if request.effect is not None:
        parts.append(request.effect.replace("_", " "))
    if operation in VIDEO_MODEL_OPERATIONS or operation.product is Product.IMAGE:
        parts.append(request.model)
    if operation in VIDEO_MODEL_OPERATIONS or operation is Operation.AVATAR:
        parts.append(t(f"mode.{request.mode}"))
    if operation.product is Product.IMAGE and request.resolution != "1k":
        parts.append(request.resolution)
    if request.duration and operation not in AS_LONG_AS_ITS_SOURCE:
        parts.append(t("unit.seconds", seconds=request.duration))
    if request.aspect_ratio is not None:
        parts.append(request.aspect_ratio)
    if request.sound:
        parts.append(t("option.sound"))
    if request.camera is not None:
        parts.append(t("option.camera", camera=camera_name(t, request.camera)))
    if request.shots:
        parts.append(t("option.shots", shots=len(request.shots)))
    if request.seed is not None:
        parts.append(t("option.seed", seed=str(request.seed)))
    if request.count > 1:
        parts.append(f"×{request.count}")
    return escape(" · ".join(parts))


def camera_name(t: Texts, camera: Camera) -> str:
    """What a camera move is called: by its name, or by its axis with the value."""
    for name, known in CAMERAS.items():
        if known == camera:
            return t(f"camera.{name}")
    return f"{camera.axis} {camera.value:g}"


def quoted(prompt: str, limit: int) -> str:
    """A prompt as an expandable quote, or nothing where there is none."""
    return f"<blockquote expandable>{escape(cut(prompt, limit))}</blockquote>" if prompt else ""


def status(t: Texts, task: Task, progress: Progress) -> View:
    """A task that is not at its end: what was understood, what it costs, and how far it is."""
    lines = [_state_line(t, task, progress), quoted(task.request.prompt, 300)]
    lines.append(f"{settings_line(t, task.request)} · {credits(t, task.price)}")
    lines.append(f"<code>{shown(task.id)}</code>")
    buttons: Rows = ()
    if task.state is TaskState.QUEUED:
        buttons = [[Button(t("button.cancel"), "cancel", task.id, style=DANGER)]]
    return View("\n".join(line for line in lines if line), buttons)


def _state_line(t: Texts, task: Task, progress: Progress) -> str:
    if task.state is TaskState.QUEUED:
        if progress.ahead:
            return _place(t, progress.ahead)
        return t("status.queued")
    if task.state in {TaskState.SUBMITTING, TaskState.UNCONFIRMED}:
        return t(f"status.{task.state}")
    since = task.submitted_at if task.submitted_at is not None else task.created_at
    elapsed = max(0, progress.now - since)
    line = t("status.in_progress", elapsed=t.duration(elapsed))
    percent = task.progress
    if percent is None and progress.expected:
        # An estimate never says that it is done.
        percent = min(95, elapsed * 100 // progress.expected)
    if progress.expected:
        longer = elapsed > progress.expected * LONGER_THAN_USUAL
        line += "\n" + t(
            "status.longer" if longer else "status.expected", expected=t.duration(progress.expected)
        )
    if percent is not None:
        filled = percent * BAR_CELLS // 100
        line += f"\n{'▓' * filled}{'░' * (BAR_CELLS - filled)} {percent} %"
    return line


def _place(t: Texts, ahead: int) -> str:
    """How many are before it: far back in growing steps, so that not every move is an edit."""
    if ahead <= EXACT_PLACES:
        return t.plural("status.queued_behind", ahead)
    step = next(step for up_to, step in PLACE_STEPS if ahead <= up_to)
    return t.plural("status.queued_about", -(-ahead // step) * step)


def caption(t: Texts, delivery: Delivery) -> str:
    """Under a video: the prompt in a quote, and one line of settings, cost and time."""
    task = delivery.task
    tail = f"{settings_line(t, task.request)} · {_cost(t, task)}"
    if task.submitted_at is not None and task.finished_at is not None and task.state is TaskState.SUCCEEDED:
        tail += f" · {t.duration(task.finished_at - task.submitted_at)}"
    room = CAPTION_LIMIT - units(tail) - 2
    return "\n".join(part for part in (quoted(task.request.prompt, room), tail) if part)


def _cost(t: Texts, task: Task) -> str:
    return t("caption.late_free") if task.state is TaskState.EXPIRED else credits(t, task.price)


def link(t: Texts, delivery: Delivery, url: str, size_bytes: int | None, buttons: Rows = ()) -> View:
    """A video that is too large to be sent."""
    megabytes = t.number(round((size_bytes or 0) / 1_000_000, 1))
    head = t("delivery.link", megabytes=megabytes)
    anchor = f'<a href="{escape(url, quote=True)}">{escape(t("delivery.open"))}</a>'
    return View(f"{head}\n{anchor}\n{caption(t, delivery)}", buttons)


def notice(t: Texts, task: Task) -> View:
    """The end of a task without a video: the reason, the credits, and what to do next."""
    back = t("notice.credits_back", credits=credits(t, task.price))
    if task.state is TaskState.CANCELLED:
        return View(t("notice.sentences", first=t("notice.cancelled"), second=back))
    kind = task.failure or FailureKind.PROVIDER
    lines = [t("notice.sentences", first=t(f"notice.failed.{kind}"), second=back)]
    if kind in EXPLAINED and task.failure_detail:
        reason = inline(_CODES.sub("", task.failure_detail).strip(" ,;:"), 200)
        lines.append(t("notice.reason", reason=reason) if reason else "")
    lines.append(quoted(task.request.prompt, 600))
    lines.append(f"<code>{shown(task.id)}</code>")
    buttons: list[list[Button]] = []
    if kind in REPEATABLE:
        again = t("button.try_again", credits=credits(t, task.price))
        buttons.append([Button(again, "again", task.id, style=CONFIRM)])
    if kind in CHANGEABLE:
        label = t("button.edit_prompt" if task.request.prompt else "button.change")
        buttons.append([Button(label, "change", task.id)])
    if kind not in REPEATABLE and 0 < units(task.request.prompt) <= COPY_LIMIT:
        buttons[-1].append(Button(t("button.copy_prompt"), copy=task.request.prompt))
    return View("\n".join(line for line in lines if line), buttons)


def tasks(t: Texts, running: Sequence[Task], now: Millis, owner: UserId) -> View:
    """What of a person's runs, with a cancel button for each that has not left."""
    if not running:
        return View(t("tasks.none"))
    lines = [t.plural("tasks.running", len(running)), *(_task_lines(t, task, now) for task in running)]
    queued = [task for task in running if task.state is TaskState.QUEUED]
    buttons = [
        [Button(t("button.cancel_task", task=shown(task.id)), "drop", task.id, owner, style=DANGER)]
        for task in queued[:CANCEL_BUTTONS]
    ]
    return View(fitting(lines, "\n\n"), buttons)


def _task_lines(t: Texts, task: Task, now: Millis) -> str:
    words = inline(task.request.prompt, SHORT_PROMPT) or t("tasks.photo")
    age = t.duration(now - task.created_at)
    return f"<code>{shown(task.id)}</code> {t(f'state.{task.state}')} · {age}\n{words}"


def fitting(parts: Iterable[str], separator: str) -> str:
    """As many whole parts as a message takes: half an entity would be refused."""
    text = ""
    for part in parts:
        longer = f"{text}{separator}{part}" if text else part
        if units(longer) > TEXT_LIMIT:
            break
        text = longer
    return text


def quota(t: Texts, balance: Balance, zone: ZoneInfo, now: Millis) -> View:
    """What a person may spend, and when there is more."""
    lines = [t("quota.available", credits=credits(t, balance.available))]
    if balance.day_limit is not None:
        lines.append(t("quota.day", used=t.number(balance.day_spent), limit=t.number(balance.day_limit)))
    if balance.month_limit is not None:
        lines.append(
            t("quota.month", used=t.number(balance.month_spent), limit=t.number(balance.month_limit))
        )
    if balance.granted:
        lines.append(t("quota.granted", credits=credits(t, balance.granted)))
    if balance.held:
        lines.append(t("quota.held", credits=credits(t, balance.held)))
    lines.append(t("quota.running", running=balance.running, limit=balance.max_running))
    if balance.plan_until is not None:
        moment = t.moment(balance.plan_until, zone, now)
        lines.append(t("quota.plan_until", plan=escape(balance.plan), moment=moment))
    elif balance.plan:
        lines.append(t("quota.plan", plan=escape(balance.plan)))
    if balance.resets_at is not None:
        lines.append(t("quota.resets", moment=t.moment(balance.resets_at, zone, now)))
    return View("\n".join(lines))


def lot(t: Texts, lot: Lot, zone: ZoneInfo, now: Millis) -> str:
    """Credits that end, or have ended."""
    if lot.expires_at is None:
        return t("quota.lot", credits=credits(t, lot.left))
    key = "quota.lot_until" if lot.expires_at > now else "quota.lot_ended"
    return t(key, credits=credits(t, lot.left), moment=t.moment(lot.expires_at, zone, now))


def user_card(
    t: Texts,
    name: str,
    identity: str,
    plan: str,
    balance: Balance,
    running: Sequence[Task],
    rows: Sequence[LedgerRow],
    zone: ZoneInfo,
    now: Millis,
) -> View:
    """A person as an admin sees them: standing, what runs, and the newest movements."""
    lines = [
        f"<b>{inline(name, 100)}</b> · {escape(identity)} · {escape(plan)}",
        quota(t, balance, zone, now).html,
        *(_task_lines(t, task, now) for task in running),
    ]
    if rows:
        lines.append(t("admin.last_rows"))
        lines += [_ledger_line(t, row, zone, now) for row in rows]
    return View(fitting(lines, "\n"))


def granted(t: Texts, name: str, amount: int, balance: Balance) -> View:
    """What an admin's grant did; a negative one took away."""
    key = "admin.granted" if amount > 0 else "admin.taken"
    available = credits(t, balance.available)
    return View(t(key, credits=credits(t, abs(amount)), name=inline(name, 100), available=available))


def gift(t: Texts, amount: int, balance: Balance) -> View:
    """The same, to the person who got it."""
    return View(t("account.granted", credits=credits(t, amount), available=credits(t, balance.available)))


def _ledger_line(t: Texts, row: LedgerRow, zone: ZoneInfo, now: Millis) -> str:
    # A charge takes nothing from the balance any more: it says that what was held is spent.
    amount = t.number(abs(row.held)) if row.kind is LedgerKind.CHARGE else f"{row.amount:+d}"
    task = f" <code>{shown(row.task_id)}</code>" if row.task_id is not None else ""
    note = f" {inline(row.note, 60)}" if row.note else ""
    end = "" if row.expires_at is None else f" ({_end(t, row.expires_at, zone, now)})"
    return f"{t.moment(row.at, zone, now)} · {t(f'ledger.{row.kind}')} {amount}{end}{task}{note}"


def _end(t: Texts, expires_at: Millis, zone: ZoneInfo, now: Millis) -> str:
    key = "quota.until" if expires_at > now else "quota.ended"
    return t(key, moment=t.moment(expires_at, zone, now))


def language_choice(t: Texts, owner: UserId) -> View:
    """The languages, each named in itself."""
    rows = [[Button(name, "language", language, owner)] for language, name in NAMES.items()]
    return View(t("language.choose"), [*rows, [Button(t("language.follow"), "language", "-", owner)]])


def how_to(t: Texts) -> View:
    """What to type, with an example to copy."""
    example = t("example.command")
    return View(
        f"{t('video.how_to')}\n<code>{escape(example)}</code>",
        [[Button(t("button.copy_example"), copy=example)]],
    )


def help_text(t: Texts, commands: Sequence[str], models: Sequence[str]) -> View:
    """How to begin, the commands that the reader has, options, and the models on offer."""
    listed = "\n".join(f"/{name} – {t(f'command.{name}')}" for name in commands)
    offered = t("help.models", models=escape(", ".join(models)))
    parts = [t("help.text"), listed, t("help.options", model=escape(models[0])), offered]
    return View(fitting(parts, "\n\n"), [[Button(t("button.copy_example"), copy=t("example.command"))]])


def _field(t: Texts, name: str) -> str:
    """What a part of a request is called where people read it."""
    return t(f"field.{name}" if name in NAMED_FIELDS else "field.other")


def error_sentence(t: Texts, error: UserError, zone: ZoneInfo, now: Millis) -> str:
    """A UserError in the reader's language, its parameters readable and escaped."""
    params: dict[str, object] = {}
    for name, value in error.params.items():
        if name == "resets_at":
            moment = None if value is None else t.moment(int(str(value)), zone, now)
            params["resets"] = "" if moment is None else t("quota.resets", moment=moment)
        elif isinstance(value, int):
            params[name] = t.number(value)
        elif name == "fields":
            params[name] = ", ".join(_field(t, field) for field in str(value).split(", "))
        elif name in {"operation", "operations"}:
            params[name] = ", ".join(t(f"operation.{operation}") for operation in str(value).split(", "))
        elif name == "models" and value in {"", "–"}:
            params[name] = t("value.nobody")
        else:
            params[name] = inline(str(value), 1_000)
    # A sentence that is left out leaves its space behind.
    return re.sub(r"  +", " ", t(error.key, **params)).strip()

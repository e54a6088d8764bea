"""The settings that can be overridden, in the admin panel. Buttons name keys by short hashes."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from bot.domain.operations.overrides import read_key, write_key
from bot.domain.people.access import Permission
from bot.domain.types import UserId, short_hash
from bot.errors import UserError
from bot.i18n import Texts
from bot.services.operations.overrides import SettingState
from handlers.admin.panel_pages import ask, back, page, question, reply, to
from handlers.chat.html import View, error_sentence, snippet
from handlers.chat.keyboards import Button, Payload, in_rows, neighbours
from handlers.chat.turn import Turn

SETTINGS_ON_A_PAGE = 12
LONGEST_LABEL = 60


@dataclass(frozen=True)
class ShowSettings(Payload, action="panel.settings"):
    """Show a page of a section or table, or one setting; without a key the sections."""

    key: str = ""
    page: int = 0


@dataclass(frozen=True)
class AskSetting(Payload, action="panel.setting_ask"):
    """Ask for another value of a setting that is at a version."""

    key: str
    version: int


@dataclass(frozen=True)
class ResetSettings(Payload, action="panel.setting_reset"):
    """Go back to the configured value of a setting, or of a whole table."""

    key: str


class AskKey(Payload, action="panel.setting_key"):
    """Ask for a key and its value, such as the first of a new plan."""


async def _show_settings(turn: Turn, button: ShowSettings) -> View:
    return _view(turn, _find(turn, button.key) if button.key else "", button.page)


async def _ask_setting(turn: Turn, button: AskSetting) -> View:
    state = turn.services.overrides.get(_find(turn, button.key))
    allowed = error_sentence(turn.t, state.setting.form.error, turn.local_now())
    return await ask(turn, button, "panel.ask_setting", setting=escape(state.key), allowed=allowed)


async def _on_value_reply(turn: Turn, asked: AskSetting) -> View:
    return await _set(turn, _find(turn, asked.key), turn.text, asked.version)


async def _on_key_reply(turn: Turn, _: AskKey) -> View:
    key, value = (*turn.text.split(maxsplit=1), "", "")[:2]
    if not value:
        raise UserError("error.setting.usage")
    return await _set(turn, key, value, None)


async def _set(turn: Turn, key: str, text: str, version: int | None) -> View:
    await turn.services.overrides.set_text(turn.user_id, key, text, turn.idempotency_key, version)
    return _view(turn, key)


async def _reset_settings(turn: Turn, button: ResetSettings) -> View:
    key = _find(turn, button.key)
    await turn.services.overrides.reset(turn.user_id, key, turn.idempotency_key)
    # A plan that was added is gone with its settings.
    is_left = any(
        each.key == key or each.key.startswith(f"{key}.") for each in turn.services.overrides.list()
    )
    return _view(turn, key if is_left else "")


def _find(turn: Turn, hashed: str) -> str:
    """The key of a setting or table that a button means.

    Raises:
        UserError: there is no such thing any more.

    """
    for state in turn.services.overrides.list():
        path = state.setting.path
        for length in range(1, len(path) + 1):
            key = write_key(path[:length])
            if short_hash(key) == hashed:
                return key
    raise UserError("error.button.stale")


# -- views -------------------------------------------------------------------------------------------


def _view(turn: Turn, key: str, number: int = 0) -> View:
    states = turn.services.overrides.list(key)
    if [state.key for state in states] == [key]:
        return _setting_view(turn.t, states[0], turn.user_id)
    return _table_view(turn.t, key, states, number, turn.user_id)


def _setting_view(t: Texts, state: SettingState, owner: UserId) -> View:
    """One setting: its value, the configured one, and how to change it."""
    text = t(
        "panel.setting",
        setting=escape(state.key),
        value=snippet(state.value, 500),
        default=snippet(state.default, 500),
    )
    hashed = short_hash(state.key)
    rows = [[to(owner, t("button.panel_change"), AskSetting(hashed, state.version))]]
    if state.is_overridden:
        rows[0].append(to(owner, t("button.panel_as_in_settings"), ResetSettings(hashed), danger=True))
    return View(text, [*rows, _last_row(t, state.key, owner)])


def _table_view(t: Texts, key: str, states: Sequence[SettingState], number: int, owner: UserId) -> View:
    """A section or table: a button for each thing in it."""
    depth = len(read_key(key)) + 1
    entries: dict[str, list[SettingState]] = {}
    for state in states:
        entries.setdefault(write_key(state.setting.path[:depth]), []).append(state)
    start, end = number * SETTINGS_ON_A_PAGE, (number + 1) * SETTINGS_ON_A_PAGE
    buttons = [
        to(owner, _label(entry, held), ShowSettings(short_hash(entry)))
        for entry, held in list(entries.items())[start:end]
    ]
    hashed = short_hash(key) if key else ""
    turning = neighbours(t, lambda other: ShowSettings(hashed, other), number, owner, more=len(entries) > end)
    rows = [*in_rows(buttons, 2), turning]
    if not key:
        rows.append([to(owner, t("button.panel_type_key"), AskKey())])
    elif any(state.is_overridden for state in states):
        rows.append([to(owner, t("button.panel_as_in_settings"), ResetSettings(hashed), danger=True)])
    text = f"<b>{escape(key)}</b>" if key else t("panel.settings")
    return View(text, [*rows, _last_row(t, key, owner)])


def _label(key: str, held: Sequence[SettingState]) -> str:
    """The last part of a key, with its value where it has one; what is overridden has a dot before it."""
    label = read_key(key)[-1]
    if held[0].key == key:
        label = f"{label}: {held[0].value}"[:LONGEST_LABEL]
    return f"● {label}" if any(state.is_overridden for state in held) else label


def _last_row(t: Texts, key: str, owner: UserId) -> list[Button]:
    above = write_key(read_key(key)[:-1])
    up = ShowSettings(short_hash(above) if above else "")
    return [*([to(owner, t("button.panel_up"), up)] if key else []), *back(t, owner)]


BUTTONS = (
    page(ShowSettings, _show_settings, Permission.OPERATE),
    page(AskSetting, _ask_setting, Permission.OPERATE),
    page(ResetSettings, _reset_settings, Permission.OPERATE),
    question(AskKey, "panel.ask_setting_key", Permission.OPERATE),
)
QUESTIONS = (
    reply(AskSetting, _on_value_reply, Permission.OPERATE),
    reply(AskKey, _on_key_reply, Permission.OPERATE),
)

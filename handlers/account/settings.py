"""`/settings` and `/language`: what a person chooses once for everything, in one message."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.people.access import AccessLevel
from bot.domain.requests.choices import (
    AUTOMATIC,
    MODEL_PREFERENCES,
    SWITCHES,
    Preference,
    Preferences,
    preference_choices,
)
from bot.domain.requests.model import Model
from bot.domain.requests.request import GenerationRequest
from bot.domain.types import UserId
from bot.errors import UserError
from bot.i18n import NAMES, Texts, languages
from handlers.chat.html import View, mark_chosen, say, settings_line
from handlers.chat.keyboards import CHOICES_PER_ROW, Button, Payload, in_rows
from handlers.chat.menus import Menu, Section
from handlers.chat.routes import Command, Press
from handlers.chat.turn import Turn


@dataclass(frozen=True)
class OpenSettings(Payload, action="settings"):
    """Show the choices of one preference; None: everything that can be set."""

    which: Preference | None = None


class OpenLanguages(Payload, action="settings.language"):
    """Show the languages, within the settings."""


@dataclass(frozen=True)
class SetPreference(Payload, action="prefer"):
    """Set a preference to one of its choices."""

    which: Preference
    choice: str


@dataclass(frozen=True)
class PreferLanguage(Payload, action="prefer.language"):
    """Set the language, within the settings; `AUTOMATIC` follows Telegram's."""

    language: str


@dataclass(frozen=True)
class ChooseLanguage(Payload, action="language"):
    """Set the language from /language; `AUTOMATIC` follows Telegram's."""

    language: str


async def settings(turn: Turn) -> None:
    """Show everything that can be set."""
    await turn.answer(_overview(turn))


async def on_open(turn: Turn, button: OpenSettings) -> None:
    """Show the choices of one preference, or everything again."""
    if button.which is None:
        await turn.edit(_overview(turn))
        return
    choices = preference_choices(turn.preferences, button.which, _offered(turn, button.which))
    await turn.edit(preference_page(turn.t, turn.preferences, button.which, choices, turn.user_id))


async def on_open_languages(turn: Turn) -> None:
    """Show the languages."""
    chosen_language = await turn.services.accounts.chosen_language(turn.user_id)
    await turn.edit(languages_page(turn.t, chosen_language, turn.user_id))


async def on_set(turn: Turn, button: SetPreference) -> None:
    """Keep a choice and show everything with it.

    Raises:
        UserError: the choice is no longer offered.

    """
    accounts = turn.services.accounts
    # A stored preference stays as it is, also where the person's plan allows less for now.
    stored = await accounts.preferences(turn.user_id)
    choices = preference_choices(stored, button.which, _offered(turn, button.which))
    if button.choice not in choices:
        raise UserError("error.card.choice")
    await accounts.set_preferences(turn.user_id, choices[button.choice])
    await turn.load_user()
    await turn.edit(_overview(turn))


async def on_prefer_language(turn: Turn, button: PreferLanguage) -> None:
    """Keep the language and show everything in it."""
    await _set_language(turn, button.language)
    await turn.edit(_overview(turn))


async def language(turn: Turn) -> None:
    """Offer the languages."""
    await turn.answer(language_choice(turn.t, turn.user_id))


async def on_choose_language(turn: Turn, button: ChooseLanguage) -> None:
    """Keep the language, or follow Telegram's again, and say so in it."""
    await _set_language(turn, button.language)
    await turn.edit(View(turn.t("language.changed")))


async def _set_language(turn: Turn, chosen_language: str) -> None:
    known = chosen_language if chosen_language in languages() else None
    await turn.services.accounts.set_language(turn.user_id, known)
    await turn.load_user()


def _offered(turn: Turn, which: Preference) -> tuple[Model, ...]:
    """The models that a preference is about."""
    compose = turn.services.compose
    return compose.image_rows() if which.of_images else compose.rows()


def _overview(turn: Turn) -> View:
    defaults = turn.services.cards.blank(turn.preferences)
    kinds = [each for each in Preference if not each.of_images or turn.services.compose.image_rows()]
    return overview(turn.t, turn.preferences, defaults, turn.user_id, kinds)


# -- views -------------------------------------------------------------------------------------------


def overview(
    t: Texts,
    preferences: Preferences,
    defaults: GenerationRequest,
    owner: UserId,
    kinds: Sequence[Preference] = tuple(Preference),
) -> View:
    """Everything of `kinds` that can be set, with its value, and what a video gets where nothing else is said."""
    buttons = [_opening(t, preferences, which, owner) for which in kinds]
    language = t("knob.labelled", knob=t("prefer.language"), value=NAMES[t.language])
    buttons.append(Button(language, OpenLanguages(), owner=owner))
    text = f"<b>{t('settings.title')}</b>\n{t('settings.usual', settings=settings_line(t, defaults))}"
    return View(text, in_rows(buttons, 2))


def _opening(t: Texts, preferences: Preferences, which: Preference, owner: UserId) -> Button:
    """What shows the choices of a preference; a switch is turned at once."""
    label = t("knob.labelled", knob=t(f"prefer.{which}"), value=_value(t, preferences, which))
    if which in SWITCHES:
        turned = "off" if getattr(preferences, which) else "on"
        return Button(label, SetPreference(which, turned), owner=owner)
    return Button(label, OpenSettings(which), owner=owner)


def preference_page(
    t: Texts, preferences: Preferences, which: Preference, choices: dict[str, Preferences], owner: UserId
) -> View:
    """What one preference can be."""
    buttons = {
        key: Button(
            mark_chosen(
                t, _value(t, choice, which), is_chosen=getattr(choice, which) == getattr(preferences, which)
            ),
            SetPreference(which, key),
            owner=owner,
        )
        for key, choice in choices.items()
    }
    automatic = [button for key, button in buttons.items() if key == AUTOMATIC]
    others = [button for key, button in buttons.items() if key != AUTOMATIC]
    per_row = 2 if which in MODEL_PREFERENCES else CHOICES_PER_ROW
    return View(f"<b>{t(f'prefer.{which}')}</b>", [automatic, *in_rows(others, per_row), [_back(t, owner)]])


def languages_page(t: Texts, chosen_language: str | None, owner: UserId) -> View:
    """The languages, each named in itself."""
    buttons = [
        Button(
            mark_chosen(t, name, is_chosen=language == chosen_language), PreferLanguage(language), owner=owner
        )
        for language, name in NAMES.items()
    ]
    follow = Button(
        mark_chosen(t, t("language.follow"), is_chosen=chosen_language is None),
        PreferLanguage(AUTOMATIC),
        owner=owner,
    )
    return View(t("language.choose"), [buttons, [follow], [_back(t, owner)]])


def _back(t: Texts, owner: UserId) -> Button:
    return Button(t("button.back"), OpenSettings(), owner=owner)


def _value(t: Texts, preferences: Preferences, which: Preference) -> str:
    value = getattr(preferences, which)
    if which in SWITCHES:
        return t("value.on" if value else "value.off")
    if value is None:
        return t("value.automatic")
    return say(t, which.option.name(value))


def language_choice(t: Texts, owner: UserId) -> View:
    """The languages, each named in itself."""
    rows = [[Button(name, ChooseLanguage(language), owner=owner)] for language, name in NAMES.items()]
    return View(
        t("language.choose"), [*rows, [Button(t("language.follow"), ChooseLanguage(AUTOMATIC), owner=owner)]]
    )


COMMANDS = (
    Command("settings", settings, access=AccessLevel.VIEW, section=Section.ACCOUNT, menu=Menu.PRIVATE),
    Command("language", language, access=AccessLevel.OPEN, section=Section.ACCOUNT),
)
BUTTONS = (
    Press(OpenSettings, on_open, AccessLevel.VIEW),
    Press(OpenLanguages, on_open_languages, AccessLevel.VIEW),
    Press(SetPreference, on_set, AccessLevel.VIEW),
    Press(PreferLanguage, on_prefer_language, AccessLevel.VIEW),
    Press(ChooseLanguage, on_choose_language, AccessLevel.OPEN),
)

"""A person's own settings as text and buttons. Pure."""

from bot.domain.requests.preferences import AUTOMATIC, SWITCHES, Preference, Preferences
from bot.domain.requests.request import VideoRequest
from bot.domain.units import UserId
from bot.i18n import NAMES, Texts
from handlers.chat.html import View, settings_line
from handlers.chat.keyboards import Button, in_rows
from handlers.making.card_views import USUALLY_PER_ROW, chosen, model_name

LANGUAGE = "language"
"""Stands beside the preferences, though it is kept elsewhere: it is of the chat, not of the videos."""


def settings(t: Texts, preferences: Preferences, usual: VideoRequest, owner: UserId) -> View:
    """Everything that can be set, each with its value, and what a video gets where nothing else is said."""
    buttons = [_opening(t, preferences, which, owner) for which in Preference]
    language = t("knob.labelled", knob=t("prefer.language"), value=NAMES[t.language])
    buttons.append(Button(language, "settings", LANGUAGE, owner))
    text = f"<b>{t('settings.title')}</b>\n{t('settings.usual', settings=settings_line(t, usual))}"
    return View(text, in_rows(buttons, 2))


def _opening(t: Texts, preferences: Preferences, which: Preference, owner: UserId) -> Button:
    """What shows the choices of a preference; a switch is turned at once."""
    label = t("knob.labelled", knob=t(f"prefer.{which}"), value=_value(t, preferences, which))
    if which in SWITCHES:
        turned = "off" if getattr(preferences, which) else "on"
        return Button(label, "prefer", f"{which}.{turned}", owner)
    return Button(label, "settings", which, owner)


def preference(
    t: Texts, preferences: Preferences, which: Preference, choices: dict[str, Preferences], owner: UserId
) -> View:
    """What one preference can be."""
    buttons = [
        Button(
            chosen(
                t, _value(t, choice, which), is_chosen=getattr(choice, which) == getattr(preferences, which)
            ),
            "prefer",
            f"{which}.{key}",
            owner,
        )
        for key, choice in choices.items()
    ]
    first = [button for button in buttons if button.argument.endswith(f".{AUTOMATIC}")]
    rest = [button for button in buttons if button not in first]
    per_row = 2 if which is Preference.MODEL else USUALLY_PER_ROW
    return View(f"<b>{t(f'prefer.{which}')}</b>", [first, *in_rows(rest, per_row), [_back(t, owner)]])


def languages(t: Texts, chosen_language: str | None, owner: UserId) -> View:
    """The languages, each named in itself."""
    buttons = [
        Button(
            chosen(t, name, is_chosen=language == chosen_language), "prefer", f"{LANGUAGE}.{language}", owner
        )
        for language, name in NAMES.items()
    ]
    follow = Button(
        chosen(t, t("language.follow"), is_chosen=chosen_language is None),
        "prefer",
        f"{LANGUAGE}.{AUTOMATIC}",
        owner,
    )
    return View(t("language.choose"), [buttons, [follow], [_back(t, owner)]])


def _back(t: Texts, owner: UserId) -> Button:
    return Button(t("button.back"), "settings", "", owner)


def _value(t: Texts, preferences: Preferences, which: Preference) -> str:
    value = getattr(preferences, which)
    if which in SWITCHES:
        return t("value.on" if value else "value.off")
    if value is None:
        return t("value.automatic")
    match which:
        case Preference.MODEL:
            return model_name(value)
        case Preference.MODE:
            return t(f"mode.{value}")
        case Preference.DURATION:
            return t("unit.seconds", seconds=value)
        case _:
            return str(value)


# -- views -------------------------------------------------------------------------------------------


def language_choice(t: Texts, owner: UserId) -> View:
    """The languages, each named in itself."""
    rows = [[Button(name, "language", language, owner)] for language, name in NAMES.items()]
    return View(t("language.choose"), [*rows, [Button(t("language.follow"), "language", "-", owner)]])

"""The composer card as text and buttons. Pure."""

from collections.abc import Mapping, Sequence

from bot.domain.requests.choices import CAMERAS, NONE, Choice, Knob
from bot.domain.requests.request import VideoRequest
from bot.domain.units import Credits, UserId
from bot.i18n import Texts
from bot.services.requests.cards import Card
from handlers.chat.html import (
    View,
    camera_name,
    credits,  # noqa: A004  the word of the domain
    cut,
    inline,
    quoted,
    settings_line,
)
from handlers.chat.keyboards import CONFIRM, Button, in_rows

PROMPT_SHOWN = 600
NEGATIVE_SHOWN = 200
WORDS_ON_BUTTON = 12
PER_ROW = {Knob.MODEL: 2, Knob.CAMERA: 2}
USUALLY_PER_ROW = 3

NO_TO = "draft.stale"
"""The question that is answered with "No, thanks"."""


def card(
    t: Texts,
    shown: Card,
    knobs: Sequence[Knob],
    price: Credits,
    available: Credits,
    owner: UserId,
    *,
    improvable: bool = False,
    is_private: bool = True,
) -> View:
    """A request as it stands: what it is, what it costs, what one has, and everything that can be set.

    Where an assistant is there, words are `improvable`. In groups only replies are read, which the card says.
    """
    lines = [
        t(shown.question),
        quoted(shown.request.prompt, PROMPT_SHOWN),
        # Where it is still open what pictures are for, nothing is said of it.
        "" if shown.pictures else _pictures(t, shown.request),
        settings_line(t, shown.request),
        _negative(t, shown.request),
    ]
    discard = Button(
        t("button.no_thanks" if shown.question == NO_TO else "button.discard"), "discard", shown.name, owner
    )
    if shown.pictures:
        return View(_joined(lines), [[discard]])
    lines.append(t("card.balance", credits=credits(t, available)))
    if not is_private:
        lines.append(t("card.hint_group"))
    elif shown.request.prompt and shown.takes_words:
        lines.append(t("card.hint"))
    generate = t("button.generate", credits=credits(t, price))
    dials = [
        Button(labelled(t, knob, shown.request), "card", f"{shown.name}.{knob}", owner) for knob in knobs
    ]
    last = [discard]
    if improvable and shown.request.prompt:
        last = [Button(t("improve.button.improve"), "improve", shown.name, owner), discard]
    return View(
        _joined(lines),
        [[Button(generate, "generate", shown.name, owner, style=CONFIRM)], *in_rows(dials, 2), last],
    )


def uses(t: Texts, asked: Card, ways: Sequence[str], owner: UserId) -> View:
    """What the pictures of a card may be for."""
    view = card(t, asked, (), Credits(0), Credits(0), owner)
    rows = [[Button(t(f"button.use_{use}"), "use", f"{asked.name}.{use}", owner)] for use in ways]
    return View(view.html, [*rows, *view.buttons])


def knob(
    t: Texts,
    shown: Card,
    which: Knob,
    choices: Sequence[Choice],
    prices: Mapping[str, Credits],
    owner: UserId,
) -> View:
    """What one knob can be set to; prices stand where they differ. Some knobs wait for a message as well."""
    priced = len(set(prices.values())) > 1
    buttons = [
        Button(
            chosen(
                t,
                f"{value(t, which, choice.request)} · {t.number(prices[choice.key])}"
                if priced
                else _choice(t, which, choice),
                is_chosen=choice.chosen,
            ),
            "pick",
            f"{shown.name}.{which}.{choice.key}",
            owner,
        )
        for choice in choices
    ]
    lines = [f"<b>{t(f'knob.{which}')}</b>"]
    if shown.awaits is which:
        lines.append(t(f"card.ask.{which}"))
        if which is Knob.NEGATIVE:
            lines.append(_negative(t, shown.request))
    elif priced:
        lines.append(t("card.prices"))
    if which is Knob.CAMERA:
        lines += [
            f"{t(f'camera.{choice.key}')} – {t(f'camera.means.{choice.key}')}"
            for choice in choices
            if choice.key in CAMERAS
        ]
    back = Button(t("button.back"), "card", shown.name, owner)
    return View(_joined(lines), [*in_rows(buttons, PER_ROW.get(which, USUALLY_PER_ROW)), [back]])


def labelled(t: Texts, which: Knob, request: VideoRequest) -> str:
    """`Length: 5 s`."""
    return t("knob.labelled", knob=t(f"knob.{which}"), value=value(t, which, request))


def value(t: Texts, which: Knob, request: VideoRequest) -> str:
    """What a knob is set to, in a few letters."""
    match which:
        case Knob.MODEL:
            return model_name(request.model)
        case Knob.MODE:
            return t(f"mode.{request.mode}")
        case Knob.DURATION:
            return t("unit.seconds", seconds=request.duration)
        case Knob.RATIO:
            return request.aspect_ratio or t("value.none")
        case Knob.RESOLUTION:
            return request.resolution
        case Knob.SOUND:
            return t("value.on" if request.sound else "value.off")
        case Knob.CAMERA:
            return t("value.none") if request.camera is None else camera_name(t, request.camera)
        case Knob.COUNT:
            return str(request.count)
        case Knob.NEGATIVE:
            return cut(" ".join(request.negative_prompt.split()), WORDS_ON_BUTTON) or t("value.none")
        case Knob.SEED:
            return t("value.random") if request.seed is None else str(request.seed)
        case Knob.END_FRAME:
            return t("value.none" if request.last_frame is None else "value.photo")


def model_name(model: str) -> str:
    """A model's name as short as it is still clear."""
    return cut(model.removeprefix("kling-"), 24)


def chosen(t: Texts, label: str, *, is_chosen: bool) -> str:
    """A label that says that it is the present choice."""
    return t("value.chosen", value=label) if is_chosen else label


def _choice(t: Texts, which: Knob, choice: Choice) -> str:
    if choice.key == NONE and which in {Knob.NEGATIVE, Knob.END_FRAME}:
        return t("value.remove")
    return value(t, which, choice.request)


def _pictures(t: Texts, request: VideoRequest) -> str:
    if request.last_frame is not None:
        return t("card.frames")
    if request.first_frame is not None:
        return t("card.first_frame")
    return t.plural("card.references", len(request.references)) if request.references else ""


def _negative(t: Texts, request: VideoRequest) -> str:
    if not request.negative_prompt:
        return ""
    return t("card.without", words=inline(request.negative_prompt, NEGATIVE_SHOWN))


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(line for line in lines if line)

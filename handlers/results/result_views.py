"""What stands on and about results: buttons, questions, settings. Pure.

A button holds the short id of its task and the place of the result in it, so it works for as long as the
message stands; whose it is is asked when it is pressed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from bot.domain.library.template import can_become_template
from bot.domain.requests.effects import Effect, EffectCategory
from bot.domain.requests.naming import show_prompt
from bot.domain.requests.operations import COMPOSED, Operation, Product, Prompt
from bot.domain.tasks.task import Delivery, Task
from bot.domain.types import Credits, TaskId, UserId, format_task_id
from bot.i18n import Texts
from handlers.chat import html
from handlers.chat.html import View, settings_line, snippet, utf16_length
from handlers.chat.keyboards import (
    CONFIRM,
    COPY_LIMIT,
    Button,
    Payload,
    Rows,
    confirmation,
    in_rows,
    neighbours,
)
from handlers.library.assets import MakeOfViews
from handlers.library.template_views import SaveTemplate
from handlers.making.effects import category_buttons
from handlers.making.video import Animate
from handlers.results.task_views import Change, MakeAgain

EFFECTS_A_PAGE = 10
EFFECTS_IN_A_ROW = 2
"""With their prices beside them titles are long."""
PROMPT_SHOWN = 600
IN_A_ROW = 3
LONGEST_ADDRESS = 2048
"""Characters of the address that a button opens; a longer one stands in the caption alone."""


@dataclass(frozen=True)
class OfResult(Payload):
    """A button about one result of a task."""

    task_id: TaskId
    position: int = 0

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """The button about a result."""
        return cls(delivery.task.id, delivery.position)


class ShowAbout(OfResult, action="about"):
    """Show the settings."""


class TakeOne(OfResult, action="take"):
    """Send one result of an album alone."""


class SendOriginal(OfResult, action="original"):
    """Send the file as it was made."""


class AskForExtension(OfResult, action="extend"):
    """Ask how the video goes on."""


@dataclass(frozen=True)
class Extend(OfResult, action="longer"):
    """Extend the video without a prompt, at the price that is shown."""

    price: int | None = None


@dataclass(frozen=True)
class ContinueFromFrame(OfResult, action="onward"):
    """Make a video of the last frame and a saved text, at the price that is shown."""

    token: str = ""
    price: int | None = None


@dataclass(frozen=True)
class RenderFinal(Payload, action="final"):
    """Make a draft's request for good, at the price that is shown."""

    task_id: TaskId
    price: int | None = None


class AskForSpeech(OfResult, action="speak"):
    """Ask what the face should say."""


@dataclass(frozen=True)
class ListEffects(OfResult, action="effects"):
    """Ask for an effect; with a page, in the place of what the message shows: the categories, or one of them."""

    page: int | None = None
    category: EffectCategory | None = None


@dataclass(frozen=True)
class MakeEffect(OfResult, action="effect"):
    """Make an effect of the result."""

    scene: str = ""
    price: int | None = None


class Dismiss(Payload, action="dismiss"):
    """Delete a question."""


class ToggleFavourite(OfResult, action="star"):
    """Make it a favourite, or no longer."""


class AskToDelete(OfResult, action="delete"):
    """Ask before it is deleted."""


class KeepResult(OfResult, action="keep"):
    """Take that question back."""


class DeleteResult(OfResult, action="erase"):
    """Delete it."""


MAKING: Sequence[tuple[Operation, type[OfResult], str]] = (
    (Operation.EXTEND, AskForExtension, "button.extend"),
    (Operation.LIP_SYNC, AskForSpeech, "button.speak"),
    (Operation.EFFECT, ListEffects, "button.effects"),
)
"""What can be made of a result, the button that asks for it, and the button's text."""


def result_buttons(
    t: Texts, delivery: Delivery, possible: frozenset[Operation], final: Credits | None = None
) -> Rows:
    """What can be done with a result, at most three words a row; `final` is what the final of a draft costs."""
    making = [Button(t(key), ask.of(delivery)) for operation, ask, key in MAKING if operation in possible]
    if delivery.task.request.operation is Operation.VIEWS:
        making.insert(0, Button(t("button.make_element"), MakeOfViews(delivery.task.id)))
    elif _can_animate(delivery):
        making.insert(0, Button(t("button.animate"), Animate(delivery.task.id, delivery.position)))
    about = [Button(t("button.about"), ShowAbout.of(delivery))]
    if not delivery.task.request.operation.row.as_files:
        about.insert(0, Button(t("button.original"), SendOriginal.of(delivery)))
    return [
        _opening(t, delivery),
        [] if final is None else [_final(t, delivery.task, final)],
        _again(t, delivery.task),
        making,
        about,
        _keeping(t, delivery),
    ]


def _can_animate(delivery: Delivery) -> bool:
    """Whether it is a whole picture, of which a video can be made."""
    return delivery.kind is Product.IMAGE and not delivery.task.request.operation.row.as_files


def _opening(t: Texts, delivery: Delivery) -> list[Button]:
    """Return what opens the video itself, where a smaller copy of it was sent."""
    url = "" if delivery.copy_of is None or delivery.video is None else delivery.video.url
    return [Button(t("button.open_original"), url=url)] if 0 < len(url) <= LONGEST_ADDRESS else []


def _final(t: Texts, task: Task, price: Credits) -> Button:
    label = t("button.render_final", credits=t.number(price))
    return Button(label, RenderFinal(task.id, price), style=CONFIRM)


def _again(t: Texts, task: Task) -> list[Button]:
    again = Button(t("button.again", credits=html.credits(t, task.price)), MakeAgain(task.id, task.price))
    if task.request.operation.row.prompt is Prompt.NONE or (
        not show_prompt(task.request) and task.request.operation not in COMPOSED
    ):
        # Nothing of it can be changed on a card.
        return [again]
    return [again, Button(t("button.change"), Change(task.id))]


def _keeping(t: Texts, delivery: Delivery) -> list[Button]:
    star = "button.unstar" if delivery.task.favourite else "button.star"
    return [
        Button(t(star), ToggleFavourite.of(delivery)),
        Button(t("button.delete"), AskToDelete.of(delivery)),
    ]


def delete_question(t: Texts, delivery: Delivery) -> Rows:
    """The buttons that ask once before a result is gone."""
    texts = ("button.really_delete", "button.keep")
    return in_rows(confirmation(t, DeleteResult.of(delivery), KeepResult.of(delivery), texts=texts), 1)


def album(t: Texts, deliveries: Sequence[Delivery], final: Credits | None = None) -> View:
    """What stands beneath an album, which can have no buttons of its own: each result alone has all of them.

    `final` is what the final of a draft costs.
    """
    task = deliveries[0].task
    rows: list[list[Button]] = [[] if final is None else [_final(t, task, final)], _again(t, task)]
    if task.request.operation is Operation.VIEWS:
        rows.insert(0, [Button(t("button.make_element"), MakeOfViews(task.id), style=CONFIRM)])
    elif _can_animate(deliveries[0]):
        animate = [
            Button(t("button.animate_one", number=number), Animate(each.task.id, each.position))
            for number, each in enumerate(deliveries, 1)
        ]
        rows += in_rows(animate, IN_A_ROW)
    picked = [
        Button(t("button.pick", number=number), TakeOne(each.task.id, each.position))
        for number, each in enumerate(deliveries, 1)
    ]
    rows += in_rows(picked, IN_A_ROW)
    rows.append(_keeping(t, deliveries[0]))
    return View(t("album.done", task=format_task_id(task.id)), rows)


def about(t: Texts, delivery: Delivery, now: datetime) -> View:
    """The settings of a result, in few enough letters for an alert, with what is worth copying."""
    task = delivery.task
    lines = [settings_line(t, task.request), html.credits(t, task.price)]
    if task.submitted_at is not None and task.finished_at is not None:
        lines[-1] += f" · {t.duration(task.finished_at - task.submitted_at)}"
    lines.append(t.moment(task.created_at, now))
    lines.append(f"<code>{format_task_id(task.id)}</code>")
    buttons = [Button(t("button.copy_id"), copy=format_task_id(task.id))]
    if 0 < utf16_length(show_prompt(task.request)) <= COPY_LIMIT:
        buttons.append(Button(t("button.copy_prompt"), copy=show_prompt(task.request)))
    if task.request.seed is not None:
        buttons.append(Button(t("button.copy_seed"), copy=str(task.request.seed)))
    keeping = (
        [Button(t("template.button.save"), SaveTemplate(task.id))]
        if can_become_template(task.request)
        else []
    )
    return View("\n".join(lines), [buttons, keeping])


# -- questions ---------------------------------------------------------------------------------------


def ask_extend(t: Texts, delivery: Delivery, price: Credits, owner: UserId, *, onward: bool) -> View:
    """What should happen next? The answer is a reply, or a tap. `onward`: it goes on from the last frame."""
    go_on = Button(
        t("button.go_on", credits=html.credits(t, price)),
        Extend(delivery.task.id, delivery.position, price),
        owner=owner,
        style=CONFIRM,
    )
    return View(t("result.ask_onward" if onward else "result.ask_extend"), [[go_on], [_never_mind(t, owner)]])


def offer(t: Texts, prompt: str, ways: Sequence[tuple[str, Payload, Credits]], owner: UserId) -> View:
    """What can be made of a video that cannot be extended, each way with its price."""
    rows = [[Button(t(label, price=t.number(price)), payload, owner=owner)] for label, payload, price in ways]
    text = f"{t('offer.text')}\n{html.quoted(prompt, PROMPT_SHOWN)}"
    return View(text, [*rows, [_never_mind(t, owner)]])


def ask_speech(t: Texts, owner: UserId, price: Credits, name: str) -> View:
    """What should the face say? In a group only whoever is named is asked by Telegram."""
    mention = f'<a href="tg://user?id={owner}">{snippet(name, 60)}</a>'
    return View(t("result.ask_speech", name=mention, credits=html.credits(t, price)))


def ask_effect(
    t: Texts, delivery: Delivery, categories: Mapping[EffectCategory, Sequence[Effect]], owner: UserId
) -> View:
    """Which effect? Its category is tapped first; the name of any is a reply."""

    def of(category: EffectCategory) -> Payload:
        return ListEffects(delivery.task.id, delivery.position, 0, category)

    buttons = category_buttons(t, categories, of)
    return View(t("result.ask_effect"), [*in_rows(buttons, IN_A_ROW), [_never_mind(t, owner)]])


def choose_effect(
    t: Texts,
    about: ListEffects,
    category: EffectCategory,
    effects: Sequence[tuple[Effect, Credits]],
    owner: UserId,
) -> View:
    """A page of the effects of a category to tap, each with its price."""
    task_id, position, page = about.task_id, about.position, about.page or 0
    first = page * EFFECTS_A_PAGE
    buttons = []
    for effect, price in effects[first : first + EFFECTS_A_PAGE]:
        label = t("button.effect", title=t(effect.key), price=t.number(price))
        # Names of effects are long: whose button it is, is asked when it is pressed.
        buttons.append(Button(label, MakeEffect(task_id, position, effect.scene, price)))
    turning = neighbours(
        t,
        lambda other: ListEffects(task_id, position, other, category),
        page,
        None,
        more=first + EFFECTS_A_PAGE < len(effects),
        texts=("button.earlier", "button.later"),
    )
    back = Button(t("button.back"), ListEffects(task_id, position, 0))
    text = t("result.choose_effect", category=t(category.key))
    rows = [*in_rows(buttons, EFFECTS_IN_A_ROW), turning, [back, _never_mind(t, owner)]]
    return View(text, rows)


def deleted(t: Texts, task: Task, left: int) -> str:
    """What a deletion did; `left` messages are too old to be taken away by a bot."""
    done = t("result.deleted", task=format_task_id(task.id))
    return f"{done} {t.plural('result.messages_left', left)}" if left else done


def _never_mind(t: Texts, owner: UserId) -> Button:
    return Button(t("button.no_thanks"), Dismiss(), owner=owner)

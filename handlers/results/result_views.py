"""What stands on and about results: buttons, questions, settings. Pure.

A button holds the short id of its task and the place of the result in it, so it works for as long as the
message stands; whose it is is asked when it is pressed.
"""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from bot.domain.library.recipe import can_become
from bot.domain.requests.choices import COMPOSED
from bot.domain.requests.presets import Effect
from bot.domain.requests.request import Operation
from bot.domain.tasks.task import Delivery, DeliveryKind, Task
from bot.domain.units import Credits, Millis, UserId, shown
from bot.i18n import Texts
from handlers.chat import html
from handlers.chat.html import View, inline, settings_line, units
from handlers.chat.keyboards import CONFIRM, COPY_LIMIT, DANGER, Button, Rows, in_rows

MAKING = (
    (Operation.EXTEND, "extend", "button.extend"),
    (Operation.LIP_SYNC, "speak", "button.speak"),
    (Operation.EFFECT, "effects", "button.effects"),
)
"""What can be made of a result, the action that asks for it, and the button's text."""

EFFECTS_A_PAGE = 9
IN_A_ROW = 3


def reference(delivery: Delivery) -> str:
    """How buttons name a result."""
    return f"{delivery.task.id}.{delivery.position}"


def result_buttons(t: Texts, delivery: Delivery, possible: frozenset[Operation]) -> Rows:
    """What can be done with a result, at most three words a row."""
    task, name = delivery.task, reference(delivery)
    making = [Button(t(key), action, name) for operation, action, key in MAKING if operation in possible]
    if delivery.kind is DeliveryKind.IMAGE:
        making.insert(0, Button(t("button.animate"), "animate", name))
    return [
        _again(t, task),
        making,
        [Button(t("button.original"), "original", name), Button(t("button.about"), "about", name)],
        _keeping(t, task, name),
    ]


def _again(t: Texts, task: Task) -> list[Button]:
    again = Button(t("button.again", credits=html.credits(t, task.price)), "again", task.id)
    if not task.request.prompt and task.request.operation not in COMPOSED:
        # Nothing of it can be changed on a card.
        return [again]
    return [again, Button(t("button.change"), "change", task.id)]


def _keeping(t: Texts, task: Task, name: str) -> list[Button]:
    star = "button.unstar" if task.favourite else "button.star"
    return [Button(t(star), "star", name), Button(t("button.delete"), "delete", name)]


def delete_question(t: Texts, name: str) -> Rows:
    """The buttons that ask once before a result is gone."""
    return [
        [Button(t("button.really_delete"), "erase", name, style=DANGER)],
        [Button(t("button.keep"), "keep", name)],
    ]


def album(t: Texts, delivery: Delivery) -> View:
    """What stands beneath an album, which can have no buttons of its own: each result alone has all of them."""
    task = delivery.task
    rows: list[list[Button]] = [_again(t, task)]
    numbers = range(task.request.count)
    if delivery.kind is DeliveryKind.IMAGE:
        animate = [
            Button(t("button.animate_one", number=number + 1), "animate", f"{task.id}.{number}")
            for number in numbers
        ]
        rows += in_rows(animate, 2)
    picked = [
        Button(t("button.pick", number=number + 1), "take", f"{task.id}.{number}") for number in numbers
    ]
    rows += in_rows(picked, 2)
    rows.append(_keeping(t, task, reference(delivery)))
    return View(t("album.done", task=shown(task.id)), rows)


def about(t: Texts, delivery: Delivery, zone: ZoneInfo, now: Millis) -> View:
    """The settings of a result, in few enough letters for an alert, with what is worth copying."""
    task = delivery.task
    lines = [settings_line(t, task.request), html.credits(t, task.price)]
    if task.submitted_at is not None and task.finished_at is not None:
        lines[-1] += f" · {t.duration(task.finished_at - task.submitted_at)}"
    lines.append(t.moment(task.created_at, zone, now))
    lines.append(f"<code>{shown(task.id)}</code>")
    buttons = [Button(t("button.copy_id"), copy=shown(task.id))]
    if 0 < units(task.request.prompt) <= COPY_LIMIT:
        buttons.append(Button(t("button.copy_prompt"), copy=task.request.prompt))
    if task.request.seed is not None:
        buttons.append(Button(t("button.copy_seed"), copy=str(task.request.seed)))
    keeping = [Button(t("recipe.button.save"), "recipe_save", task.id)] if can_become(task.request) else []
    return View("\n".join(lines), [buttons, keeping])


# -- questions ---------------------------------------------------------------------------------------


def ask_extend(t: Texts, delivery: Delivery, price: Credits, owner: UserId) -> View:
    """What should happen next? The answer is a reply, or a tap."""
    go_on = Button(
        t("button.go_on", credits=html.credits(t, price)),
        "longer",
        reference(delivery),
        owner,
        style=CONFIRM,
    )
    return View(t("result.ask_extend"), [[go_on], [_never_mind(t, owner)]])


def ask_speech(t: Texts, owner: UserId, price: Credits, name: str) -> View:
    """What should the face say? In a group only whoever is named is asked by Telegram."""
    mention = f'<a href="tg://user?id={owner}">{inline(name, 60)}</a>'
    return View(t("result.ask_speech", name=mention, credits=html.credits(t, price)))


def ask_effect(
    t: Texts, delivery: Delivery, effects: Sequence[Effect], page: int, price: Credits, owner: UserId
) -> View:
    """Which effect? A page of them to tap; the name of any other is a reply."""
    name = reference(delivery)
    first = page * EFFECTS_A_PAGE
    buttons = [
        # Names of effects are long: whose button it is, is asked when it is pressed.
        Button(effect.title, "effect", f"{name}.{effect.scene}")
        for effect in effects[first : first + EFFECTS_A_PAGE]
    ]
    turning = []
    if page:
        turning.append(Button(t("button.earlier"), "effects", f"{name}.{page - 1}", owner))
    if first + EFFECTS_A_PAGE < len(effects):
        turning.append(Button(t("button.later"), "effects", f"{name}.{page + 1}", owner))
    text = t("result.ask_effect", credits=html.credits(t, price))
    return View(text, [*in_rows(buttons, IN_A_ROW), turning, [_never_mind(t, owner)]])


def deleted(t: Texts, task: Task, left: int) -> str:
    """What a deletion did; `left` messages are too old to be taken away by a bot."""
    done = t("result.deleted", task=shown(task.id))
    return f"{done} {t.plural('result.messages_left', left)}" if left else done


def _never_mind(t: Texts, owner: UserId) -> Button:
    return Button(t("button.no_thanks"), "dismiss", owner=owner)

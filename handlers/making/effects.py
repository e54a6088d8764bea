"""`/effects`: what can be made of photos by name, by category and by words, with prices."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from bot.domain.people.access import AccessLevel
from bot.domain.requests.effects import Effect, EffectCategory, EffectInput
from bot.domain.requests.operations import Operation
from bot.domain.types import Credits, UserId
from bot.errors import UserError
from bot.i18n import Texts
from handlers.chat.html import View, snippet
from handlers.chat.keyboards import CHOICES_PER_ROW, Button, Payload, in_rows
from handlers.chat.menus import Section
from handlers.chat.routes import Command, Press, Words
from handlers.chat.turn import Turn

LONGEST_SEARCH = 60
"""Characters of a search that count; no title is longer."""

SHOWN = 40
"""Effects in one message."""

Prices = Callable[[Sequence[Effect]], Sequence[tuple[Effect, Credits]]]
"""Says what each of some effects costs."""

_LINES = {
    EffectInput.ONE: "effects.line",
    EffectInput.PET: "effects.line_pet",
    EffectInput.TWO: "effects.line_two",
}


@dataclass(frozen=True)
class ShowEffects(Payload, action="allfx"):
    """Show the effects of a category; without one, the categories."""

    category: EffectCategory | None = None


async def effects(turn: Turn, words: Words) -> None:
    """`/effects [words]`: the categories, or the effects whose names or titles hold the words.

    Raises:
        UserError: no effects are offered here.

    """
    compose = turn.services.compose
    _check_offered(turn)
    search = " ".join(words)[:LONGEST_SEARCH]
    if not search:
        await turn.answer(overview(turn.t, compose.effects.by_category(), turn.user_id))
        return
    found = compose.effects.search(search)
    if not found:
        nearest, total = compose.effects.nearest(search), len(compose.effects)
        await turn.answer(none_found(turn.t, search, nearest, total))
        return
    head = turn.t(
        "effects.found",
        words=snippet(search, LONGEST_SEARCH),
        found=turn.t.number(len(found)),
        total=turn.t.number(len(compose.effects)),
    )
    await turn.answer(View(listed(turn.t, head, found, compose.price_effects)))


async def on_show_effects(turn: Turn, button: ShowEffects) -> None:
    """Show the effects of a category, or all categories again.

    Raises:
        UserError: the category is of another version.

    """
    compose = turn.services.compose
    _check_offered(turn)
    categories = compose.effects.by_category()
    if button.category is None:
        await turn.edit(overview(turn.t, categories, turn.user_id))
        return
    found = categories.get(button.category)
    if found is None:
        raise UserError("error.button.stale")
    head = turn.t("effects.category", category=turn.t(button.category.key), total=turn.t.number(len(found)))
    back = Button(turn.t("button.back"), ShowEffects(), owner=turn.user_id)
    await turn.edit(View(listed(turn.t, head, found, compose.price_effects), [[back]]))


def _check_offered(turn: Turn) -> None:
    if Operation.EFFECT not in turn.services.compose.operations():
        raise UserError("error.request.operation", operation=Operation.EFFECT)


# -- views -------------------------------------------------------------------------------------------


def overview(t: Texts, categories: Mapping[EffectCategory, Sequence[Effect]], owner: UserId) -> View:
    """How many effects there are, and a button for each category."""
    total = sum(map(len, categories.values()))
    buttons = category_buttons(t, categories, ShowEffects, owner)
    return View(t("effects.all", total=t.number(total)), in_rows(buttons, CHOICES_PER_ROW))


def category_buttons(
    t: Texts,
    categories: Mapping[EffectCategory, Sequence[Effect]],
    payload: Callable[[EffectCategory], Payload],
    owner: UserId | None = None,
) -> list[Button]:
    """A button for each category, with how many effects it has."""
    return [
        Button(
            t("button.effect_category", category=t(category.key), number=t.number(len(some))),
            payload(category),
            owner=owner,
        )
        for category, some in categories.items()
    ]


def listed(t: Texts, head: str, found: Sequence[Effect], price_all: Prices) -> str:
    """Effects with what they take and cost, at most `SHOWN` of them, and how to use one."""
    shown = price_all(found[:SHOWN])
    lines = [
        t(
            _LINES[effect.input],
            title=escape(t(effect.key)),
            effect=escape(effect.scene),
            price=t.number(price),
        )
        for effect, price in shown
    ]
    parts = [f"{head}\n{t('effects.priced')}", "\n".join(lines)]
    if len(found) > len(shown):
        parts.append(t("effects.more", rest=t.number(len(found) - len(shown))))
    parts.append(t("effects.how_to", effect=escape(shown[0][0].scene)))
    return "\n\n".join(parts)


def none_found(t: Texts, words: str, nearest: str, total: int) -> View:
    """No effect is called like this; which is the nearest."""
    said = snippet(words, LONGEST_SEARCH)
    return View(t("effects.none", words=said, nearest=escape(nearest), total=t.number(total)))


COMMANDS = (Command("effects", effects, access=AccessLevel.VIEW, section=Section.GUIDE),)
BUTTONS = (Press(ShowEffects, on_show_effects, AccessLevel.VIEW),)

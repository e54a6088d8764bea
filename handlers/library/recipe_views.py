"""Recipes as people read them: the list, one recipe with its buttons, and the questions about it. Pure."""

from collections.abc import Sequence

from bot.domain.library.recipe import Recipe
from bot.domain.requests.request import VideoRequest
from bot.domain.units import Credits, UserId
from bot.i18n import Texts
from handlers.chat import views
from handlers.chat.keyboards import CONFIRM, DANGER, Button
from handlers.chat.views import View, inline, quoted, settings_line

PAGE = 8
NAME_ON_BUTTON = 30
PROMPT_LIMIT = 600


def listed(t: Texts, recipes: Sequence[Recipe], page: int, owner: UserId) -> View:
    """One page of a person's recipes, each a button."""
    if not recipes:
        return View(t("recipe.none"))
    last = (len(recipes) - 1) // PAGE
    page = max(0, min(page, last))
    shown = recipes[page * PAGE : (page + 1) * PAGE]
    rows = [[Button(recipe.name[:NAME_ON_BUTTON], "recipe", recipe.token, owner)] for recipe in shown]
    turning = []
    if page > 0:
        turning.append(Button(t("recipe.button.newer"), "recipes", str(page - 1), owner))
    if page < last:
        turning.append(Button(t("recipe.button.older"), "recipes", str(page + 1), owner))
    return View(t.plural("recipe.list", len(recipes)), [*rows, turning])


def card(t: Texts, recipe: Recipe, request: VideoRequest, price: Credits, reader: UserId) -> View:
    """One recipe: what it makes, and what can be done with it; a shared one can be kept."""
    lines = [f"<b>{inline(recipe.name, 100)}</b>", quoted(recipe.prompt, PROMPT_LIMIT)]
    lines.append(settings_line(t, request))
    if recipe.pictures:
        lines.append(t.plural("recipe.takes", recipe.pictures))
    run = "recipe.button.run_on" if recipe.pictures else "recipe.button.run"
    rows = [
        [Button(t(run, credits=views.credits(t, price)), "recipe_run", recipe.token, reader, style=CONFIRM)],
    ]
    if recipe.user_id == reader:
        rows += [
            [
                Button(t("recipe.button.rename"), "recipe_name", recipe.token, reader),
                Button(t("recipe.button.share"), "recipe_share", recipe.token, reader),
            ],
            [
                Button(t("recipe.button.delete"), "recipe_delete", recipe.token, reader, style=DANGER),
                Button(t("recipe.button.all"), "recipes", "0", reader),
            ],
        ]
    else:
        rows.append([Button(t("recipe.button.keep"), "recipe_keep", recipe.token, reader)])
    return View("\n".join(line for line in lines if line), rows)


def outdated(t: Texts, recipe: Recipe, sentence: str, owner: UserId) -> View:
    """A recipe that cannot be made here any more: why, and the way to be rid of it."""
    rows = [
        [
            Button(t("recipe.button.delete"), "recipe_delete", recipe.token, owner, style=DANGER),
            Button(t("recipe.button.all"), "recipes", "0", owner),
        ]
    ]
    return View(f"<b>{inline(recipe.name, 100)}</b>\n{sentence}", rows if recipe.user_id == owner else ())


def saved(t: Texts, recipe: Recipe, owner: UserId) -> View:
    """A request was kept as a recipe."""
    rows = [
        [
            Button(t("recipe.button.rename"), "recipe_name", recipe.token, owner),
            Button(t("recipe.button.share"), "recipe_share", recipe.token, owner),
        ]
    ]
    return View(t("recipe.saved", name=inline(recipe.name, 100)), rows)


def photo_question(t: Texts, name: str, number: int, owner: UserId) -> View:
    """Which photos to send now."""
    text = t.plural("recipe.ask_photo", number, name=inline(name, 100))
    return View(text, [[Button(t("recipe.button.never_mind"), "recipe_stop", "", owner)]])


def name_question(t: Texts, recipe: Recipe, owner: UserId) -> View:
    """Which name to send now."""
    text = t("recipe.ask_name", name=inline(recipe.name, 100))
    return View(text, [[Button(t("recipe.button.never_mind"), "recipe_stop", "", owner)]])


def link(t: Texts, recipe: Recipe, address: str) -> View:
    """The way to give a recipe to others."""
    text = f"{t('recipe.shared', name=inline(recipe.name, 100))}\n{address}"
    return View(text, [[Button(t("button.copy_link"), copy=address)]])


def delete_question(t: Texts, recipe: Recipe, owner: UserId) -> View:
    """Once more, for nothing brings it back."""
    rows = [
        [
            Button(t("recipe.button.delete"), "recipe_gone", recipe.token, owner, style=DANGER),
            Button(t("recipe.button.back"), "recipe", recipe.token, owner),
        ]
    ]
    return View(t("recipe.delete_sure", name=inline(recipe.name, 100)), rows)

"""Templates as people read them: the list, one with its buttons, and the questions about it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.library.recipe import Recipe
from bot.domain.requests.request import VideoRequest
from bot.domain.units import Credits, TaskId, UserId
from bot.i18n import Texts
from handlers.chat import html
from handlers.chat.html import View, inline, quoted, settings_line
from handlers.chat.keyboards import CONFIRM, DANGER, Button, Payload

PAGE = 8
NAME_ON_BUTTON = 30
PROMPT_LIMIT = 600


@dataclass(frozen=True)
class ListTemplates(Payload, action="recipes"):
    """Turn to a page of the list."""

    page: int = 0


@dataclass(frozen=True)
class SaveTemplate(Payload, action="recipe_save"):
    """Save the request of a result."""

    task_id: TaskId


@dataclass(frozen=True)
class _OfTemplate(Payload):
    token: str


class OpenTemplate(_OfTemplate, action="recipe"):
    """Show a template in the list's place."""


@dataclass(frozen=True)
class RunTemplate(_OfTemplate, action="recipe_run"):
    """Make a template's video, at the price that is shown."""

    price: int | None = None


class RenameTemplate(_OfTemplate, action="recipe_name"):
    """Ask for another name."""


class ShareTemplate(_OfTemplate, action="recipe_share"):
    """Show the link to a template."""


class CopyTemplate(_OfTemplate, action="recipe_keep"):
    """Copy a shared template to the person's own."""


class AskToDeleteTemplate(_OfTemplate, action="recipe_delete"):
    """Ask before a template is deleted."""


class DeleteTemplate(_OfTemplate, action="recipe_gone"):
    """Delete a template."""


class StopAsking(Payload, action="recipe_stop"):
    """Send nothing after all."""


def listed(t: Texts, recipes: Sequence[Recipe], page: int, owner: UserId) -> View:
    """One page of a person's templates, each a button."""
    if not recipes:
        return View(t("recipe.none"))
    last = (len(recipes) - 1) // PAGE
    page = max(0, min(page, last))
    shown = recipes[page * PAGE : (page + 1) * PAGE]
    rows = [
        [Button(recipe.name[:NAME_ON_BUTTON], OpenTemplate(recipe.token), owner=owner)] for recipe in shown
    ]
    turning = []
    if page > 0:
        turning.append(Button(t("recipe.button.newer"), ListTemplates(page - 1), owner=owner))
    if page < last:
        turning.append(Button(t("recipe.button.older"), ListTemplates(page + 1), owner=owner))
    return View(t.plural("recipe.list", len(recipes)), [*rows, turning])


def card(t: Texts, recipe: Recipe, request: VideoRequest, price: Credits, reader: UserId) -> View:
    """One template: what it makes, and what can be done with it; a shared one can be copied."""
    lines = [f"<b>{inline(recipe.name, 100)}</b>", quoted(recipe.prompt, PROMPT_LIMIT)]
    lines.append(settings_line(t, request))
    if recipe.pictures:
        lines.append(t.plural("recipe.takes", recipe.pictures))
    run = "recipe.button.run_on" if recipe.pictures else "recipe.button.run"
    label = t(run, credits=html.credits(t, price))
    rows = [[Button(label, RunTemplate(recipe.token, price), owner=reader, style=CONFIRM)]]
    if recipe.user_id == reader:
        rows += [_change(t, recipe, reader), _remove(t, recipe, reader)]
    else:
        rows.append([Button(t("recipe.button.keep"), CopyTemplate(recipe.token), owner=reader)])
    return View("\n".join(line for line in lines if line), rows)


def outdated(t: Texts, recipe: Recipe, sentence: str, owner: UserId) -> View:
    """A template that cannot be made here any more: why, and the way to be rid of it."""
    rows = [_remove(t, recipe, owner)] if recipe.user_id == owner else ()
    return View(f"<b>{inline(recipe.name, 100)}</b>\n{sentence}", rows)


def saved(t: Texts, recipe: Recipe, owner: UserId) -> View:
    """A request was saved as a template."""
    return View(t("recipe.saved", name=inline(recipe.name, 100)), [_change(t, recipe, owner)])


def photo_question(t: Texts, name: str, number: int, owner: UserId) -> View:
    """Which photos to send now."""
    return View(t.plural("recipe.ask_photo", number, name=inline(name, 100)), [never_mind(t, owner)])


def name_question(t: Texts, recipe: Recipe, owner: UserId) -> View:
    """Which name to send now."""
    return View(t("recipe.ask_name", name=inline(recipe.name, 100)), [never_mind(t, owner)])


def never_mind(t: Texts, owner: UserId) -> list[Button]:
    """The way out of a question."""
    return [Button(t("recipe.button.never_mind"), StopAsking(), owner=owner)]


def link(t: Texts, recipe: Recipe, address: str) -> View:
    """The way to give a template to others."""
    text = f"{t('recipe.shared', name=inline(recipe.name, 100))}\n{address}"
    return View(text, [[Button(t("button.copy_link"), copy=address)]])


def delete_question(t: Texts, recipe: Recipe, owner: UserId) -> View:
    """Once more, for nothing brings it back."""
    rows = [
        [
            Button(t("recipe.button.delete"), DeleteTemplate(recipe.token), owner=owner, style=DANGER),
            Button(t("recipe.button.back"), OpenTemplate(recipe.token), owner=owner),
        ]
    ]
    return View(t("recipe.delete_sure", name=inline(recipe.name, 100)), rows)


def _change(t: Texts, recipe: Recipe, owner: UserId) -> list[Button]:
    return [
        Button(t("recipe.button.rename"), RenameTemplate(recipe.token), owner=owner),
        Button(t("recipe.button.share"), ShareTemplate(recipe.token), owner=owner),
    ]


def _remove(t: Texts, recipe: Recipe, owner: UserId) -> list[Button]:
    return [
        Button(t("recipe.button.delete"), AskToDeleteTemplate(recipe.token), owner=owner, style=DANGER),
        Button(t("recipe.button.all"), ListTemplates(), owner=owner),
    ]

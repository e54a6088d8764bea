"""Templates as people read them: the list, one with its buttons, and the questions about it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.library.template import Template
from bot.domain.requests.request import GenerationRequest
from bot.domain.types import Credits, TaskId, UserId
from bot.i18n import Texts
from handlers.chat import html
from handlers.chat.html import View, quoted, settings_line, snippet
from handlers.chat.keyboards import CONFIRM, DANGER, Button, Payload, confirmation, neighbours

PAGE = 8
TITLE_ON_BUTTON = 30
PROMPT_LIMIT = 600


class ShowIdeas(Payload, action="ideas"):
    """Show the first idea in a message of its own."""


@dataclass(frozen=True)
class ListTemplates(Payload, action="templates"):
    """Turn to a page of the list."""

    page: int = 0


@dataclass(frozen=True)
class SaveTemplate(Payload, action="template_save"):
    """Save the request of a result."""

    task_id: TaskId


@dataclass(frozen=True)
class _OfTemplate(Payload):
    token: str


class OpenTemplate(_OfTemplate, action="template"):
    """Show a template in the place of the list, or of another idea."""


@dataclass(frozen=True)
class RunTemplate(_OfTemplate, action="template_run"):
    """Make a template's video, at the price that is shown."""

    price: int | None = None


class RenameTemplate(_OfTemplate, action="template_name"):
    """Ask for another title."""


class ShareTemplate(_OfTemplate, action="template_share"):
    """Show the link to a template."""


class CopyTemplate(_OfTemplate, action="template_copy"):
    """Copy a shared template to the person's own."""


class AskToDeleteTemplate(_OfTemplate, action="template_delete"):
    """Ask before a template is deleted."""


class DeleteTemplate(_OfTemplate, action="template_gone"):
    """Delete a template."""


class StopAsking(Payload, action="template_stop"):
    """Send nothing after all."""


def listed(t: Texts, templates: Sequence[Template], page: int, owner: UserId) -> View:
    """One page of a person's templates, each a button."""
    if not templates:
        return View(t("template.none"))
    last = (len(templates) - 1) // PAGE
    page = max(0, min(page, last))
    rows = [
        [Button(template.title[:TITLE_ON_BUTTON], OpenTemplate(template.token), owner=owner)]
        for template in templates[page * PAGE : (page + 1) * PAGE]
    ]
    turning = neighbours(t, ListTemplates, page, owner, more=page < last)
    return View(t.plural("template.list", len(templates)), [*rows, turning])


def card(
    t: Texts,
    template: Template,
    request: GenerationRequest,
    price: Credits,
    reader: UserId,
    ideas: Sequence[Template] = (),
) -> View:
    """One template: what it makes, and what can be done with it; an idea leads to the others of `ideas`."""
    kind = "idea" if template.owner is None else "template"
    lines = [f"<b>{_title(template)}</b>", quoted(template.prompt, PROMPT_LIMIT), settings_line(t, request)]
    if template.images:
        lines.append(t.plural(f"{kind}.takes", template.images))
    run = f"{kind}.button.run_on" if template.images else f"{kind}.button.run"
    label = t(run, credits=html.credits(t, price))
    rows = [[Button(label, RunTemplate(template.token, price), owner=reader, style=CONFIRM)]]
    if template.owner == reader:
        rows += [_change(t, template, reader), _remove(t, template, reader)]
    elif template.owner is not None:
        rows.append([Button(t("template.button.copy"), CopyTemplate(template.token), owner=reader)])
    elif len(ideas) > 1:
        tokens = [idea.token for idea in ideas]
        place = tokens.index(template.token)
        lines.append(t("idea.place", number=place + 1, total=len(tokens)))
        before, after = tokens[place - 1], tokens[(place + 1) % len(tokens)]
        rows.append(
            [
                Button(t("idea.button.previous"), OpenTemplate(before), owner=reader),
                Button(t("idea.button.next"), OpenTemplate(after), owner=reader),
            ]
        )
    return View("\n".join(line for line in lines if line), rows)


def outdated(t: Texts, template: Template, sentence: str, owner: UserId) -> View:
    """A template that cannot be made here any more: why, and the way to be rid of it."""
    rows = [_remove(t, template, owner)] if template.owner == owner else ()
    return View(f"<b>{_title(template)}</b>\n{sentence}", rows)


def saved(t: Texts, template: Template, owner: UserId) -> View:
    """A request was saved as a template."""
    return View(t("template.saved", name=_title(template)), [_change(t, template, owner)])


def photo_question(t: Texts, template: Template, owner: UserId) -> View:
    """Which photos to send now."""
    text = t.plural("template.ask_photo", template.images, name=_title(template))
    return View(text, [never_mind(t, owner)])


def title_question(t: Texts, template: Template, owner: UserId) -> View:
    """Which title to send now."""
    return View(t("template.ask_title", name=_title(template)), [never_mind(t, owner)])


def never_mind(t: Texts, owner: UserId) -> list[Button]:
    """The way out of a question."""
    return [Button(t("template.button.never_mind"), StopAsking(), owner=owner)]


def link(t: Texts, template: Template, address: str) -> View:
    """The way to give a template to others."""
    text = f"{t('template.shared', name=_title(template))}\n{address}"
    return View(text, [[Button(t("button.copy_link"), copy=address)]])


def delete_question(t: Texts, template: Template, owner: UserId) -> View:
    """Once more, for nothing brings it back."""
    buttons = confirmation(t, DeleteTemplate(template.token), OpenTemplate(template.token), owner)
    return View(t("template.delete_sure", name=_title(template)), [buttons])


def _title(template: Template) -> str:
    return snippet(template.title, 100)


def _change(t: Texts, template: Template, owner: UserId) -> list[Button]:
    return [
        Button(t("template.button.rename"), RenameTemplate(template.token), owner=owner),
        Button(t("template.button.share"), ShareTemplate(template.token), owner=owner),
    ]


def _remove(t: Texts, template: Template, owner: UserId) -> list[Button]:
    return [
        Button(t("button.delete"), AskToDeleteTemplate(template.token), owner=owner, style=DANGER),
        Button(t("template.button.all"), ListTemplates(), owner=owner),
    ]

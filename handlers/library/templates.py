"""`/save`, `/templates` and `/ideas`: templates, made again with one tap; people's own are renamed, shared and deleted."""

from contextlib import suppress
from pathlib import Path, PurePath

import structlog
from telegram import Message

from bot.domain.library.template import Template
from bot.domain.people.access import AccessLevel
from bot.domain.requests.question import Content
from bot.domain.requests.request import GenerationRequest
from bot.errors import UserError
from bot.services.ports import ChatError, ChatRefused
from handlers.chat.html import View, error_sentence
from handlers.chat.inputs import read_inputs
from handlers.chat.menus import Section
from handlers.chat.pointers import Medium, result_replied_to, use
from handlers.chat.routes import Command, Press, QuestionKind
from handlers.chat.turn import Turn
from handlers.library import template_views as views
from handlers.making.submit import submit_or_ask, submit_pressed
from handlers.sending.chat import ReplyTarget
from handlers.sending.media import Media, MediaKind

log = structlog.get_logger(__name__)

LINK_PREFIX = "template_"
FORMER_LINK_PREFIX = "recipe_"
"""Of links that were shared by earlier versions."""

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
"""A preview of another kind is taken for a video."""


async def save(turn: Turn, title: str) -> None:
    """`/save [title]`: the request of the result that is replied to, or of the open card."""
    template = await turn.services.templates.save(turn.user_id, await _meant(turn), " ".join(title.split()))
    await turn.answer(views.saved(turn.t, template, turn.user_id))


async def _meant(turn: Turn) -> GenerationRequest:
    noted = await result_replied_to(turn)
    if noted is not None:
        return noted.task.request
    await use(turn, Medium.VIDEO)
    open_card = await turn.services.cards.get(turn.user_id, turn.chat_id)
    if open_card is None:
        raise UserError("error.template.of_what")
    return open_card.request


async def list_templates(turn: Turn) -> None:
    """`/templates`: the person's templates, newest first."""
    await turn.answer(await _list(turn, 0))


async def show_ideas(turn: Turn) -> None:
    """`/ideas`: the first idea that can be made here."""
    await _send(turn, turn.services.templates.list_ideas(turn.t, turn.preferences)[0], turn.reply_target)


async def follow_link(turn: Turn, token: str) -> None:
    """A link to a template that somebody shared: show it, with the way to make it."""
    await turn.answer(_card(turn, await turn.services.templates.get(token)))


# -- buttons -----------------------------------------------------------------------------------------


async def on_ideas(turn: Turn) -> None:
    """Show the first idea below the message with the button."""
    ideas = turn.services.templates.list_ideas(turn.t, turn.preferences)
    await _send(turn, ideas[0], turn.reply_target.below)


async def on_list(turn: Turn, button: views.ListTemplates) -> None:
    """Turn to a page of the list."""
    await turn.edit(await _list(turn, button.page))


async def on_open(turn: Turn, button: views.OpenTemplate) -> None:
    """Show a template: in the same message where both are text, else in a new one that takes its place."""
    template = await _find(turn, button.token)
    if isinstance(turn.pressed, Message) and turn.pressed.text is not None and not template.preview:
        await turn.edit(_card(turn, template))
        return
    await _send(turn, template, turn.reply_target.below)
    if turn.message_id is not None:
        await turn.delete(turn.message_id)


async def on_save(turn: Turn, button: views.SaveTemplate) -> None:
    """Save a result's request, under its first words."""
    task = await turn.services.tasks.of(turn.user_id, button.task_id)
    template = await turn.services.templates.save(turn.user_id, task.request)
    await turn.answer(views.saved(turn.t, template, turn.user_id))


async def on_run(turn: Turn, button: views.RunTemplate) -> None:
    """Make a template's video at once, or ask for the photos that it takes."""
    template = await _find(turn, button.token)
    if not template.images:
        await submit_pressed(turn, turn.services.templates.fill(template), button.price)
        return
    if not turn.is_private:
        raise UserError("error.template.private_chat")
    turn.services.templates.preview(template)
    question = views.photo_question(turn.t, template, turn.user_id)
    await turn.ask(button, question)


async def on_photo_reply(turn: Turn, about: views.RunTemplate) -> None:
    """Make a template's video of the photos that it asked for."""
    template = await _find(turn, about.token)
    inputs = await read_inputs(turn, Medium.PHOTO)
    request = turn.services.templates.fill(template, inputs.images, inputs.text, inputs.names)
    await submit_or_ask(turn, request, about.price or 0)


async def on_rename(turn: Turn, button: views.RenameTemplate) -> None:
    """Ask for another title; the next words are it."""
    template = await turn.services.templates.get_owned(turn.user_id, button.token)
    if not turn.is_private:
        raise UserError("error.template.private_chat")
    await turn.ask(button, views.title_question(turn.t, template, turn.user_id))


async def on_title_reply(turn: Turn, about: views.RenameTemplate) -> None:
    """Give a template the title that was asked for."""
    template = await turn.services.templates.rename(turn.user_id, about.token, turn.text)
    await turn.answer(_card(turn, template))


async def on_stop(turn: Turn) -> None:
    """Send nothing after all."""
    await turn.stop_asking()
    await turn.edit(View(turn.t("template.stopped")))


async def on_share(turn: Turn, button: views.ShareTemplate) -> None:
    """Show the link to a template."""
    template = await turn.services.templates.get_owned(turn.user_id, button.token)
    address = f"https://t.me/{turn.username}?start={LINK_PREFIX}{template.token}"
    await turn.answer(views.link(turn.t, template, address))


async def on_copy(turn: Turn, button: views.CopyTemplate) -> None:
    """Copy a shared template to the person's own."""
    await turn.edit(_card(turn, await turn.services.templates.copy(turn.user_id, button.token)))


async def on_ask_to_delete(turn: Turn, button: views.AskToDeleteTemplate) -> None:
    """Ask before a template is deleted."""
    template = await turn.services.templates.get_owned(turn.user_id, button.token)
    await turn.edit(views.delete_question(turn.t, template, turn.user_id))


async def on_delete(turn: Turn, button: views.DeleteTemplate) -> str:
    """Delete a template; the list goes on without it."""
    await turn.services.templates.delete(turn.user_id, button.token)
    await turn.edit(await _list(turn, 0))
    return turn.t("template.deleted")


# -- showing -----------------------------------------------------------------------------------------


async def _find(turn: Turn, token: str) -> Template:
    return await turn.services.templates.find(token, turn.t, turn.preferences)


async def _list(turn: Turn, page: int) -> View:
    found = await turn.services.templates.list_owned(turn.user_id)
    return views.listed(turn.t, found, page, turn.user_id)


def _card(turn: Turn, template: Template) -> View:
    templates = turn.services.templates
    try:
        request, price = templates.preview(template)
    except UserError as error:
        sentence = error_sentence(turn.t, error, turn.local_now())
        return views.outdated(turn.t, template, sentence, turn.user_id)
    ideas = templates.list_ideas(turn.t, turn.preferences) if template.owner is None else ()
    return views.card(turn.t, template, request, price, turn.user_id, ideas)


async def _send(turn: Turn, template: Template, target: ReplyTarget) -> None:
    card = _card(turn, template)
    if not template.preview or not await _send_with_preview(turn, template, target, card):
        await turn.answer(card, target)


async def _send_with_preview(turn: Turn, template: Template, target: ReplyTarget, card: View) -> bool:
    """Send a template with its preview, which is uploaded once; False where that does not work."""
    is_image = PurePath(template.preview).suffix.lower() in IMAGE_SUFFIXES
    kind = MediaKind.PHOTO if is_image else MediaKind.VIDEO
    known = await turn.services.templates.known_sample(template)
    if known is not None:
        with suppress(ChatRefused):
            # Another bot's token knows other files.
            await turn.chat.send_media(target, Media(kind=kind, source=known), card)
            return True
    try:
        source = template.preview if "://" in template.preview else Path(template.preview)
        sent = await turn.chat.send_media(target, Media(kind=kind, source=source), card)
    except (ChatError, OSError) as error:
        log.warning("the sample of an idea cannot be sent", idea=template.title, kind=type(error).__name__)
        return False
    file = sent.photo[-1] if sent.photo else sent.video or sent.animation or sent.document
    if file is not None:
        await turn.services.templates.save_sample(template, file.file_id)
    return True


COMMANDS = (
    Command("save", save, section=Section.LIBRARY),
    Command("templates", list_templates, access=AccessLevel.VIEW, section=Section.LIBRARY),
    Command("ideas", show_ideas, access=AccessLevel.VIEW, section=Section.LIBRARY),
)
BUTTONS = (
    Press(views.ShowIdeas, on_ideas, AccessLevel.VIEW),
    Press(views.ListTemplates, on_list, AccessLevel.VIEW, formerly=("recipes",)),
    Press(views.OpenTemplate, on_open, AccessLevel.VIEW, formerly=("recipe", "idea")),
    Press(views.SaveTemplate, on_save, formerly=("recipe_save",)),
    Press(views.RunTemplate, on_run, formerly=("recipe_run", "idea_make")),
    Press(views.RenameTemplate, on_rename, formerly=("recipe_name",)),
    Press(views.StopAsking, on_stop, formerly=("recipe_stop",)),
    Press(views.ShareTemplate, on_share, formerly=("recipe_share",)),
    Press(views.CopyTemplate, on_copy, formerly=("recipe_keep",)),
    Press(views.AskToDeleteTemplate, on_ask_to_delete, formerly=("recipe_delete",)),
    Press(views.DeleteTemplate, on_delete, formerly=("recipe_gone",)),
)
QUESTIONS = (
    QuestionKind(views.RunTemplate, Content.PHOTO, on_photo_reply),
    QuestionKind(views.RenameTemplate, Content.TEXT, on_title_reply),
)

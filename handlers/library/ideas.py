"""`/ideas`: ready-made requests with a sample each, one at a time; a tap makes the video."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePath

import structlog
from telegram import CallbackQuery, Message, Update

from bot.domain.library.idea import Idea
from bot.domain.requests.request import VideoRequest
from bot.errors import UserError
from bot.services.library.ideas import STAND_IN
from bot.services.ports import ChatError, ChatRefused
from handlers.chat.context import Context, answer, place_of, rewrite, send, user_id_of
from handlers.chat.inputs import given, one_picture
from handlers.chat.views import View
from handlers.library import (
    idea_views,
    recipe_views,
)
from handlers.making.draft import submit_or_ask
from handlers.making.submit import submit
from handlers.sending.chat import ReplyTarget
from handlers.sending.media import Media, MediaKind

log = structlog.get_logger(__name__)

PHOTO = "idea_photo"
PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
"""A sample of another kind is taken for a video."""


async def ideas(update: Update, context: Context) -> None:
    """Show the first idea that can be made here."""
    await _show(update, context, _offered(context)[0], place_of(update))


async def press_start(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """The button of /start: the first idea, below."""
    del query, argument
    await _show(update, context, _offered(context)[0], replace(place_of(update), message_id=None))


async def press_idea(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Turn to another idea: in the same message where both are text, else in a new one that takes its place."""
    idea = context.services.ideas.find(argument, context.t)
    shown, place = query.message, place_of(update)
    if isinstance(shown, Message) and shown.text is not None and not idea.sample:
        await rewrite(context, query, _view(update, context, idea))
        return
    await _show(update, context, idea, replace(place, message_id=None))
    if place.message_id is not None:
        await context.chat.delete(place.chat_id, place.message_id)


async def press_make(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Make an idea at once, or ask for the photo that it takes."""
    del query
    services, user_id, place = context.services, user_id_of(update), place_of(update)
    idea = services.ideas.find(argument, context.t)
    if not idea.photo:
        await submit(update, context, services.ideas.request(idea, context.preferences), place)
        return
    if not place.is_private:
        raise UserError("error.recipe.private_chat")
    await services.recipes.ask_for(user_id, place.chat_id, PHOTO, idea.slug)
    await answer(update, context, recipe_views.photo_question(context.t, idea.name, 1, user_id))


async def took_photo(update: Update, context: Context, slug: str) -> None:
    """The photo that an idea waited for came: make it."""
    services = context.services
    idea = services.ideas.find(slug, context.t)
    got = await given(update, context)
    request = services.ideas.request(idea, context.preferences, one_picture(got), got.words)
    await services.recipes.stop_asking(user_id_of(update), place_of(update).chat_id)
    await submit_or_ask(update, context, request)


# -- showing -----------------------------------------------------------------------------------------


def _offered(context: Context) -> list[Idea]:
    """The ideas that can be made here.

    Raises:
        UserError: there is none.

    """
    found = [idea for idea in context.services.ideas.listed(context.t) if _request(context, idea) is not None]
    if not found:
        raise UserError("error.idea.none")
    return found


def _request(context: Context, idea: Idea) -> VideoRequest | None:
    try:
        return context.services.ideas.request(idea, context.preferences, STAND_IN if idea.photo else None)
    except UserError:
        return None


def _view(update: Update, context: Context, idea: Idea) -> View:
    request = _request(context, idea)
    if request is None:
        raise UserError("error.idea.gone")
    price = context.services.compose.price(request)
    return idea_views.one(context.t, idea, _offered(context), request, price, user_id_of(update))


async def _show(update: Update, context: Context, idea: Idea, place: ReplyTarget) -> None:
    view = _view(update, context, idea)
    if not idea.sample or not await _with_sample(context, idea, place, view):
        await send(context, place, view)


async def _with_sample(context: Context, idea: Idea, place: ReplyTarget, view: View) -> bool:
    """Send an idea with its sample, which is uploaded once; False where that does not work."""
    services = context.services
    known = await services.ideas.known_sample(idea)
    if known is not None:
        with suppress(ChatRefused):
            # Another bot's token knows other files.
            await _send_sample(context, idea, known, place, view)
            return True
    try:
        source = idea.sample if "://" in idea.sample else Path(idea.sample)
        sent = await _send_sample(context, idea, source, place, view)
    except (ChatError, OSError) as error:
        log.warning("the sample of an idea cannot be sent", idea=idea.name, kind=type(error).__name__)
        return False
    file = sent.photo[-1] if sent.photo else sent.video or sent.animation or sent.document
    if file is not None:
        await services.ideas.keep_sample(idea, file.file_id)
    return True


async def _send_sample(
    context: Context, idea: Idea, sample: str | Path, place: ReplyTarget, view: View
) -> Message:
    is_picture = PurePath(idea.sample).suffix.lower() in PICTURES
    media = Media(kind=MediaKind.PHOTO if is_picture else MediaKind.VIDEO, source=sample)
    return await context.chat.send_media(place, media, view)

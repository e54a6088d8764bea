"""`/video`, and photos in private chats: words, one photo, first and last frame, or references."""

from dataclasses import replace
from html import escape

from telegram import Update

from bot.domain.requests.links import split_links
from bot.domain.requests.prompt import ParsedPrompt
from bot.i18n import Texts
from bot.services.requests.cards import as_given
from handlers.chat.context import Context, answer, place_of
from handlers.chat.html import View
from handlers.chat.inputs import given, is_forwarded, read_words
from handlers.chat.keyboards import Button
from handlers.making import card
from handlers.making.draft import ask, submit_or_ask
from handlers.making.submit import is_stale


async def video(update: Update, context: Context) -> None:
    """Make a video of words, of the photos that came with them, or of the message that is replied to."""
    got = await given(context.turn, links=not is_forwarded(context.turn))
    services = context.services
    # Somebody else's words hold no options and no pictures: they are offered as they stand.
    foreign = ParsedPrompt(split_links(got.words).words) if is_forwarded(context.turn) else None
    parsed = foreign or await read_words(context.turn, got.words)
    if not got.pictures and not parsed.prompt and not parsed.options.shots:
        await answer(update, context, how_to(context.t))
        return
    if (
        got.pictures
        and await _is_for_card(update, context, words=got.words)
        and await card.took_pictures(update, context, got.pictures)
    ):
        return
    if len(got.pictures) == 2 or (got.pictures and not parsed.prompt):
        begun = services.cards.begun(card.name_of(update), parsed, got.pictures, context.preferences)
        question = "draft.stale" if is_stale(context.turn) and not begun.pictures else begun.question
        source = place_of(update).message_id
        await card.show(update, context, replace(begun, question=question, source_message_id=source))
        return
    request = services.compose.video(parsed, as_given(got.pictures), context.preferences)
    if foreign is not None:
        await ask(context.turn, request, "draft.forwarded")
    else:
        await submit_or_ask(context.turn, request)


async def _is_for_card(update: Update, context: Context, *, words: str) -> bool:
    """Photos without words belong to an open card; a command, or a photo with words, is an order of its own."""
    if context.turn.command is not None:
        return False
    return not words or await card.awaits_picture(update, context)


# -- views -------------------------------------------------------------------------------------------


def how_to(t: Texts) -> View:
    """What to type, with an example to copy."""
    example = t("example.command")
    return View(
        f"{t('video.how_to')}\n<code>{escape(example)}</code>",
        [[Button(t("button.copy_example"), copy=example)]],
    )

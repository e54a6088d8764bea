"""Inline mode: one's own videos and pictures, to be sent into any chat, and a way to make what is not there yet.

Nothing is ever started from an inline query: its button opens the private chat with the words on a card.
"""

from collections.abc import Sequence

from telegram import (
    InlineQueryResultsButton,
    Update,
)

from bot.domain.tasks.task import Delivery
from bot.errors import UserError
from bot.i18n import Texts
from bot.services.requests.cards import PROMPT
from bot.services.tasks.results import LONGEST_WORDS
from handlers.chat import html
from handlers.chat.context import Context, user_id_of
from handlers.making.submit import open_card
from handlers.results.result_views import reference
from handlers.sending.delivery import media_kind
from handlers.sending.media import InlineFile

CACHE_SECONDS = 10
"""How long Telegram may show the same answer to the same person: something new should soon be there."""

WORDS_ON_BUTTON = 40
TITLE_LETTERS = 60
LINK_PREFIX = "make_"


async def answer_query(update: Update, context: Context) -> None:
    """Answer with what the person has made that holds the words, newest first."""
    query = update.inline_query
    if query is None:
        return
    user_id, words = user_id_of(update), query.query.strip()[:LONGEST_WORDS]
    skip = int(query.offset) if query.offset.isdecimal() else 0
    found, more = await context.services.history.results(user_id, words, skip)
    button = None
    if words and not skip:
        token = await context.services.questions.save_words(user_id, words)
        label = context.t("inline.make", words=html.cut(words, WORDS_ON_BUTTON))
        button = InlineQueryResultsButton(label, start_parameter=f"{LINK_PREFIX}{token}")
    # A query that waited too long can no longer be answered, and its asker has typed on.
    await context.chat.answer_inline(
        query.id,
        results(context.t, found),
        cache_seconds=CACHE_SECONDS,
        next_offset="" if more is None else str(more),
        button=button,
    )


async def follow_link(update: Update, context: Context, token: str) -> None:
    """The link of that button: a card with the words.

    Raises:
        UserError: the words are somebody else's, or were typed too long ago.

    """
    words = await context.services.questions.saved_words(user_id_of(update), token)
    if words is None:
        raise UserError("error.link.forgotten")
    compose = context.services.compose
    request = compose.video(compose.parse(words), None, context.preferences)
    await open_card(context.turn, request, None, PROMPT)


def results(t: Texts, deliveries: Sequence[Delivery]) -> list[InlineFile]:
    """Results as Telegram lists them: what it keeps already costs no upload."""
    return [_result(t, delivery) for delivery in deliveries if delivery.file_id is not None]


def _result(t: Texts, delivery: Delivery) -> InlineFile:
    task = delivery.task
    return InlineFile(
        id=reference(delivery),
        kind=media_kind(delivery),
        file_id=delivery.file_id or "",
        title=html.cut(" ".join(task.request.prompt.split()), TITLE_LETTERS) or t("tasks.photo"),
        description=html.plain(html.settings_line(t, task.request)),
        caption=html.quoted(task.request.prompt, html.CAPTION_LIMIT),
    )

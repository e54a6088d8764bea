"""Inline mode: one's own videos and pictures, to be sent into any chat, and a way to make what is not there yet.

Nothing is ever started from an inline query: its button opens the private chat with the words on a card.
"""

from collections.abc import Sequence

from telegram import InlineQueryResultsButton

from bot.domain.people.access import AccessLevel
from bot.domain.requests.naming import show_prompt
from bot.domain.tasks.task import Delivery
from bot.errors import UserError
from bot.i18n import Texts
from bot.services.requests.card import PROMPT
from bot.services.tasks.results import LONGEST_WORDS
from handlers.chat import html
from handlers.chat.routes import Event, UpdateKind
from handlers.chat.turn import Turn
from handlers.making.submit import open_card, wanted_model
from handlers.sending.delivery import media_kind
from handlers.sending.media import InlineFile

CACHE_SECONDS = 10
"""How long Telegram may show the same answer to the same person: something new should soon be there."""

TEXT_ON_BUTTON = 40
TITLE_LETTERS = 60
LINK_PREFIX = "make_"


async def on_inline_query(turn: Turn) -> None:
    """Answer with the person's results whose prompts contain the text, newest first."""
    query = turn.update.inline_query
    if query is None:
        return
    text = query.query.strip()[:LONGEST_WORDS]
    skip = int(query.offset) if query.offset.isdecimal() else 0
    found, more = await turn.services.history.results(turn.user_id, text, skip)
    button = None
    if text and not skip:
        token = await turn.services.questions.save_words(turn.user_id, text)
        label = turn.t("inline.make", words=html.cut(text, TEXT_ON_BUTTON))
        button = InlineQueryResultsButton(label, start_parameter=f"{LINK_PREFIX}{token}")
    # A query that waited too long can no longer be answered, and its asker has typed on.
    await turn.chat.answer_inline(
        query.id,
        results(turn.t, found),
        cache_seconds=CACHE_SECONDS,
        next_offset="" if more is None else str(more),
        button=button,
    )


async def follow_link(turn: Turn, token: str) -> None:
    """Open a card with the text of that button.

    Raises:
        UserError: the text is somebody else's, or was typed too long ago.

    """
    text = await turn.services.questions.saved_words(turn.user_id, token)
    if text is None:
        raise UserError("error.link.forgotten")
    compose = turn.services.compose
    said = compose.parse(text)
    request = compose.video(said, None, turn.preferences)
    await open_card(turn, request, None, PROMPT, wanted=wanted_model(turn, said))


def results(t: Texts, deliveries: Sequence[Delivery]) -> list[InlineFile]:
    """Results as Telegram lists them: what it keeps already costs no upload."""
    return [_result(t, delivery) for delivery in deliveries if delivery.file_id is not None]


def _result(t: Texts, delivery: Delivery) -> InlineFile:
    task = delivery.task
    return InlineFile(
        id=f"{task.id}.{delivery.position}",
        kind=media_kind(delivery),
        file_id=delivery.file_id or "",
        title=html.cut(" ".join(show_prompt(task.request).split()), TITLE_LETTERS) or t("tasks.photo"),
        description=html.strip_tags(html.settings_line(t, task.request)),
        caption=html.quoted(show_prompt(task.request), html.CAPTION_LIMIT),
    )


EVENTS = (Event(UpdateKind.INLINE_QUERY, on_inline_query, AccessLevel.VIEW),)

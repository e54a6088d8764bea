"""The facts about a message that decide what it means: read from it and from the store, before any handler runs."""

from collections.abc import Mapping

from telegram.constants import ChatType

from bot.domain.requests.question import NEXT_MESSAGE, NO_CONTENT, Content, Question
from bot.domain.tasks.task import ResultMessage, Task
from bot.services.requests.card import Card
from bot.services.requests.interpret import (
    Author,
    Draft,
    Facts,
    Intent,
    Replied,
    Typed,
    interpret,
)
from handlers.chat.files import image_file_of, sound_file_of
from handlers.chat.inputs import has_links, has_words
from handlers.chat.menus import Section
from handlers.chat.pointers import (
    Medium,
    image_replied_to,
    is_film,
    is_reply_to,
    message_replied_to,
    pointed_at,
    result_replied_to,
)
from handlers.chat.routes import Found, Routes
from handlers.chat.turn import Turn

_OTHER_CONTENT = ("checklist", "gift", "unique_gift", "giveaway", "giveaway_winners")


async def interpret_message(turn: Turn, routes: Routes) -> tuple[Intent, Found]:
    """What a message means, or an edit of one, with what had to be looked up for it."""
    typed, is_edited = _typed(turn, routes), turn.update.edited_message is not None
    card, noted, replied, questions = None, None, Replied.NOTHING, dict[int, Question]()
    made = await _find_made(turn) if is_edited else None
    replied_id = message_replied_to(turn) or NEXT_MESSAGE
    # Talk in a group is looked up nowhere.
    is_open = not is_edited and typed is Typed.NONE and (turn.is_private or turn.is_reply)
    if is_open or turn.earlier:
        card = await turn.services.cards.get(turn.user_id, turn.chat_id)
    if is_open:
        noted = await result_replied_to(turn)
        replied = await _replied(turn, card, noted)
        shown = NEXT_MESSAGE if card is None else card.message_id or NEXT_MESSAGE
        questions = await turn.find_questions(NEXT_MESSAGE, shown, replied_id)
    facts = Facts(
        content=_content(turn),
        private=turn.is_private,
        author=_author(turn),
        typed=typed,
        names_command=turn.command is not None and turn.command.is_named,
        names_bot=turn.names_bot,
        says=bool(turn.text),
        has_words=has_words(turn),
        has_links=has_links(turn),
        edited=is_edited,
        has_made=made is not None,
        stale=turn.is_stale,
        forwarded=turn.is_forwarded,
        replied=replied,
        replies_to_source=card is not None and is_reply_to(turn, card.source_message_id),
        completes_draft=card is not None and _completes(turn, card),
        question=None if noted is None else questions.get(replied_id),
    )
    draft = None if card is None else await _draft(turn, card, questions)
    return interpret(facts, draft, questions.get(NEXT_MESSAGE)), Found(card, noted, made)


async def _find_made(turn: Turn) -> Task | None:
    """The person's newest task that was made of this message."""
    if turn.message_id is None:
        return None
    task = await turn.services.results.of_request(turn.chat_id, turn.message_id)
    return task if task is not None and task.user_id == turn.user_id else None


async def _draft(turn: Turn, card: Card, questions: Mapping[int, Question]) -> Draft:
    return Draft(
        card.takes_words,
        card.takes_images,
        turn.is_private and await turn.services.cards.is_current(turn.user_id, turn.chat_id),
        None if card.message_id is None else questions.get(card.message_id),
    )


def _completes(turn: Turn, card: Card) -> bool:
    """Whether a card began with other parts of the same album. What says more than these decides anew for all."""
    return card.source_message_id in {part.message_id for part in turn.earlier} and not turn.says_more


def _typed(turn: Turn, routes: Routes) -> Typed:
    if turn.command is None:
        return Typed.NONE
    command = routes.commands.get(turn.command.name) if turn.command.is_ours else None
    if command is None:
        return Typed.UNKNOWN
    return Typed.MAKING if command.section is Section.MAKING else Typed.OTHER


def _author(turn: Turn) -> Author:
    message = turn.message
    if message is None or message.chat.type == ChatType.CHANNEL:
        return Author.CHANNEL
    if turn.is_inline:
        return Author.INLINE
    return Author.PERSON if message.sender_chat is None else Author.CHAT


def _content(turn: Turn) -> Content:
    content = NO_CONTENT
    for part in turn.messages:
        content |= Content.TEXT if part.text else NO_CONTENT
        content |= Content.PHOTO if image_file_of(part) is not None else NO_CONTENT
        content |= Content.SOUND if sound_file_of(part) is not None else NO_CONTENT
        content |= Content.VIDEO if is_film(part) else NO_CONTENT
    message = turn.message
    is_other = message is not None and (
        message.effective_attachment is not None
        or any(getattr(message, kind) is not None for kind in _OTHER_CONTENT)
        # What the library does not know yet.
        or bool(message.api_kwargs)
    )
    return content or (Content.OTHER if is_other else NO_CONTENT)


async def _replied(turn: Turn, card: Card | None, noted: ResultMessage | None) -> Replied:
    if not turn.is_reply:
        return Replied.NOTHING
    if card is not None and is_reply_to(turn, card.message_id):
        return Replied.DRAFT
    if noted is not None and noted.task.request.operation.product.is_film:
        return Replied.RESULT
    if turn.is_private or turn.names_bot:
        found = [pointed.medium for pointed in await pointed_at(turn, Medium.FILM)]
        if any(medium is Medium.FILM for medium in found):
            return Replied.FILM
        if any(medium is not None and not medium & Medium.PHOTO for medium in found):
            return Replied.UNUSABLE
    return Replied.WORDS if image_replied_to(turn) is None else Replied.PHOTO

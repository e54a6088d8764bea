"""Replies to results and to questions about them, and prompts that were edited after they were sent.

In groups only what is meant for the bot counts: an answer to its question, or a reply that names it.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from bot.domain.library.template import PLACEHOLDER
from bot.domain.people.access import AccessLevel
from bot.domain.requests.request import Operation, Product, VideoRequest
from bot.domain.tasks.task import Delivery, DeliveryKind, MessagePurpose, NotedMessage
from bot.domain.units import Credits
from bot.errors import UserError
from bot.services.compose import Pictures
from bot.services.requests.attachments import split_links
from bot.services.requests.cards import EDITED, replace_prompt
from handlers.chat.files import fetch_file, sound_file_of
from handlers.chat.inputs import read_prompt
from handlers.chat.keyboards import Payload
from handlers.chat.pointers import Medium, delete_replied_to, result_replied_to, use
from handlers.chat.routes import Event, Kind
from handlers.chat.turn import Turn
from handlers.making.card_views import MakeIt
from handlers.making.submit import open_card, save_request
from handlers.results import result_views, results

Answer = Callable[[Turn, Delivery, str], Awaitable[None]]
"""Takes the text of a reply to a question about a result."""

ANSWERS: Mapping[MessagePurpose, Answer] = {
    MessagePurpose.EXTEND: results.extend,
    MessagePurpose.LIP_SYNC: results.speak,
    MessagePurpose.EFFECT: results.effect,
}

MAKES: Mapping[str, frozenset[Operation]] = {
    "video": frozenset(
        {
            Operation.TEXT_TO_VIDEO,
            Operation.IMAGE_TO_VIDEO,
            Operation.REFERENCES_TO_VIDEO,
            Operation.OMNI_VIDEO,
        }
    ),
    "image": frozenset({Operation.IMAGE, Operation.REFERENCES_TO_IMAGE, Operation.OMNI_IMAGE}),
    "extend": frozenset({Operation.EXTEND}),
    "edit": frozenset({Operation.OMNI_VIDEO}),
    "lipsync": frozenset({Operation.LIP_SYNC}),
    "effect": frozenset({Operation.EFFECT}),
    "avatar": frozenset({Operation.AVATAR}),
    "motion": frozenset({Operation.MOTION_CONTROL}),
    "expand": frozenset({Operation.EXPAND}),
    "sound": frozenset({Operation.TEXT_TO_AUDIO, Operation.VIDEO_TO_AUDIO}),
}
"""What a request may be that a command has made; those that are not here may have made several kinds."""


async def on_reply(turn: Turn) -> bool:
    """Act on a text in reply to a result, or to a question about one; False where it is neither."""
    noted, is_addressed = (
        await result_replied_to(turn) if turn.text else None,
        turn.is_private or turn.names_bot,
    )
    if noted is None:
        if is_addressed:
            # What a text can be about besides: a photo, or words.
            await use(turn, Medium.PHOTO)
        return False
    text = turn.arguments
    answer = ANSWERS.get(noted.purpose) if noted.purpose is not None else None
    if answer is not None:
        await answer(turn, await _result(turn, noted), text)
        await delete_replied_to(turn)
        return True
    if not is_addressed:
        return False
    if noted.task.request.operation.product is not Product.VIDEO:
        await use(turn, Medium.PHOTO)
        return False
    await _continue(turn, noted, text)
    return True


async def on_group_sound_reply(turn: Turn) -> None:
    """In groups a voice message is meant for the bot only where it answers the bot's question."""
    noted, sound = await result_replied_to(turn), sound_file_of(turn.message)
    if noted is None or noted.purpose is not MessagePurpose.LIP_SYNC or sound is None:
        return
    delivery = await _result(turn, noted)
    audio = await turn.services.attachments.keep_sound(await fetch_file(turn.chat, sound))
    await results.speak(turn, delivery, "", audio)
    await delete_replied_to(turn)


async def on_edited(turn: Turn) -> None:
    """Offer a new run where the message that held a prompt was edited; nothing runs by itself."""
    services = turn.services
    task = None
    if turn.message_id is not None:
        task = await services.results.of_request(turn.chat_id, turn.message_id)
    if task is None or task.user_id != turn.user_id:
        return
    if turn.command is not None and not _may_have_made(turn.command.name, task.request):
        raise UserError("error.edited.command")
    prompt = await read_prompt(turn, split_links(turn.arguments).words)
    if not prompt.prompt or services.compose.completed(task.request, prompt) == task.request:
        # Telegram also tells of an edit where no word changed, such as a preview that came or went.
        return
    await services.results.check_kept(task.request)
    request = replace_prompt(services.compose, task.request, prompt, turn.preferences)
    if request != task.request:
        await open_card(turn, request, turn.message_id, EDITED)


def _may_have_made(command: str, request: VideoRequest) -> bool:
    if command == "video" and request.source is not None:
        return False
    return command not in MAKES or request.operation in MAKES[command]


async def _continue(turn: Turn, noted: NotedMessage, text: str) -> None:
    """Extend the video as a text says where it can be, else offer with prices what can be made of it."""
    services, task = turn.services, noted.task
    services.tasks.check_owner(turn.user_id, task)
    files = await services.results.files(task.id)
    delivery = next((file for file in files if file.position == noted.position), None)
    if delivery is not None and Operation.EXTEND in services.results.possible(delivery):
        await results.extend(turn, delivery, text)
        return
    prompt = await read_prompt(turn, text)
    ways: list[tuple[str, Payload, Credits]] = []
    with suppress(UserError):
        source = await services.results.source(turn.user_id, task, noted.position)
        ways.append(await _offer(turn, "offer.edit", services.compose.edit(prompt, source)))
    if delivery is not None and delivery.kind is DeliveryKind.VIDEO:
        with suppress(UserError):
            onward = services.compose.video(prompt, Pictures(first=PLACEHOLDER), turn.preferences)
            token = await services.questions.save_words(turn.user_id, text)
            price = services.compose.price(onward)
            payload = result_views.ContinueFromFrame(task.id, noted.position, token, price)
            ways.append(("offer.onward", payload, price))
    with suppress(UserError):
        await services.results.check_kept(task.request)
        anew = replace_prompt(services.compose, task.request, prompt, turn.preferences)
        ways.append(await _offer(turn, "offer.new", anew))
    if not ways:
        raise UserError("error.result.nothing_of_it")
    await turn.answer(result_views.offer(turn.t, prompt.prompt, ways, turn.user_id))


async def _offer(turn: Turn, label: str, request: VideoRequest) -> tuple[str, Payload, Credits]:
    """A request as a button that makes it, with its price."""
    turn.services.compose.check(request)
    price = turn.services.compose.price(request)
    token = await save_request(turn, request, turn.message_id)
    return label, MakeIt(token, price), price


async def _result(turn: Turn, noted: NotedMessage) -> Delivery:
    """The result that a question is about; only its owner may answer."""
    turn.services.tasks.check_owner(turn.user_id, noted.task)
    return await turn.services.results.result(noted.task, noted.position)


EVENTS = (
    Event(Kind.RESULT_REPLY, on_reply),
    Event(Kind.GROUP_SOUND_REPLY, on_group_sound_reply),
    Event(Kind.EDITED, on_edited, AccessLevel.OPEN),
)

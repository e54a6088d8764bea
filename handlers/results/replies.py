"""Replies to results and to questions about them, and prompts that were edited after they were sent.

In groups only what is meant for the bot counts: an answer to its question, or a reply that names it.
"""

from contextlib import suppress

from bot.domain.people.access import AccessLevel
from bot.domain.requests.operations import Operation, Role, made_by
from bot.domain.requests.question import Content
from bot.domain.requests.request import PLACEHOLDER, GenerationRequest
from bot.domain.tasks.task import ResultMessage
from bot.domain.types import Credits
from bot.errors import UserError
from bot.services.compose import Inputs
from bot.services.requests.attachments import split_links
from bot.services.requests.card import EDITED
from bot.services.requests.cards import replace_prompt
from bot.services.requests.interpret import Meaning
from handlers.chat.files import fetch_file
from handlers.chat.inputs import read_prompt, sound_in
from handlers.chat.keyboards import Payload
from handlers.chat.pointers import Medium, delete_replied_to, use
from handlers.chat.routes import REPLY_TTL, Event, Found, QuestionKind
from handlers.chat.turn import Turn
from handlers.making.card_views import MakeIt
from handlers.making.submit import open_card, save_request, wanted_model
from handlers.results import result_views, results
from handlers.results.result_views import AskForExtension, AskForSpeech, ListEffects, OfResult

ANSWERED_BY = {
    AskForExtension: Operation.EXTEND,
    AskForSpeech: Operation.LIP_SYNC,
    ListEffects: Operation.EFFECT,
}
"""What an answer to a question about a result makes."""


async def continue_result(turn: Turn, found: Found) -> None:
    """Extend the video as a text says where it can be, else offer with prices what can be made of it."""
    if found.result is not None:
        await _continue(turn, found.result, turn.arguments)


async def refuse_reply(turn: Turn) -> None:
    """Say what a text can be about."""
    await use(turn, Medium.PHOTO)


async def on_answer(turn: Turn, about: OfResult) -> None:
    """Make what was answered to a question about a result; only its owner may answer."""
    services, delivery = turn.services, await results.get_owned(turn, about)
    operation, file, sound, text = ANSWERED_BY[type(about)], None, None, turn.arguments
    if operation.row.limits(Role.SPEECH)[1]:
        file = sound_in(turn)
    if file is not None:
        sound, text = await services.attachments.save_sound(await fetch_file(turn.chat, file)), ""
    await results.make_of_result(turn, operation, delivery, text, sound)
    await delete_replied_to(turn)


async def on_edited(turn: Turn, found: Found) -> None:
    """Offer a new run where the message that held a prompt was edited; nothing runs by itself."""
    services, task = turn.services, found.made
    if task is None:
        return
    if turn.command is not None and not _may_have_made(turn.command.name, task.request):
        raise UserError("error.edited.command")
    prompt = await read_prompt(turn, split_links(turn.arguments).words)
    if not prompt.prompt or services.compose.complete(task.request, prompt) == task.request:
        # Telegram also tells of an edit where no word changed, such as a preview that came or went.
        return
    await services.results.check_kept(task.request)
    request = replace_prompt(services.compose, task.request, prompt, turn.preferences)
    if request != task.request:
        await open_card(turn, request, turn.message_id, EDITED, wanted=wanted_model(turn, prompt))


def _may_have_made(command: str, request: GenerationRequest) -> bool:
    if command == "video" and request.source is not None:
        return False
    made = [operation for operation, _ in made_by(command)]
    return not made or request.operation in made


async def _continue(turn: Turn, noted: ResultMessage, text: str) -> None:
    services, task = turn.services, noted.task
    await services.tasks.check_owner(turn.user_id, task)
    files = await services.results.files(task.id)
    delivery = next((file for file in files if file.position == noted.position), None)
    if delivery is not None and services.results.is_extendable(delivery):
        await results.make_of_result(turn, Operation.EXTEND, delivery, text)
        return
    prompt = await read_prompt(turn, text)
    ways: list[tuple[str, Payload, Credits]] = []
    with suppress(UserError):
        source = await services.results.source(turn.user_id, task, noted.position)
        ways.append(
            await _offer(
                turn,
                "offer.edit",
                services.compose.compose(Operation.OMNI_VIDEO, Inputs(source=source), prompt),
            )
        )
    if delivery is not None and delivery.is_film:
        with suppress(UserError):
            onward = services.compose.onward(prompt, PLACEHOLDER, None, task.request, turn.preferences)
            services.compose.check(onward)
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


async def _offer(turn: Turn, label: str, request: GenerationRequest) -> tuple[str, Payload, Credits]:
    """A request as a button that makes it, with its price."""
    turn.services.compose.check(request)
    price = turn.services.compose.price(request)
    token = await save_request(turn, request, turn.message_id)
    return label, MakeIt(token, price), price


EVENTS = (
    Event(Meaning.CONTINUE_RESULT, continue_result),
    Event(Meaning.REFUSE_REPLY, refuse_reply),
    Event(Meaning.CHANGE_REQUEST, on_edited, AccessLevel.OPEN),
)
QUESTIONS = (
    QuestionKind(AskForExtension, Content.TEXT, on_answer, REPLY_TTL),
    QuestionKind(AskForSpeech, Content.TEXT | Content.SOUND, on_answer, REPLY_TTL),
    QuestionKind(ListEffects, Content.TEXT, on_answer, REPLY_TTL),
)

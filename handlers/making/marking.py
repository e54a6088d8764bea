"""`/edit`: a prompt changes a whole video, or something that is marked in it is added, swapped or removed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from bot.domain.requests.marking import Grid, Marking
from bot.domain.requests.operations import Operation
from bot.domain.requests.request import MOST_MARKS, GenerationRequest
from bot.domain.types import UserId
from bot.errors import UserError
from bot.i18n import Texts
from bot.services.ports import ChatError
from handlers.chat.html import View
from handlers.chat.inputs import Inputs, compose_request, images_of, parse_prompt, read_inputs
from handlers.chat.keyboards import Button, Payload, in_rows
from handlers.chat.pointers import Medium
from handlers.chat.routes import Press
from handlers.chat.turn import Turn
from handlers.making.submit import submit, submit_or_ask
from handlers.sending.chat import ReplyTarget
from handlers.sending.media import Media, MediaKind


@dataclass(frozen=True)
class MarkCell(Payload, action="mark.cell"):
    """Mark a cell of the frame that a step shows, or no longer."""

    token: str
    cell: int


@dataclass(frozen=True)
class ShowMarking(Payload, action="mark.show"):
    """Show a step of a marking: an earlier one, another frame, or nothing marked."""

    token: str


@dataclass(frozen=True)
class MakeMarked(Payload, action="mark.make"):
    """Make what was marked, at the price that is shown; `adds` what the photo shows, whatever is marked."""

    token: str
    price: int
    adds: bool = False


async def edit(turn: Turn) -> None:
    """`/edit`: by the prompt alone, or, with a photo or where something is to be removed, by what is marked.

    Raises:
        UserError: nothing can be made of it.

    """
    compose = turn.services.compose
    marks = Operation.MULTI_ELEMENTS in compose.operations()
    takes = Medium.VIDEO | Medium.FILM
    # An address is that of a video, where no photo says that there are photos.
    read = await read_inputs(
        turn, takes | Medium.PHOTO if marks and images_of(turn, pointing=False) else takes
    )
    said = parse_prompt(turn, read.text, read.names).options
    if not marks or not (read.images or "edit_mode" in said or not compose.edits_by_prompt()):
        await submit_or_ask(turn, await compose_request(turn, Operation.OMNI_VIDEO, read))
        return
    request = await compose_request(turn, Operation.MULTI_ELEMENTS, read)
    if request.edit is not None and request.edit.mode == "addition":
        await submit_or_ask(turn, request)
        return
    await _begin(turn, read, request)


async def _begin(turn: Turn, read: Inputs, request: GenerationRequest) -> None:
    services = turn.services
    own = None if request.source is None else request.source.file
    if own is not None:
        video = services.videos.path(own)
        marking = await services.markings.begin(request, video, turn.user_id, turn.message_id)
    else:
        task = read.source or await services.results.newest_video(turn.user_id, turn.chat_id)
        delivery = await services.results.result(task, read.position)
        async with services.results.open(delivery) as video:
            marking = await services.markings.begin(request, video, turn.user_id, turn.message_id)
    await turn.record_user()
    await send_step(turn, await services.markings.draw(marking), await _view(turn, marking))


async def on_mark(turn: Turn, button: MarkCell) -> None:
    """Mark a cell.

    Raises:
        UserError: it cannot be marked.

    """
    marking = await turn.services.markings.get(Marking, button.token, turn.user_id)
    if not 1 <= button.cell <= marking.grid.cells:
        raise UserError("error.button.stale")
    marked = marking.toggle(button.cell)
    if len(marked.marks) > len(marking.marks) and marking.is_full:
        raise UserError("error.edit.full", limit=MOST_MARKS)
    await _show(turn, marked.model_copy(update={"before": button.token}))


async def on_show(turn: Turn, button: ShowMarking) -> None:
    """Show a step."""
    await _show(turn, await turn.services.markings.get(Marking, button.token, turn.user_id))


async def on_make(turn: Turn, button: MakeMarked) -> None:
    """Make what was marked; where it costs something else by now, say so first.

    Raises:
        UserError: it was not accepted.

    """
    services = turn.services
    marking = await services.markings.get(Marking, button.token, turn.user_id)
    request = marking.as_addition() if button.adds else marking.request
    services.compose.check(request)
    await services.results.check_kept(request)
    if services.compose.price(request) != button.price:
        await turn.notify(turn.t("confirm.card_changed"), alert=True)
        await _show(turn, marking)
        return
    await submit(turn, request, replace(turn.reply_target, message_id=marking.message_id))
    if turn.pressed is not None:
        await turn.remove(turn.pressed.message_id)


async def _show(turn: Turn, marking: Marking) -> None:
    """Put a step in the place of the one under whose button was pressed."""
    await show_step(turn, await turn.services.markings.draw(marking), await _view(turn, marking))


async def send_step(turn: Turn, image: bytes, view: View, target: ReplyTarget | None = None) -> None:
    """Send a picture to mark something in, in answer to the update or to another place."""
    await turn.chat.send_media(target or turn.reply_target, _media(image), view)


async def show_step(turn: Turn, image: bytes, view: View) -> None:
    """Put a picture with what is marked by now in the place of the one under whose button was pressed."""
    if turn.pressed is None:
        return
    try:
        await turn.chat.fill(turn.chat_id, turn.pressed.message_id, _media(image), view)
    except ChatError:
        # It is gone, or too old to be changed.
        await turn.chat.send_media(turn.reply_target, _media(image), view)


def _media(image: bytes) -> Media:
    return Media(kind=MediaKind.PHOTO, source=image, filename="frame.jpg")


def cell_rows(grid: Grid, payload: Callable[[int], Payload], owner: UserId) -> list[list[Button]]:
    """A button for each cell of a grid, in its rows."""
    cells = [Button(str(cell), payload(cell), owner=owner) for cell in range(1, grid.cells + 1)]
    return in_rows(cells, grid.columns)


async def _view(turn: Turn, marking: Marking) -> View:
    """What is to be tapped, with the steps that its buttons lead to."""
    services, owner = turn.services, turn.user_id
    token = await services.markings.save(marking, owner)
    other = await services.markings.save(marking.turn().model_copy(update={"before": token}), owner)
    price = services.compose.price(marking.request)
    cleared = ""
    if marking.marks:
        bare = marking.with_marks(()).model_copy(update={"before": token})
        cleared = await services.markings.save(bare, owner)
    return view_of(turn.t, marking, Steps(token, other, cleared), price, owner)


@dataclass(frozen=True, slots=True)
class Steps:
    """The tokens of a step, of the one with the next frame, and of the one with nothing marked (empty: none is)."""

    here: str
    other: str
    cleared: str


def view_of(t: Texts, marking: Marking, steps: Steps, price: int, owner: UserId) -> View:
    """The caption and the buttons of a step."""
    marked = len(marking.marks)
    rows = cell_rows(marking.grid, partial(MarkCell, steps.here), owner)
    turns = [Button(t("button.mark_frame"), ShowMarking(steps.other), owner=owner)]
    if marking.before:
        turns.append(Button(t("button.mark_undo"), ShowMarking(marking.before), owner=owner))
    if steps.cleared:
        turns.append(Button(t("button.mark_clear"), ShowMarking(steps.cleared), owner=owner))
    rows.append(turns)
    cost = t.number(price)
    if marked:
        rows.append([Button(t("button.mark_make", price=cost), MakeMarked(steps.here, price), owner=owner)])
    elif marking.request.references:
        adding = MakeMarked(steps.here, price, adds=True)
        rows.append([Button(t("button.mark_add", price=cost), adding, owner=owner)])
    mode = "swap" if marking.request.edit is None else marking.request.edit.mode
    lines = [t(f"marking.{mode}"), t("marking.how_to")]
    if marked:
        lines = [t.plural("marking.marked", marked), t("marking.go_on")]
    return View("\n".join(lines), rows)


BUTTONS = (Press(MarkCell, on_mark), Press(ShowMarking, on_show), Press(MakeMarked, on_make))

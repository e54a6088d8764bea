"""The motion brush: what moves in a photo, and which way, is tapped on a grid; its card comes when all is said.

It begins with `--brush` in the caption of a photo or in a reply to one, or with a button of the card of a photo.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum, auto
from functools import partial

from bot.domain.requests.marking import LONGEST_PATH, Brushing, Direction, Stage
from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.requests.request import MOST_STROKES, ImageRef
from bot.domain.types import UserId
from bot.errors import UserError
from bot.i18n import Texts
from bot.services.requests.card import READY, Card, card_name, choose_question
from handlers.chat.html import View
from handlers.chat.keyboards import CONFIRM, Button, Payload, in_rows
from handlers.chat.routes import Press
from handlers.chat.turn import Turn
from handlers.making.card_views import OpenBrush
from handlers.making.marking import cell_rows, send_step, show_step
from handlers.making.submit import show_card, wanted_model


class NextStep(StrEnum):
    """What can be said next."""

    PATH = auto()
    AREA = auto()
    STILL = auto()
    CLEARED = auto()


@dataclass(frozen=True)
class BrushCell(Payload, action="brush.cell"):
    """Tap a cell of the photo of a step."""

    token: str
    cell: int


@dataclass(frozen=True)
class BrushWay(Payload, action="brush.way"):
    """Let the path of a step go on by a cell."""

    token: str
    direction: Direction


@dataclass(frozen=True)
class TurnBrush(Payload, action="brush.turn"):
    """From a step, say something else next."""

    token: str
    to: NextStep


@dataclass(frozen=True)
class ShowBrush(Payload, action="brush.show"):
    """Show an earlier step."""

    token: str


@dataclass(frozen=True)
class FinishBrush(Payload, action="brush.done"):
    """Put what is marked on the card."""

    token: str


async def begin_brush(turn: Turn, prompt: ParsedPrompt, images: tuple[ImageRef, ...]) -> None:
    """Show a photo that came with `--brush`, to mark in it what moves.

    Raises:
        UserError: it is not one photo, or the model takes no brush.

    """
    if len(images) != 1:
        raise UserError("error.brush.photo")
    request = turn.services.compose.brushable(prompt, images[0], turn.preferences)
    brushing = Brushing(request=request, model=wanted_model(turn, prompt), message_id=turn.message_id)
    await turn.record_user()
    await send_step(turn, await turn.services.brushings.draw(brushing), await _view(turn, brushing))


async def on_open(turn: Turn, button: OpenBrush) -> None:
    """Show the photo of a card with what is marked in it by now.

    Raises:
        UserError: the card is gone, or takes no brush any more.

    """
    services = turn.services
    card = await services.cards.get_named(turn.user_id, turn.chat_id, button.card)
    if not services.compose.takes_brush(card.request):
        raise UserError("error.card.choice")
    brushing = Brushing(
        request=services.compose.brush(card.request, None),
        card=card.name,
        model=card.request.model if card.swap is None else card.swap.model,
        message_id=card.source_message_id,
    )
    if card.request.brush is not None and card.brushing:
        marked = await services.brushings.get(Brushing, card.brushing, turn.user_id)
        if marked.photo == brushing.photo:
            kept = {"areas": marked.areas, "still": marked.still, "stage": marked.stage}
            brushing = brushing.model_copy(update=kept)
    await send_step(
        turn, await services.brushings.draw(brushing), await _view(turn, brushing), turn.reply_target.below
    )


async def on_cell(turn: Turn, button: BrushCell) -> None:
    """Tap a cell.

    Raises:
        UserError: there is none of that number, or the path goes on no further.

    """
    brushing = await _step(turn, button.token)
    if not 1 <= button.cell <= brushing.grid.cells:
        raise UserError("error.button.stale")
    _check_path(brushing)
    await _go_on(turn, brushing.tap(button.cell), button.token)


async def on_way(turn: Turn, button: BrushWay) -> None:
    """Let the path go on by a cell.

    Raises:
        UserError: it goes on no further.

    """
    brushing = await _step(turn, button.token)
    if not brushing.current.cells:
        raise UserError("error.button.stale")
    _check_path(brushing)
    await _go_on(turn, brushing.go(button.direction), button.token)


async def on_turn(turn: Turn, button: TurnBrush) -> None:
    """Say something else next."""
    brushing = await _step(turn, button.token)
    if button.to is NextStep.CLEARED:
        await _go_on(turn, brushing.cleared(), button.token)
    else:
        await _go_on(turn, brushing.at(Stage(button.to)), button.token)


async def on_show(turn: Turn, button: ShowBrush) -> None:
    """Show an earlier step."""
    await _show(turn, await _step(turn, button.token))


async def on_finish(turn: Turn, button: FinishBrush) -> None:
    """Put what is marked on the card that it belongs to, or on a new one; the photo with the grid goes.

    Raises:
        UserError: an area has no path, or the model that the card has by now takes no brush.

    """
    services = turn.services
    brushing = await _step(turn, button.token)
    brush = await services.brushings.finish(brushing, turn.user_id)
    card = await services.cards.get(turn.user_id, turn.chat_id)
    known = card if card is not None and card.name == brushing.card else None
    if known is None or known.request.first_frame != brushing.photo:
        request = services.compose.brush(brushing.request, brush)
        card = Card(card_name(turn.update_id), request, source_message_id=brushing.message_id)
        card = services.cards.note_wanted(card, brushing.model)
    else:
        card = replace(known, request=services.compose.brush(known.request, brush))
    question = READY if card.request.prompt else choose_question(card.request)
    await show_card(turn, replace(card, question=question, brushing=button.token), turn.reply_target.below)
    if turn.pressed is not None:
        await turn.remove(turn.pressed.message_id)


async def _step(turn: Turn, token: str) -> Brushing:
    return await turn.services.brushings.get(Brushing, token, turn.user_id)


def _check_path(brushing: Brushing) -> None:
    if brushing.stage is Stage.PATH and brushing.is_path_full:
        raise UserError("error.brush.path_full", limit=LONGEST_PATH)


async def _go_on(turn: Turn, brushing: Brushing, before: str) -> None:
    await _show(turn, brushing.model_copy(update={"before": before}))


async def _show(turn: Turn, brushing: Brushing) -> None:
    await show_step(turn, await turn.services.brushings.draw(brushing), await _view(turn, brushing))


async def _view(turn: Turn, brushing: Brushing) -> View:
    token = await turn.services.brushings.save(brushing, turn.user_id)
    return view_of(turn.t, brushing, token, turn.user_id)


ASKED: Mapping[Stage, str] = {
    Stage.AREA: "brush.area",
    Stage.PATH: "brush.path",
    Stage.STILL: "brush.still",
}


def view_of(t: Texts, brushing: Brushing, token: str, owner: UserId) -> View:
    """What is to be tapped now, and the buttons."""

    def turn_to(key: str, to: NextStep) -> Button:
        return Button(t(key), TurnBrush(token, to), owner=owner)

    stage, area = brushing.stage, brushing.current
    rows = []
    if stage is Stage.PATH:
        ways = [
            Button(t(f"button.brush_{direction}"), BrushWay(token, direction), owner=owner)
            for direction in Direction
        ]
        rows += in_rows(ways, 2)
    rows += cell_rows(brushing.grid, partial(BrushCell, token), owner)
    says_area = stage is Stage.AREA and bool(area.cells)
    next_steps = []
    if says_area:
        next_steps.append(turn_to("button.brush_path", NextStep.PATH))
    if stage is not Stage.AREA and brushing.is_complete and brushing.takes_more:
        next_steps.append(turn_to("button.brush_area", NextStep.AREA))
    if stage is not Stage.STILL and brushing.is_complete and not says_area:
        next_steps.append(turn_to("button.brush_still", NextStep.STILL))
    back = []
    if brushing.before:
        back.append(Button(t("button.mark_undo"), ShowBrush(brushing.before), owner=owner))
    if not brushing.is_empty:
        back.append(turn_to("button.mark_clear", NextStep.CLEARED))
    rows += [row for row in (next_steps, back) if row]
    if brushing.is_complete:
        key = "button.brush_none" if brushing.is_empty else "button.brush_done"
        rows.append([Button(t(key), FinishBrush(token), owner=owner, style=CONFIRM)])
    lines = [t(ASKED[stage])]
    if stage is Stage.AREA:
        lines.append(t("brush.number", number=len(brushing.areas), limit=MOST_STROKES))
    elif stage is Stage.PATH:
        lines.append(t("brush.how_to"))
    return View("\n".join(lines), rows)


BUTTONS = (
    Press(OpenBrush, on_open),
    Press(BrushCell, on_cell),
    Press(BrushWay, on_way),
    Press(TurnBrush, on_turn),
    Press(ShowBrush, on_show),
    Press(FinishBrush, on_finish),
)

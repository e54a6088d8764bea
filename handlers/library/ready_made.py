"""The elements and voices of Kling's own: pages of them, and what each looks or sounds like."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

from bot.domain.library.asset import Preset
from bot.domain.people.access import AccessLevel
from bot.domain.requests.operations import Operation
from bot.domain.requests.references import Kind
from bot.domain.types import UserId, short_hash
from bot.errors import UserError
from bot.i18n import Texts
from bot.services.compose.build import refers
from bot.services.library.ready_made import PREVIEWED_AS
from bot.services.requests.card import PROMPT, Card, card_name
from handlers.chat.html import View, cut, snippet
from handlers.chat.keyboards import Button, Payload, in_rows
from handlers.chat.routes import Press
from handlers.chat.turn import Turn
from handlers.making.submit import show_card
from handlers.sending.media import SHOWN_AS, Media

PAGE = 8
NAME_SHOWN = 24
NAME_TYPED = 64
"""Letters of a name on a button, and of one that people copy; Kling's own are shorter."""

DESCRIPTION_SHOWN = 80


@dataclass(frozen=True)
class ShowPresets(Payload, action="presets"):
    """Show a page of them; pages count from 0."""

    kind: Operation
    page: int


@dataclass(frozen=True)
class PreviewPreset(Payload, action="preset"):
    """Send what one looks or sounds like; `key` stands for its id."""

    kind: Operation
    key: str


@dataclass(frozen=True)
class UsePreset(Payload, action="preset_use"):
    """Use one in the video that is on the card, or in a new one."""

    kind: Operation
    key: str


async def on_show(turn: Turn, button: ShowPresets) -> None:
    """Show a page of them in the place of the list, or of another page.

    Raises:
        UserError: there are none.

    """
    presets = await turn.services.ready_made.list(button.kind)
    if not presets:
        raise UserError("error.asset.no_presets")
    await turn.edit(page_of(turn.t, button.kind, presets, button.page, turn.user_id))


async def on_preview(turn: Turn, button: PreviewPreset) -> None:
    """Send what one looks or sounds like, where that can be had, and how to use it: by a tap or by its name.

    Raises:
        UserError: it is no longer there.

    """
    preset = await _find(turn, button.kind, button.key)
    use = Button(turn.t("preset.button.use"), UsePreset(button.kind, button.key), owner=turn.user_id)
    lines = [f"<b>{escape(preset.name)}</b>", turn.t(f"preset.{button.kind}.use", name=escape(preset.called))]
    view = View("\n".join(lines), [[use]])
    content = await turn.services.ready_made.preview(preset)
    if content is None:
        await turn.answer(view)
        return
    product = PREVIEWED_AS[button.kind]
    media = Media(kind=SHOWN_AS[product], source=content, filename=f"preview{product.row.suffix}")
    await turn.chat.send_media(turn.reply_target, media, view)


async def on_use(turn: Turn, button: UsePreset) -> None:
    """Add one to the card that is open, if that takes such things, else to a new one that waits for its words.

    Raises:
        UserError: it is no longer there, or no model on offer takes it.

    """
    preset = await _find(turn, button.kind, button.key)
    services, target = turn.services, turn.reply_target.below
    kind = Kind.ELEMENT if button.kind is Operation.ELEMENT else Kind.VOICE
    named = (preset.remote_id, preset.called)
    card = await services.cards.get(turn.user_id, turn.chat_id)
    if card is None or not refers(card.request.operation):
        empty = services.cards.blank(turn.preferences)
        card = Card(card_name(turn.update_id), empty, PROMPT)
    if preset.remote_id not in card.request.named_assets:
        card = services.cards.toggle_asset(card, kind, named, turn.preferences)
    await show_card(turn, card, target)


async def _find(turn: Turn, kind: Operation, key: str) -> Preset:
    presets = await turn.services.ready_made.list(kind)
    preset = next((preset for preset in presets if short_hash(preset.remote_id) == key), None)
    if preset is None:
        raise UserError("error.asset.gone")
    return preset


def with_presets(turn: Turn, kind: Operation, view: View) -> View:
    """A list with a button for what is Kling's own, where some provider may have any."""
    if not turn.services.ready_made.may_have(kind):
        return view
    button = Button(turn.t(f"preset.{kind}.button"), ShowPresets(kind, 0), owner=turn.user_id)
    return replace(view, buttons=[*view.buttons, [button]])


def page_of(t: Texts, kind: Operation, presets: Sequence[Preset], page: int, owner: UserId) -> View:
    """A page of them, each with a button that shows it, and how to use one."""
    last = (len(presets) - 1) // PAGE
    page = min(max(0, page), last)
    shown = presets[page * PAGE : (page + 1) * PAGE]
    lines = [t(f"preset.{kind}.title", count=t.number(len(presets)))]
    lines += [_line(preset) for preset in shown]
    lines.append(t(f"preset.{kind}.use", name=snippet(shown[0].called, NAME_TYPED)))
    previews = [
        Button(
            cut(" ".join(preset.name.split()), NAME_SHOWN),
            PreviewPreset(kind, short_hash(preset.remote_id)),
            owner=owner,
        )
        for preset in shown
    ]
    turning = [
        Button(label, ShowPresets(kind, to), owner=owner)
        for label, to in ((t("button.previous_page"), page - 1), (t("button.next_page"), page + 1))
        if 0 <= to <= last
    ]
    return View("\n".join(lines), [*in_rows(previews, 2), *([turning] if turning else [])])


def _line(preset: Preset) -> str:
    name = f"<code>{snippet(preset.called, NAME_TYPED)}</code>"
    return f"{name} · {snippet(preset.description, DESCRIPTION_SHOWN)}" if preset.description else name


BUTTONS = (
    Press(ShowPresets, on_show, AccessLevel.VIEW),
    Press(PreviewPreset, on_preview, AccessLevel.VIEW),
    Press(UsePreset, on_use),
)

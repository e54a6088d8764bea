"""The composer card as text and buttons. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum, auto
from html import escape

from bot.domain.library.asset import Asset
from bot.domain.requests.camera import CAMERAS
from bot.domain.requests.choices import NONE, Choice
from bot.domain.requests.naming import list_nameable, list_unnamed, show_prompt
from bot.domain.requests.operations import Operation, Role
from bot.domain.requests.options import Option
from bot.domain.requests.references import Kind
from bot.domain.requests.request import NAME_LIMIT, GenerationRequest
from bot.domain.types import Credits, UserId, short_hash
from bot.i18n import Texts
from bot.services.requests.card import STALE, Card
from bot.services.requests.swaps import Swap
from handlers.chat.html import (
    View,
    credits,  # noqa: A004  the word of the domain
    cut,
    mark_chosen,
    name_continued,
    quoted,
    say,
    settings_line,
    snippet,
    swapped_line,
)
from handlers.chat.keyboards import CHOICES_PER_ROW, CONFIRM, Button, Payload, in_rows

PROMPT_SHOWN = 600
COMPARED_PROMPT_SHOWN = 1_500
NEGATIVE_SHOWN = 200
PER_ROW = {Option.MODEL: 2, Option.CAMERA: 2}


class Outfit(StrEnum):
    """What `/tryon` suggests where a photo came without a prompt."""

    JEANS = auto()
    SUIT = auto()
    GOWN = auto()
    SUNGLASSES = auto()
    HAT = auto()
    OFFICE = auto()


@dataclass(frozen=True)
class _OfCard(Payload):
    """A button of the card of this name."""

    card: str


@dataclass(frozen=True)
class Generate(_OfCard, action="generate"):
    """Submit the card's request, at the price that is shown."""

    price: int | None = None


class Discard(_OfCard, action="discard"):
    """Discard the card."""


class ImprovePrompt(_OfCard, action="improve"):
    """Suggest a better prompt."""


class UsePrompt(_OfCard, action="improve_use"):
    """Use the suggested prompt."""


@dataclass(frozen=True)
class OpenCard(Payload, action="card"):
    """Show the choices of an option, or the whole card again."""

    card: str
    option: Option | None = None


@dataclass(frozen=True)
class Choose(Payload, action="pick"):
    """Set an option to one of its choices."""

    card: str
    option: Option
    key: str


class GoBack(_OfCard, action="go_back"):
    """Use the model again that another stands in for."""


class OpenBrush(_OfCard, action="brush.open"):
    """Mark what moves in the photo of the card."""


class OpenAssets(_OfCard, action="cast"):
    """Show the person's own elements and voices, for this request."""


@dataclass(frozen=True)
class ToggleAsset(Payload, action="cast_set"):
    """Add an element or a voice to the request, or take it away; `key` is the short form of its id."""

    card: str
    key: str


class OpenNames(_OfCard, action="names"):
    """Show what the prompt can name."""


@dataclass(frozen=True)
class NameInPrompt(Payload, action="name"):
    """Name an input of the request at the end of its prompt, or no longer."""

    card: str
    kind: Kind
    number: int


@dataclass(frozen=True)
class UseImages(Payload, action="use"):
    """Use the photos in question in one of the ways that `Cards.uses` lists."""

    card: str
    use: str


@dataclass(frozen=True)
class Wear(Payload, action="wear"):
    """Take a suggested outfit."""

    card: str
    outfit: Outfit


@dataclass(frozen=True)
class MakeIt(Payload, action="make"):
    """Submit a request that was saved under a token, at the price that is shown."""

    token: str
    price: int


@dataclass(frozen=True)
class ChangeDraft(Payload, action="draft_change"):
    """Use a saved text for the card of this name."""

    card: str
    token: str


@dataclass(frozen=True)
class StartDraft(Payload, action="draft_new"):
    """Use a saved text for another video."""

    token: str


@dataclass(frozen=True)
class BringBack(Payload, action="draft_back"):
    """Open a card again that was put aside."""

    token: str


def which_draft(t: Texts, card: Card, text: str, token: str, owner: UserId) -> View:
    """What a text is for, where an older card is open."""
    rows = [
        [Button(t("draft.change_open"), ChangeDraft(card.name, token), owner=owner)],
        [Button(t("draft.start_new"), StartDraft(token), owner=owner)],
    ]
    return View(f"{t('draft.which')}\n{quoted(text, PROMPT_SHOWN)}", rows)


def put_aside(t: Texts, photos: int, token: str, owner: UserId) -> View:
    """A card with photos gave way to another, or was discarded: say so, with the way back."""
    back = Button(t("draft.bring_back"), BringBack(token), owner=owner)
    return View(t.plural("draft.aside", photos), [[back]])


def came_along(t: Texts, name: str, token: str, owner: UserId) -> View:
    """A card went with its group to a new id; the button shows it again."""
    show = Button(t("draft.bring_back"), BringBack(token), owner=owner)
    return View(t("draft.came_along", name=snippet(name, 40)), [[show]])


class Decline(Payload, action="decline"):
    """Spend nothing."""


def confirmation(
    t: Texts,
    question: str,
    request: GenerationRequest,
    price: Credits,
    left: int,
    token: str,
    owner: UserId,
    swap: Swap | None = None,
) -> View:
    """What is asked before much is spent, or another price than the one shown; `left` is the balance after it.

    `swap` says whose place its model takes.
    """
    lines = [
        t(question, credits=credits(t, price), left=credits(t, Credits(left))),
        quoted(show_prompt(request), PROMPT_SHOWN),
        settings_line(t, request),
        "" if swap is None else swapped_line(t, swap.model, swap.why, request.model),
    ]
    make = Button(t("confirm.make", price=t.number(price)), MakeIt(token, price), owner=owner, style=CONFIRM)
    return View(_joined(lines), [[make, Button(t("confirm.cancel"), Decline(), owner=owner)]])


def summary(
    t: Texts,
    shown: Card,
    options: Sequence[Option],
    price: Credits,
    available: Credits,
    owner: UserId,
    *,
    can_improve: bool = False,
    has_assets: bool = False,
    can_brush: bool = False,
    is_private: bool = True,
    availability: str = "",
    camera_words: str = "",
) -> View:
    """A request as it stands: what it is, its price, the person's balance, and every option.

    `can_improve`: an assistant can suggest a better prompt. `has_assets`: there are elements or voices to add. `can_brush`: what moves in its photo can be marked. In groups only replies are read, which the card says.
    `availability` says what keeps its model from being used now, `camera_words` what is added to the prompt for its
    camera move.
    """
    request, discard = shown.request, _discard(t, shown, owner)
    lines = [*_heading(t, shown, _images(t, request)), t("card.balance", credits=credits(t, available))]
    if camera_words:
        lines.append(t("card.camera_in_words", words=escape(camera_words)))
    if availability:
        lines.append(f"⚠ {availability}")
    if not is_private:
        lines.append(t("card.hint_group"))
    elif request.prompt and shown.takes_words:
        lines.append(t("card.hint"))
    generate = Button(
        t("button.generate", credits=credits(t, price)),
        Generate(shown.name, price),
        owner=owner,
        style=CONFIRM,
    )
    opening = [
        Button(option_label(t, option, request), OpenCard(shown.name, option), owner=owner)
        for option in options
    ]
    if can_brush:
        label = mark_chosen(t, t("card.brush"), is_chosen=request.brush is not None)
        opening.append(Button(label, OpenBrush(shown.name), owner=owner))
    if has_assets:
        opening.append(Button(t("card.assets"), OpenAssets(shown.name), owner=owner))
    if shown.takes_words and list_nameable(request):
        opening.append(Button(t("card.names"), OpenNames(shown.name), owner=owner))
    if shown.swap is not None and shown.swap.back is not None:
        label = t("button.go_back", model=say(t, Option.MODEL.row.name(shown.swap.model)))
        opening.append(Button(label, GoBack(shown.name), owner=owner))
    last = [discard]
    if can_improve and request.prompt:
        last = [Button(t("improve.button.improve"), ImprovePrompt(shown.name), owner=owner), discard]
    return View(_joined(lines), [[generate], *in_rows(opening, 2), last])


def image_uses(t: Texts, shown: Card, uses: Sequence[str], owner: UserId) -> View:
    """What the photos of a card may be for."""
    rows = [[Button(t(f"button.use_{use}"), UseImages(shown.name, use), owner=owner)] for use in uses]
    # While that is open, nothing else is said of them.
    return View(_joined(_heading(t, shown, "")), [*rows, [_discard(t, shown, owner)]])


def choices(
    t: Texts,
    shown: Card,
    option: Option,
    offered: Sequence[Choice],
    prices: Mapping[str, Credits],
    owner: UserId,
) -> View:
    """What one option can be set to, with prices where they differ. Some options wait for a message as well."""
    has_prices = len(set(prices.values())) > 1
    buttons = []
    for choice in offered:
        if has_prices:
            label = f"{option_value(t, option, choice.request)} · {t.number(prices[choice.key])}"
        else:
            label = _choice(t, option, choice)
        payload = Choose(shown.name, option, choice.key)
        buttons.append(Button(mark_chosen(t, label, is_chosen=choice.chosen), payload, owner=owner))
    lines = [f"<b>{t(f'knob.{option}')}</b>"]
    if option.row.sample:
        lines.append(t(f"card.ask.{option}"))
        if option is Option.NEGATIVE:
            lines.append(_negative(t, shown.request))
    elif has_prices:
        lines.append(t("card.prices"))
    if option is Option.CAMERA:
        lines += [
            f"{t(f'camera.{choice.key}')} – {t(f'camera.means.{choice.key}')}"
            for choice in offered
            if choice.key in CAMERAS
        ]
    back = Button(t("button.back"), OpenCard(shown.name), owner=owner)
    return View(_joined(lines), [*in_rows(buttons, PER_ROW.get(option, CHOICES_PER_ROW)), [back]])


def outfits(t: Texts, shown: Card, owner: UserId) -> View:
    """What the person in a photo could wear."""
    buttons = [Button(t(f"tryon.name_{outfit}"), Wear(shown.name, outfit), owner=owner) for outfit in Outfit]
    return View(t(shown.question), [*in_rows(buttons, 2), [_discard(t, shown, owner)]])


def improved_prompt(t: Texts, card_name: str, prompt: str, suggestion: str, owner: UserId) -> View:
    """A card's prompt and a suggested one."""
    lines = [
        t("improve.old"),
        quoted(prompt, COMPARED_PROMPT_SHOWN),
        t("improve.new"),
        quoted(suggestion, COMPARED_PROMPT_SHOWN),
    ]
    buttons = [
        Button(t("improve.button.use"), UsePrompt(card_name), owner=owner, style=CONFIRM),
        Button(t("improve.button.keep"), OpenCard(card_name), owner=owner),
    ]
    return View("\n".join(lines), [buttons])


def how_to(t: Texts) -> View:
    """What to type, with an example to copy."""
    example = t("example.command")
    return View(
        f"{t('video.how_to')}\n<code>{escape(example)}</code>",
        [[Button(t("button.copy_example"), copy=example)]],
    )


def option_label(t: Texts, option: Option, request: GenerationRequest) -> str:
    """`Length: 5 s`."""
    return t("knob.labelled", knob=t(f"knob.{option}"), value=option_value(t, option, request))


def option_value(t: Texts, option: Option, request: GenerationRequest) -> str:
    """What an option is set to, in a few letters."""
    return say(t, option.row.name(getattr(request, option.row.field)))


def _choice(t: Texts, option: Option, choice: Choice) -> str:
    if choice.key == NONE and option.row.sample is not None and option is not Option.SEED:
        return t("value.remove")
    return option_value(t, option, choice.request)


def _images(t: Texts, request: GenerationRequest) -> str:
    if request.middle_frames:
        return t.plural("card.keyframes", request.number(Role.FRAMES))
    if request.last_frame is not None:
        return t("card.frames" if request.first_frame is not None else "card.last_frame")
    if request.continues is not None:
        return name_continued(t, request.continues)
    if request.first_frame is not None:
        return t("card.first_frame")
    return t.plural("card.references", len(request.references)) if request.references else ""


def _videos(t: Texts, request: GenerationRequest) -> str:
    return t.plural("card.features", len(request.features)) if request.features else ""


@dataclass(frozen=True, slots=True)
class Castable:
    """An element or a voice that a request can use: what it is called, its id, and what stands for it on buttons."""

    kind: Kind
    id: str
    name: str
    key: str


def list_castable(owned: Sequence[Asset], request: GenerationRequest) -> list[Castable]:
    """The person's own, then what else a request uses: Kling's own, or what another way has no name for."""
    own = [
        Castable(
            Kind.ELEMENT if asset.kind is Operation.ELEMENT else Kind.VOICE,
            asset.remote_id,
            asset.name,
            short_hash(asset.id),
        )
        for asset in owned
        if asset.remote_id is not None
    ]
    known, names = {each.id for each in own}, dict(request.asset_names)
    used = [(Kind.ELEMENT, str(id)) for id in request.elements] + [(Kind.VOICE, id) for id in request.voices]
    others = [Castable(kind, id, names.get(id, id), short_hash(id)) for kind, id in used if id not in known]
    return [*own, *others]


def assets(t: Texts, shown: Card, castable: Sequence[Castable], owner: UserId) -> View:
    """Elements and voices that the request can use; a tap adds one, or takes it away."""
    chosen = shown.request.named_assets
    labels = [f"@{cut(' '.join(each.name.split()), NAME_LIMIT)}" for each in castable]
    buttons = [
        Button(
            mark_chosen(t, label, is_chosen=each.id in chosen), ToggleAsset(shown.name, each.key), owner=owner
        )
        for each, label in zip(castable, labels, strict=True)
    ]
    back = Button(t("button.back"), OpenCard(shown.name), owner=owner)
    lines = [f"<b>{t('card.assets')}</b>", t("card.ask.assets", name=snippet(castable[0].name, 40))]
    return View(_joined(lines), [*in_rows(buttons, CHOICES_PER_ROW), [back]])


def _assets(t: Texts, request: GenerationRequest) -> str:
    """The elements and voices that the prompt does not name; those that it names are seen there."""
    names = [f"@{name}" for name in list_unnamed(request)]
    return t("card.with_assets", names=snippet(", ".join(names), NEGATIVE_SHOWN)) if names else ""


def _heading(t: Texts, shown: Card, images: str) -> list[str]:
    request = shown.request
    return [
        t(shown.question),
        quoted(show_prompt(request), PROMPT_SHOWN),
        images,
        _videos(t, request),
        _assets(t, request),
        settings_line(t, request),
        _swapped(t, shown),
        _negative(t, request),
    ]


def _swapped(t: Texts, shown: Card) -> str:
    """That another model is used than the person's own, and why."""
    if shown.swap is None:
        return ""
    return swapped_line(t, shown.swap.model, shown.swap.why, shown.request.model)


def _discard(t: Texts, shown: Card, owner: UserId) -> Button:
    label = t("button.no_thanks" if shown.question == STALE else "button.discard")
    return Button(label, Discard(shown.name), owner=owner)


def _negative(t: Texts, request: GenerationRequest) -> str:
    if not request.negative_prompt:
        return ""
    return t("card.without", words=snippet(request.negative_prompt, NEGATIVE_SHOWN))


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(line for line in lines if line)

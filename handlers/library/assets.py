"""`/element`, `/voice`, `/elements` and `/myvoices`: what people make for use in prompts, in private chats."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from bot.domain.library.asset import (
    LONGEST_SPEECH,
    SHORTEST_SPEECH,
    Asset,
    check_film,
    check_images,
    read_name,
    split_voice,
    voice_source,
)
from bot.domain.people.access import AccessLevel
from bot.domain.requests.operations import Operation
from bot.domain.requests.question import Content
from bot.domain.requests.request import NAME_LIMIT, GenerationRequest, ImageRef, SourceVideo
from bot.domain.tasks.advice import advice_for
from bot.domain.tasks.task import FailureKind, ResultMessage, Task
from bot.domain.types import TaskId, UserId
from bot.errors import UserError
from bot.i18n import Texts
from handlers.chat.files import RemoteFile, fetch_file, save_file, save_film, sound_file_of
from handlers.chat.html import View, keep_fitting, snippet
from handlers.chat.inputs import fetch_film, images_of, sound_in
from handlers.chat.keyboards import DANGER, Button, Payload, confirmation
from handlers.chat.menus import Section
from handlers.chat.pointers import Medium, Used, use
from handlers.chat.routes import Command, Press, QuestionKind
from handlers.chat.turn import Turn
from handlers.library.ready_made import with_presets
from handlers.library.template_views import never_mind
from handlers.making.submit import save_request, submit_pressed

DESCRIPTION_SHOWN = 100
NAME_ON_BUTTON = 24


@dataclass(frozen=True)
class ListAssets(Payload, action="assets"):
    """Show the list in the place of a question."""

    kind: Operation


@dataclass(frozen=True)
class AskToDeleteAsset(Payload, action="asset_drop"):
    """Ask before an element or voice is deleted."""

    asset_id: str


@dataclass(frozen=True)
class DeleteAsset(Payload, action="asset_gone"):
    """Delete an element or voice."""

    asset_id: str


@dataclass(frozen=True)
class NewElement(Payload, action="element_photos"):
    """An element of this name and description, which waits for its photos."""

    text: str


@dataclass(frozen=True)
class MakeViews(Payload, action="element_views"):
    """Have other views made of the photo of a saved element, at the price that is shown."""

    token: str
    price: int


@dataclass(frozen=True)
class MakeOfViews(Payload, action="views_element"):
    """Make an element of a photo and the views of it that a task made."""

    task_id: TaskId


@dataclass(frozen=True)
class NewVoice(Payload, action="voice_sound"):
    """A voice of this name, which waits for its recording."""

    name: str


# -- making ------------------------------------------------------------------------------------------


async def element(turn: Turn, text: str) -> None:
    """`/element <name> [description] [@voice]`, with or in reply to photos or a video; without, photos are asked for.

    Raises:
        UserError: it cannot be made here, or not of this.

    """
    name, description = await _read_name(turn, Operation.ELEMENT, text)
    if not await _make_element(turn, name, description):
        await _ask(turn, Operation.ELEMENT, name, description)


async def voice(turn: Turn, text: str) -> None:
    """`/voice <name>` with or in reply to a recording, or a video in which somebody speaks.

    Raises:
        UserError: it cannot be made here, or not of this.

    """
    name, more = await _read_name(turn, Operation.VOICE, text)
    if more:
        raise UserError("error.asset.name", name=f"{name} {more}"[:60], limit=NAME_LIMIT)
    used = await use(turn, Medium.VIDEO | Medium.FILM | Medium.SOUND)
    # Of a video of the person's own its sound is taken.
    file = used.film or sound_in(turn)
    if used.result is not None:
        await _make_voice_of_video(turn, name, used.result)
        return
    turn.services.assets.check_sounds()
    if file is not None:
        await _make_voice(turn, name, file)
    else:
        await _ask(turn, Operation.VOICE, name)


async def on_photos_reply(turn: Turn, about: NewElement) -> None:
    """Make an element of the photos, or the video, that it asked for."""
    await _make_element(turn, *read_name(Operation.ELEMENT, about.text))


async def on_sound_reply(turn: Turn, about: NewVoice) -> None:
    """Make a voice of the recording that it asked for."""
    file = sound_file_of(turn.message)
    if file is not None:
        await _make_voice(turn, about.name, file)


async def _read_name(turn: Turn, kind: Operation, text: str) -> tuple[str, str]:
    """The name and what follows it, where such a thing can be made at all."""
    if not turn.is_private:
        raise UserError("error.asset.private_chat")
    await turn.services.assets.check(turn.user_id, kind)
    return read_name(kind, text)


async def _make_element(turn: Turn, name: str, description: str) -> bool:
    """Make an element of what a message holds or points at; False: it is neither photos nor a video."""
    used = await use(turn, Medium.PHOTO | Medium.VIDEO | Medium.FILM)
    files = images_of(turn)
    if used and files:
        raise UserError("error.asset.photos_or_video")
    if used:
        await _make_element_of_film(turn, name, description, used)
    elif files:
        await _make_element_of_photos(turn, name, description, files)
    return bool(used or files)


async def _make_element_of_photos(
    turn: Turn, name: str, description: str, files: Sequence[RemoteFile]
) -> None:
    check_images(len(files))
    keep = turn.services.attachments
    images = [await keep.fetch_image(partial(save_file, turn.chat, file), turn.user_id) for file in files]
    await _make_element_of(turn, name, description, images)


async def _make_element_of(turn: Turn, name: str, description: str, images: Sequence[ImageRef]) -> None:
    alone = len(images) == 1
    if alone:
        # Kling wants a second look at it.
        images = (images[0], await turn.services.attachments.save_close_up(images[0], turn.user_id))
    assets = turn.services.assets
    description, voice = split_voice(description, await assets.names(turn.user_id, description))
    request = await assets.compose(
        turn.user_id, Operation.ELEMENT, name, description=description, images=images, voice=voice
    )
    view = await _begun_alone(turn, request) if alone else begun(turn.t, request, alone=False)
    await _make(turn, request, view)


async def _make_element_of_film(turn: Turn, name: str, description: str, used: Used) -> None:
    assets = turn.services.assets
    await assets.check(turn.user_id, Operation.ELEMENT, of_video=True)
    if used.film is not None:
        film = await fetch_film(turn, partial(save_film, turn.chat, used.film))
        check_film(film)
    else:
        film = await _film_of(turn, used.result)
    description, voice = split_voice(description, await assets.names(turn.user_id, description))
    request = await assets.compose(
        turn.user_id, Operation.ELEMENT, name, description=description, video=film, voice=voice
    )
    await _make(turn, request)


async def _film_of(turn: Turn, noted: ResultMessage | None) -> SourceVideo:
    """A video that was made here, if an element can be made of it."""
    if noted is None:
        raise UserError("error.request.no_video")
    results = turn.services.results
    film = await results.source(turn.user_id, noted.task, noted.position)
    delivery = await results.video(turn.user_id, noted.task, noted.position)
    sides = (delivery.width, delivery.height) if delivery.width and delivery.height else None
    check_film(film, sides)
    return film


async def _begun_alone(turn: Turn, request: GenerationRequest) -> View:
    """It is being made of one photo only; Kling can make other views of it, where somebody offers that."""
    view, compose = begun(turn.t, request, alone=True), turn.services.compose
    views = turn.services.assets.views(request)
    if not compose.possible(views):
        return view
    token, price = await save_request(turn, views, turn.message_id), compose.price(views)
    label = turn.t("asset.button.views", price=turn.t.number(price))
    return View(view.html, [[Button(label, MakeViews(token, price), owner=turn.user_id)]])


async def on_make_views(turn: Turn, button: MakeViews) -> None:
    """Have other views made of the photo; the element is made of them by a button beneath them."""
    saved = await turn.services.questions.saved_words(turn.user_id, button.token)
    if saved is None:
        raise UserError("error.button.stale")
    views = GenerationRequest.model_validate(json.loads(saved)["request"])
    await turn.services.results.check_kept(views)
    await submit_pressed(turn, views, button.price)


async def on_make_of_views(turn: Turn, button: MakeOfViews) -> None:
    """Make an element of a photo and of the views that were made of it.

    Raises:
        UserError: they are no longer there, or it cannot be made.

    """
    services = turn.services
    task = await services.tasks.owned(turn.user_id, button.task_id)
    await services.results.check_kept(task.request)
    files = [file for file in await services.results.files(task.id) if file.file_id is not None]
    if not files:
        raise UserError("error.result.none")
    saves = (partial(save_file, turn.chat, RemoteFile(file.file_id or "", file.size_bytes)) for file in files)
    views = [await services.attachments.fetch_image(save, turn.user_id) for save in saves]
    name = await services.assets.free_name(turn.user_id, Operation.ELEMENT, task.request.name)
    await _make_element_of(turn, name, task.request.prompt, (task.request.references[0], *views))


async def _make_voice(turn: Turn, name: str, file: RemoteFile) -> None:
    content = await fetch_file(turn.chat, file)
    sound = await turn.services.attachments.save_sound(content, turn.user_id, LONGEST_SPEECH, SHORTEST_SPEECH)
    await _make(turn, await turn.services.assets.compose(turn.user_id, Operation.VOICE, name, sound=sound))


async def _make_voice_of_video(turn: Turn, name: str, noted: ResultMessage) -> None:
    source = await turn.services.results.source(turn.user_id, noted.task, noted.position)
    video = voice_source(noted.task.request, source)
    await _make(turn, await turn.services.assets.compose(turn.user_id, Operation.VOICE, name, video=video))


async def _make(turn: Turn, request: GenerationRequest, view: View | None = None) -> None:
    await turn.services.submit.accept(turn.user_id, turn.origin(), request)
    await turn.answer(view or begun(turn.t, request, alone=False))


async def _ask(turn: Turn, kind: Operation, name: str, description: str = "") -> None:
    about = NewElement(f"{name} {description}".strip()) if kind is Operation.ELEMENT else NewVoice(name)
    await turn.ask(about, material_question(turn.t, kind, name, turn.user_id))


# -- having ------------------------------------------------------------------------------------------


async def list_elements(turn: Turn) -> None:
    """`/elements`: the person's elements, and how to use them."""
    await turn.answer(await _list(turn, Operation.ELEMENT))


async def list_voices(turn: Turn) -> None:
    """`/myvoices`: the person's voices, and how to use them."""
    await turn.answer(await _list(turn, Operation.VOICE))


async def _list(turn: Turn, kind: Operation) -> View:
    if not turn.is_private:
        raise UserError("error.asset.private_chat")
    assets = await turn.services.assets.list_owned(turn.user_id, kind)
    if not assets:
        await turn.services.assets.check(turn.user_id, kind)
    view = listed(turn.t, kind, assets, turn.user_id)
    return with_presets(turn, kind, view)


async def on_list(turn: Turn, button: ListAssets) -> None:
    """Show the list in the place of a question."""
    await turn.edit(await _list(turn, button.kind))


async def on_ask_to_delete(turn: Turn, button: AskToDeleteAsset) -> None:
    """Ask before an element or voice is deleted."""
    asset = await turn.services.assets.get_owned(turn.user_id, button.asset_id)
    await turn.edit(delete_question(turn.t, asset, turn.user_id))


async def on_delete(turn: Turn, button: DeleteAsset) -> str:
    """Delete one; the list goes on without it."""
    asset = await turn.services.assets.delete(turn.user_id, button.asset_id)
    assets = await turn.services.assets.list_owned(turn.user_id, asset.kind)
    await turn.edit(with_presets(turn, asset.kind, listed(turn.t, asset.kind, assets, turn.user_id)))
    return turn.t(f"asset.{asset.kind}.deleted")


# -- views -------------------------------------------------------------------------------------------


def listed(t: Texts, kind: Operation, assets: Sequence[Asset], owner: UserId) -> View:
    """A person's elements or voices, each with a button to delete it, and how to use one."""
    if not assets:
        return View(t(f"asset.{kind}.none"))
    ready = [asset for asset in assets if asset.remote_id is not None]
    lines = "\n".join(_line(t, asset) for asset in assets)
    parts = [t.plural(f"asset.{kind}.list", len(assets)), lines]
    if ready:
        parts.append(t(f"asset.{kind}.how_to", name=_name(ready[0])))
    rows = []
    for asset in assets:
        label = t("asset.button.delete", name=" ".join(asset.name.split())[:NAME_ON_BUTTON])
        rows.append([Button(label, AskToDeleteAsset(asset.id), owner=owner, style=DANGER)])
    return View(keep_fitting(parts, "\n\n"), rows)


def begun(t: Texts, request: GenerationRequest, *, alone: bool) -> View:
    """It is being made; `alone`: of one photo only, which could be more."""
    parts = [t(f"asset.{request.operation}.begun", name=snippet(request.name, NAME_LIMIT))]
    if alone:
        parts.append(t("asset.close_up"))
    return View("\n\n".join(parts))


def ended(t: Texts, task: Task) -> View:
    """It is ready and used like this; or it could not be made, and why."""
    kind, name = task.request.operation, snippet(task.request.name, NAME_LIMIT)
    if task.progress == 100:
        return View(t(f"asset.{kind}.ready", name=name))
    failure = task.failure or FailureKind.PROVIDER
    parts = [t(f"asset.{kind}.failed", name=name, reason=t(f"failure.{failure}"))]
    if (advice := advice_for(failure, task.failure_detail)) is not None:
        parts.append(t(f"notice.advice.{advice}"))
    return View("\n".join(parts))


def material_question(t: Texts, kind: Operation, name: str, owner: UserId) -> View:
    """What to send now, so that it can be made."""
    return View(t(f"asset.{kind}.ask", name=snippet(name, NAME_LIMIT)), [never_mind(t, owner)])


def delete_question(t: Texts, asset: Asset, owner: UserId) -> View:
    """Once more, for nothing brings it back."""
    buttons = confirmation(t, DeleteAsset(asset.id), ListAssets(asset.kind), owner)
    return View(t(f"asset.{asset.kind}.delete_sure", name=_name(asset)), [buttons])


def _line(t: Texts, asset: Asset) -> str:
    parts = [f"<code>{_name(asset)}</code>"]
    if asset.description:
        parts.append(snippet(asset.description, DESCRIPTION_SHOWN))
    if asset.of_video:
        parts.append(t("asset.of_video"))
    if asset.remote_id is None:
        parts.append(f"<i>{t('asset.making')}</i>")
    return " · ".join(parts)


def _name(asset: Asset) -> str:
    return snippet(asset.name, NAME_LIMIT)


COMMANDS = (
    Command("element", element, section=Section.LIBRARY),
    Command("elements", list_elements, access=AccessLevel.VIEW, section=Section.LIBRARY),
    Command("voice", voice, section=Section.LIBRARY),
    Command("myvoices", list_voices, access=AccessLevel.VIEW, section=Section.LIBRARY),
)
BUTTONS = (
    Press(ListAssets, on_list, AccessLevel.VIEW),
    Press(AskToDeleteAsset, on_ask_to_delete, AccessLevel.VIEW),
    Press(DeleteAsset, on_delete, AccessLevel.VIEW),
    Press(MakeViews, on_make_views),
    Press(MakeOfViews, on_make_of_views),
)
QUESTIONS = (
    QuestionKind(NewElement, Content.PHOTO | Content.VIDEO, on_photos_reply),
    QuestionKind(NewVoice, Content.SOUND, on_sound_reply),
)

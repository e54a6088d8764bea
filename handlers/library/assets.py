"""`/element`, `/voice`, `/elements` and `/myvoices`: what people make for use in prompts, in private chats."""

from collections.abc import Sequence

from telegram import CallbackQuery, Update

from bot.domain.library.asset import (
    LONGEST_SPEECH,
    NAME_LIMIT,
    SHORTEST_SPEECH,
    AssetKind,
    Wish,
    check_pictures,
    read_name,
    voice_source,
)
from bot.domain.tasks.task import Task
from bot.errors import UserError
from handlers.chat.context import (
    Context,
    answer,
    message_of,
    one_of,
    origin_of,
    place_of,
    rewrite,
    user_id_of,
)
from handlers.chat.files import RemoteFile, fetch_file, sound_file_of
from handlers.chat.inputs import pictures_of, result_replied_to, text_of, words_after_command
from handlers.chat.views import View
from handlers.library import asset_views

PHOTOS = "element_photos"
SOUND = "voice_sound"


# -- making ------------------------------------------------------------------------------------------


async def element(update: Update, context: Context) -> None:
    """`/element <name> [description]`, with one to four photos or in reply to one; without, they are asked for.

    Raises:
        UserError: it cannot be made here, or not of this.

    """
    name, description = await _named(update, context, AssetKind.ELEMENT)
    files = pictures_of(update, context)
    if files:
        await _make_element(update, context, name, description, files)
    else:
        await _ask(update, context, PHOTOS, f"{name} {description}".strip())


async def voice(update: Update, context: Context) -> None:
    """`/voice <name>` with or in reply to a recording, or in reply to a video in which somebody speaks.

    Raises:
        UserError: it cannot be made here, or not of this.

    """
    name, rest = await _named(update, context, AssetKind.VOICE)
    if rest:
        raise UserError("error.asset.name", name=f"{name} {rest}"[:60], limit=NAME_LIMIT)
    task = await result_replied_to(update, context)
    message = message_of(update)
    file = sound_file_of(message) or sound_file_of(message.reply_to_message)
    if task is not None:
        await _make_voice_of_video(update, context, name, task)
        return
    context.services.assets.check_sounds()
    if file is not None:
        await _make_voice(update, context, name, file)
    else:
        await _ask(update, context, SOUND, name)


async def took_photos(update: Update, context: Context, subject: str) -> None:
    """The photos that an element waited for came."""
    name, description = read_name(AssetKind.ELEMENT, subject)
    await _make_element(update, context, name, description, pictures_of(update, context))
    await _stop_asking(update, context)


async def took_sound(update: Update, context: Context, subject: str) -> None:
    """The recording that a voice waited for came."""
    file = sound_file_of(message_of(update))
    if file is not None:
        await _make_voice(update, context, subject, file)
        await _stop_asking(update, context)


async def _named(update: Update, context: Context, kind: AssetKind) -> tuple[str, str]:
    """The name and what follows it, where such a thing can be made at all."""
    if not place_of(update).is_private:
        raise UserError("error.asset.private_chat")
    await context.services.assets.check(user_id_of(update), kind)
    return read_name(kind, words_after_command(text_of(update, context)))


async def _make_element(
    update: Update, context: Context, name: str, description: str, files: Sequence[RemoteFile]
) -> None:
    check_pictures(len(files))
    keep, user_id = context.services.submit, user_id_of(update)
    pictures = [await keep.keep_image(await fetch_file(context.chat, file), user_id) for file in files]
    alone = len(pictures) == 1
    if alone:
        # Kling wants a second look at it.
        pictures.append(await keep.keep_close_up(pictures[0], user_id))
    await _make(update, context, Wish(AssetKind.ELEMENT, name, description, tuple(pictures)), alone=alone)


async def _make_voice(update: Update, context: Context, name: str, file: RemoteFile) -> None:
    sound = await context.services.submit.keep_sound(
        await fetch_file(context.chat, file), user_id_of(update), LONGEST_SPEECH, SHORTEST_SPEECH
    )
    await _make(update, context, Wish(AssetKind.VOICE, name, sound=sound))


async def _make_voice_of_video(update: Update, context: Context, name: str, task: Task) -> None:
    source = await context.services.results.source(user_id_of(update), task)
    await _make(update, context, Wish(AssetKind.VOICE, name, video=voice_source(task.request, source)))


async def _make(update: Update, context: Context, wish: Wish, *, alone: bool = False) -> None:
    origin = origin_of(update, context, place_of(update))
    asset = await context.services.assets.make(user_id_of(update), origin, wish)
    await answer(update, context, asset_views.begun(context.t, asset, alone=alone))


async def _ask(update: Update, context: Context, kind: str, subject: str) -> None:
    user_id, chat_id = user_id_of(update), place_of(update).chat_id
    await context.services.recipes.ask_for(user_id, chat_id, kind, subject)
    wanted = AssetKind.ELEMENT if kind == PHOTOS else AssetKind.VOICE
    await answer(
        update, context, asset_views.material_question(context.t, wanted, subject.partition(" ")[0], user_id)
    )


async def _stop_asking(update: Update, context: Context) -> None:
    await context.services.recipes.stop_asking(user_id_of(update), place_of(update).chat_id)


# -- having ------------------------------------------------------------------------------------------


async def elements(update: Update, context: Context) -> None:
    """`/elements`: one's own, and how to use them."""
    await answer(update, context, await _list(update, context, AssetKind.ELEMENT))


async def my_voices(update: Update, context: Context) -> None:
    """`/myvoices`: one's own, and how to use them."""
    await answer(update, context, await _list(update, context, AssetKind.VOICE))


async def _list(update: Update, context: Context, kind: AssetKind) -> View:
    user_id = user_id_of(update)
    if not place_of(update).is_private:
        raise UserError("error.asset.private_chat")
    own = await context.services.assets.mine(user_id, kind)
    if not own:
        await context.services.assets.check(user_id, kind)
    return asset_views.listed(context.t, kind, own, user_id)


async def press_list(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """The list in the place of a question."""
    await rewrite(context, query, await _list(update, context, one_of(AssetKind, argument)))


async def press_delete(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Ask once more."""
    user_id = user_id_of(update)
    asset = await context.services.assets.own(user_id, argument)
    await rewrite(context, query, asset_views.delete_question(context.t, asset, user_id))


async def press_delete_sure(update: Update, context: Context, query: CallbackQuery, argument: str) -> str:
    """Delete one; the list goes on without it."""
    asset = await context.services.assets.delete(user_id_of(update), argument)
    own = await context.services.assets.mine(user_id_of(update), asset.kind)
    await rewrite(context, query, asset_views.listed(context.t, asset.kind, own, user_id_of(update)))
    return context.t(f"asset.{asset.kind}.deleted")

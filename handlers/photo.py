"""Photos and plain words in private chats: a caption is a prompt, words without a command are asked about."""

from telegram import Message, Update

from bot.domain.prompt import ParsedPrompt
from bot.domain.request import Operation, VideoRequest
from bot.services.compose import Pictures
from handlers import views
from handlers.context import Context, answer, message_of, place_of, user_id_of
from handlers.draft import ask, put_away_question, submit_or_ask
from handlers.files import ImageFile, fetch_image, image_file_of
from handlers.submitting import is_stale, submit


async def photo(update: Update, context: Context) -> None:
    """A photo with words becomes a video at once; one without waits for words or a tap."""
    message = message_of(update)
    number = context.bot_data.albums.number_of(message.chat_id, message.media_group_id)
    if number > 1:
        if number == 2:
            await answer(update, context, views.View(context.t("album.first_used")))
        return
    file = image_file_of(message)
    if file is not None:
        parsed = context.services.compose.parse((message.caption or "").strip())
        await _animate(update, context, file, parsed)


async def _animate(update: Update, context: Context, file: ImageFile, parsed: ParsedPrompt) -> None:
    services = context.services
    image = await services.submit.keep_image(await fetch_image(context.bot, file))
    if parsed.prompt:
        await submit_or_ask(update, context, parsed, image)
        return
    request = services.compose.video_draft(parsed, Pictures(first=image))
    await ask(update, context, request, "draft.stale" if is_stale(update, context) else "draft.photo")


async def words(update: Update, context: Context) -> None:
    """Words complete a photo that waits for them; other words are offered as a prompt."""
    message = message_of(update)
    services = context.services
    parsed = services.compose.parse(message.text or "")
    waiting = await services.submit.draft(user_id_of(update), place_of(update).chat_id)
    draft = waiting if waiting is not None and waiting[0].operation is Operation.IMAGE_TO_VIDEO else None
    replied = message.reply_to_message
    replied_image = image_file_of(replied)
    if (
        replied is not None
        and replied_image is not None
        and (draft is None or draft[1] != replied.message_id)
    ):
        # A photo that is pointed at counts more than the one that waits.
        await _animate(update, context, replied_image, parsed)
    elif draft is not None:
        await _complete(update, context, draft, parsed)
    elif parsed.prompt:
        await ask(update, context, services.compose.video(parsed), "draft.words")
    else:
        await answer(update, context, views.how_to(context.t))


async def _complete(
    update: Update, context: Context, draft: tuple[VideoRequest, int | None], parsed: ParsedPrompt
) -> None:
    """Give a photo that waits its words; options alone change the draft and leave it waiting."""
    waiting, _ = draft
    services = context.services
    if not parsed.prompt:
        changed = services.compose.completed(waiting, ParsedPrompt(waiting.prompt, parsed.options))
        await ask(update, context, changed, "draft.photo")
        return
    completed = services.compose.completed(waiting, parsed)
    if is_stale(update, context):
        await ask(update, context, completed, "draft.stale")
        return
    await submit(update, context, completed)
    await services.submit.delete_draft(user_id_of(update), place_of(update).chat_id)
    await put_away_question(update, context)


async def unknown_command(update: Update, context: Context) -> None:
    """Name what there is where somebody types a command that there is not."""
    command = _first_word(message_of(update))
    await answer(
        update, context, views.View(context.t("error.command.unknown", command=views.inline(command, 40)))
    )


async def unsupported(update: Update, context: Context) -> None:
    """Say what can be sent where somebody sends something else; an album is answered once."""
    message = message_of(update)
    if context.bot_data.albums.number_of(message.chat_id, message.media_group_id) == 1:
        await answer(update, context, views.View(context.t("error.message.unsupported")))


def _first_word(message: Message) -> str:
    return (message.text or message.caption or "").split(maxsplit=1)[0]

"""Photos and plain words in private chats: a caption is a prompt, words without a command are asked about."""

from html import escape

from telegram import Update

from bot.domain.request import Operation
from bot.domain.units import ChatId
from handlers import views
from handlers.context import Context, answer, message_of, user_id_of
from handlers.files import fetch_image, image_file_of
from handlers.submitting import ask, is_stale, submit, submit_or_ask


async def photo(update: Update, context: Context) -> None:
    """A photo with words becomes a video at once; one without waits for words or a tap."""
    message = message_of(update)
    file = image_file_of(message)
    if file is None:
        return
    if message.media_group_id is not None and not message.caption:
        # An album carries its words on one photo, and that one is used.
        return
    services = context.services
    parsed = services.submit.parse((message.caption or "").strip())
    image = await services.submit.keep_image(await fetch_image(context.bot, file))
    if parsed.prompt:
        await submit_or_ask(update, context, parsed, image)
        return
    request = services.submit.compose_draft(parsed, image)
    await ask(update, context, request, "draft.stale" if is_stale(update, context) else "draft.photo")


async def words(update: Update, context: Context) -> None:
    """Words complete a photo that waits for them; other words are offered as a prompt."""
    message = message_of(update)
    user_id, chat_id = user_id_of(update), ChatId(message.chat_id)
    services = context.services
    parsed = services.submit.parse(message.text or "")
    waiting = await services.submit.draft(user_id, chat_id)
    if waiting is not None and waiting[0].operation is Operation.IMAGE_TO_VIDEO and parsed.prompt:
        request, source = waiting
        completed = services.submit.complete_draft(request, parsed)
        if not is_stale(update, context):
            await submit(update, context, completed, source_message_id=source)
            await services.submit.delete_draft(user_id, chat_id)
            return
        await ask(update, context, completed, "draft.stale")
        return
    replied = image_file_of(message.reply_to_message)
    if replied is not None and parsed.prompt:
        image = await services.submit.keep_image(await fetch_image(context.bot, replied))
        await submit_or_ask(update, context, parsed, image)
        return
    if not parsed.prompt:
        await answer(update, context, views.how_to(context.t))
        return
    await ask(update, context, services.submit.compose(parsed), "draft.words")


async def unknown_command(update: Update, context: Context) -> None:
    """Name what there is where somebody types a command that there is not."""
    command = (message_of(update).text or "").split()[0]
    await answer(
        update, context, views.View(context.t("error.command.unknown", command=escape(command[:40])))
    )

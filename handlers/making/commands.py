"""The commands that make something else than a video from words or frames, one function each."""

from telegram import CallbackQuery, Update

from bot.errors import UserError
from bot.services.compose import Pictures
from handlers.chat import html
from handlers.chat.context import Context, answer, user_id_of
from handlers.chat.files import RemoteFile, fetch_file
from handlers.chat.inputs import given, one_picture, pictures_of, read_words, source_of
from handlers.making import try_on as try_on_
from handlers.making.draft import ask, submit_or_ask


async def extend(update: Update, context: Context) -> None:
    """`/extend`: the video that is replied to, or the newest, some seconds longer."""
    del update
    got = await given(context.turn, links=False)
    task, source = await source_of(context.turn, got.source)
    compose = context.services.compose
    await submit_or_ask(
        context.turn,
        compose.extension(await read_words(context.turn, got.words), source, task.request.mode),
    )


async def edit(update: Update, context: Context) -> None:
    """`/edit`: the video that is replied to, or the newest, changed as the words say."""
    del update
    got = await given(context.turn)
    compose = context.services.compose
    parsed = await read_words(context.turn, got.words)
    if not parsed.prompt:
        raise UserError("error.request.needs_prompt")
    _, source = await source_of(context.turn, got.source)
    await submit_or_ask(context.turn, compose.edit(parsed, source))


async def lip_sync(update: Update, context: Context) -> None:
    """`/lipsync`: the face in a video says a text, or what a voice message says."""
    del update
    got = await given(context.turn, links=False)
    compose = context.services.compose
    speech = compose.speech(await read_words(context.turn, got.words), got.sound)
    _, source = await source_of(context.turn, got.source)
    await submit_or_ask(context.turn, compose.lip_sync(source, speech))


async def spoken(update: Update, context: Context) -> None:
    """A voice message in reply to a video of ours is what its face shall say."""
    got = await given(context.turn)
    if got.source is None or got.sound is None:
        await answer(update, context, html.View(context.t("error.message.unsupported")))
        return
    await lip_sync(update, context)


async def avatar(update: Update, context: Context) -> None:
    """`/avatar`: a person in a photo says a text, or what a voice message says."""
    del update
    got = await given(context.turn, links=not pictures_of(context.turn))
    compose = context.services.compose
    parsed = await read_words(context.turn, got.words)
    person = one_picture(got)
    await submit_or_ask(context.turn, compose.avatar(parsed, person, compose.speech(parsed, got.sound)))


async def motion(update: Update, context: Context) -> None:
    """`/motion`: a person in a photo moves as the one in the newest video does."""
    del update
    got = await given(context.turn)
    compose = context.services.compose
    person = one_picture(got)
    _, source = await source_of(context.turn, got.source)
    await submit_or_ask(
        context.turn, compose.motion(await read_words(context.turn, got.words), person, source)
    )


async def effect(update: Update, context: Context) -> None:
    """`/effect`: one of Kling's effects, by name, on one photo or two."""
    del update
    got = await given(context.turn)
    effects = context.services.compose.effects
    if not got.words:
        raise UserError("error.effect.which")
    if not effects.knows(got.words) and " " in got.words:
        raise UserError("error.effect.unknown", effect=got.words[:60], nearest=effects.nearest(got.words))
    if not got.pictures:
        raise UserError("error.request.one_picture")
    await submit_or_ask(context.turn, context.services.compose.effect(got.words, got.pictures))


async def try_on(update: Update, context: Context) -> None:
    """`/tryon`: a person wears what a second photo shows (a picture), or what words say (a video)."""
    got = await given(context.turn)
    compose = context.services.compose
    if len(got.pictures) == 2:
        await submit_or_ask(context.turn, compose.try_on(*got.pictures))
        return
    parsed = await read_words(context.turn, got.words)
    person = one_picture(got)
    if not parsed.prompt:
        await try_on_.suggest(update, context, person)
        return
    await submit_or_ask(
        context.turn, compose.video(parsed, Pictures(first=person), context.preferences, try_on=True)
    )


async def image(update: Update, context: Context) -> None:
    """`/image`: a picture from words, or from words and photos."""
    del update
    got = await given(context.turn)
    compose = context.services.compose
    await submit_or_ask(
        context.turn, compose.picture(await read_words(context.turn, got.words), got.pictures)
    )


async def expand(update: Update, context: Context) -> None:
    """`/expand`: a photo with more around it."""
    del update
    got = await given(context.turn)
    compose = context.services.compose
    await submit_or_ask(
        context.turn, compose.expansion(await read_words(context.turn, got.words), one_picture(got))
    )


async def sound(update: Update, context: Context) -> None:
    """`/sound`: a sound from words, or for the video that is replied to."""
    del update
    got = await given(context.turn, links=False)
    compose = context.services.compose
    source = None
    if got.source is not None:
        _, source = await source_of(context.turn, got.source)
    await submit_or_ask(context.turn, compose.sound(await read_words(context.turn, got.words), source))


async def press_animate(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Make a video of a picture that we made: it waits for its words like any photo."""
    del query
    name, _, position = argument.partition(".")
    services = context.services
    task = await services.tasks.of(user_id_of(update), name)
    files = await services.results.files(task.id)
    chosen = next((file for file in files if file.position == int(position or 0)), None)
    if chosen is None or chosen.file_id is None:
        raise UserError("error.result.none")
    picture = await services.attachments.keep_image(
        await fetch_file(context.chat, RemoteFile(chosen.file_id, chosen.size_bytes))
    )
    draft = services.compose.video_draft(
        services.compose.parse(""), Pictures(first=picture), context.preferences
    )
    await ask(context.turn, draft, "draft.photo")

"""`/video`, and photos in private chats: words, one photo, first and last frame, or references."""

from telegram import CallbackQuery, Update

from bot.domain.links import split_links
from bot.domain.prompt import ParsedPrompt
from bot.domain.request import ImageRef
from bot.errors import UserError
from bot.services.compose import Pictures
from handlers import views
from handlers.context import Context, answer
from handlers.draft import ask, change, submit_or_ask, take
from handlers.given import given, is_forwarded
from handlers.submitting import is_stale

FRAMES = "frames"
REFERENCES = "references"


async def video(update: Update, context: Context) -> None:
    """Make a video of words, of the photos that came with them, or of the message that is replied to."""
    got = await given(update, context, links=not is_forwarded(update))
    services = context.services
    # Somebody else's words hold no options and no pictures: they are offered as they stand.
    foreign = ParsedPrompt(split_links(got.words).words) if is_forwarded(update) else None
    parsed = foreign or services.compose.parse(got.words)
    if not got.pictures and not parsed.prompt and not parsed.options.shots:
        await answer(update, context, views.how_to(context.t))
        return
    pictures = as_given(got.pictures)
    if len(got.pictures) == 2:
        # Two photos are the one case that cannot be told from the photos alone.
        frames = Pictures(first=got.pictures[0], last=got.pictures[1])
        draft = services.compose.video_draft(
            parsed, frames if _can(context, frames) else pictures, context.preferences
        )
        both = _can(context, frames) and _can(context, pictures)
        await ask(update, context, draft, "draft.two_photos" if both else "draft.photo")
        return
    if got.pictures and not parsed.prompt:
        draft = services.compose.video_draft(parsed, pictures, context.preferences)
        await ask(update, context, draft, "draft.stale" if is_stale(update, context) else "draft.photo")
        return
    request = services.compose.video(parsed, pictures, context.preferences)
    if foreign is not None:
        await ask(update, context, request, "draft.forwarded")
    else:
        await submit_or_ask(update, context, request)


def as_given(pictures: tuple[ImageRef, ...]) -> Pictures:
    """One photo is the first frame, several are references."""
    if len(pictures) == 1:
        return Pictures(first=pictures[0])
    return Pictures(references=pictures)


def _can(context: Context, pictures: Pictures) -> bool:
    """Whether some model on offer takes photos in this way."""
    try:
        context.services.compose.video_draft(context.services.compose.parse(""), pictures)
    except UserError:
        return False
    return True


async def press_use(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Use the two photos of a draft as frames or as references, and ask again."""
    name, _, use = argument.partition(".")
    request, _ = await take(update, context, name)
    pictures = request.images
    chosen = Pictures(first=pictures[0], last=pictures[1]) if use == FRAMES else Pictures(references=pictures)
    changed = context.services.compose.rearranged(request, chosen, context.preferences)
    await change(update, context, query, name, changed, "draft.ready" if changed.prompt else "draft.photo")

"""What a person was asked to send next: photos, a recording, a name. Everything else goes on as ever."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from telegram import Update

from handlers.admin import panel as admin_panel
from handlers.admin.panel_pages import ASKED
from handlers.chat.context import Context, place_of, user_id_of
from handlers.library import (
    assets,
    ideas,
    recipes,
)

Handler = Callable[[Update, Context], Coroutine[Any, Any, None]]
Taker = Callable[[Update, Context, str], Awaitable[None]]
"""Takes what was asked for; the text is the subject of the question."""

PHOTOS: Mapping[str, Taker] = {
    recipes.PHOTO: recipes.took_photo,
    ideas.PHOTO: ideas.took_photo,
    assets.PHOTOS: assets.took_photos,
}
SOUNDS: Mapping[str, Taker] = {assets.SOUND: assets.took_sound}
WORDS: Mapping[str, Taker] = {ASKED: admin_panel.took_words, recipes.NAME: recipes.took_name}


def asked_or(takers: Mapping[str, Taker], usual: Handler) -> Handler:
    """A handler that gives a message to whoever asked for one, or else to the usual handler."""

    async def handle(update: Update, context: Context) -> None:
        awaited = await context.services.recipes.awaited(user_id_of(update), place_of(update).chat_id)
        taker = takers.get(awaited.kind) if awaited is not None else None
        if awaited is None or taker is None:
            await usual(update, context)
        else:
            await taker(update, context, awaited.subject)

    return handle

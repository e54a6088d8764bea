"""`/models`, `/voices` and `/effects`: what there is to choose from here."""

from telegram import Update

from bot.domain.requests.options import LANGUAGES
from bot.domain.requests.request import SPEAKING_OPERATIONS, Operation
from bot.errors import UserError
from handlers.chat.context import Context, answer
from handlers.guide import catalog_views

LONGEST_SEARCH = 60
"""Characters of a search that count; no name is longer."""


async def models(update: Update, context: Context) -> None:
    """`/models`: what each model can do and costs, and what is offered beside videos."""
    compose = context.services.compose
    for view in catalog_views.models(context.t, compose.rows(), compose.operations(), compose.beside()):
        await answer(update, context, view)


async def voices(update: Update, context: Context) -> None:
    """`/voices [zh|en]`: the voices of a language, by default the reader's own."""
    compose = context.services.compose
    if not (SPEAKING_OPERATIONS & compose.operations() or any(row.voices for row in compose.rows())):
        raise UserError("error.voices.not_offered")
    own = "zh" if context.t.language.startswith("zh") else "en"
    language = (context.args or [own])[0].lower()
    if language not in LANGUAGES:
        raise UserError("error.voices.language", language=language[:40])
    await answer(update, context, catalog_views.voices(context.t, language, compose.voices.of(language)))


async def effects(update: Update, context: Context) -> None:
    """`/effects [words]`: the effects whose names hold the words."""
    compose = context.services.compose
    if Operation.EFFECT not in compose.operations():
        raise UserError("error.request.operation", operation=Operation.EFFECT)
    words = " ".join(context.args or [])[:LONGEST_SEARCH]
    known = compose.effects
    view = catalog_views.effects(
        context.t, words, known.search(words), len(known.search("")), known.nearest(words)
    )
    await answer(update, context, view)

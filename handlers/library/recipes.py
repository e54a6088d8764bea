"""`/save` and `/recipes`: requests under a name, made again with one tap, renamed, shared and deleted."""

from telegram import CallbackQuery, Update

from bot.domain.library.recipe import Recipe, is_token
from bot.domain.requests.request import VideoRequest
from bot.domain.units import TaskId
from bot.errors import UserError
from handlers.chat.context import Context, answer, place_of, rewrite, user_id_of
from handlers.chat.inputs import given, result_replied_to
from handlers.chat.views import View, error_sentence
from handlers.library import recipe_views
from handlers.making.draft import submit_or_ask
from handlers.making.submit import submit

LINK_PREFIX = "recipe_"
PHOTO = "recipe_photo"
NAME = "recipe_name"


async def save(update: Update, context: Context) -> None:
    """`/save [name]`: the request of the result that is replied to, or of the open card."""
    user_id = user_id_of(update)
    request = await _meant(update, context)
    recipe = await context.services.recipes.save(user_id, request, " ".join(context.args or []))
    await answer(update, context, recipe_views.saved(context.t, recipe, user_id))


async def _meant(update: Update, context: Context) -> VideoRequest:
    task = await result_replied_to(update, context)
    if task is not None:
        return task.request
    open_card = await context.services.cards.card(user_id_of(update), place_of(update).chat_id)
    if open_card is None:
        raise UserError("error.recipe.of_what")
    return open_card.request


async def recipes(update: Update, context: Context) -> None:
    """`/recipes`: one's own, newest first."""
    await answer(update, context, await _list(update, context, 0))


async def _list(update: Update, context: Context, page: int) -> View:
    user_id = user_id_of(update)
    own = await context.services.recipes.all_of(user_id)
    return recipe_views.listed(context.t, own, page, user_id)


def _card(update: Update, context: Context, recipe: Recipe) -> View:
    services, user_id = context.services, user_id_of(update)
    try:
        request, price = services.recipes.preview(recipe)
    except UserError as error:
        sentence = error_sentence(context.t, error, services.accounts.zone, services.clock.now())
        return recipe_views.outdated(context.t, recipe, sentence, user_id)
    return recipe_views.card(context.t, recipe, request, price, user_id)


async def follow_link(update: Update, context: Context, token: str) -> None:
    """A link to a recipe that somebody shared: show it, with the way to make it."""
    if not is_token(token):
        raise UserError("error.recipe.gone")
    await answer(update, context, _card(update, context, await context.services.recipes.one(token)))


# -- buttons -----------------------------------------------------------------------------------------


async def press_list(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Turn to a page of the list."""
    await rewrite(context, query, await _list(update, context, int(argument)))


async def press_recipe(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Show one recipe in the list's place."""
    await rewrite(context, query, _card(update, context, await context.services.recipes.one(argument)))


async def press_save(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """The button at a result's settings: keep its request, under its first words."""
    del query
    user_id, services = user_id_of(update), context.services
    task = await services.submit.task(user_id, TaskId(argument))
    recipe = await services.recipes.save(user_id, task.request)
    await answer(update, context, recipe_views.saved(context.t, recipe, user_id))


async def press_run(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Make a recipe again at once, or ask for the photo that it takes."""
    del query
    recipes_, user_id, place = context.services.recipes, user_id_of(update), place_of(update)
    recipe = await recipes_.one(argument)
    if not recipe.pictures:
        await submit(update, context, recipes_.request(recipe), place)
        return
    if not place.is_private:
        raise UserError("error.recipe.private_chat")
    recipes_.preview(recipe)
    await recipes_.ask_for(user_id, place.chat_id, PHOTO, recipe.token)
    await answer(
        update, context, recipe_views.photo_question(context.t, recipe.name, recipe.pictures, user_id)
    )


async def took_photo(update: Update, context: Context, token: str) -> None:
    """The photo that a recipe waited for came: make it."""
    recipes_, chat_id = context.services.recipes, place_of(update).chat_id
    recipe = await recipes_.one(token)
    got = await given(update, context)
    names = await context.services.assets.names(user_id_of(update))
    request = recipes_.request(recipe, got.pictures, got.words, names)
    await recipes_.stop_asking(user_id_of(update), chat_id)
    await submit_or_ask(update, context, request)


async def press_rename(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Ask for another name; the next words are it."""
    del query
    recipes_, user_id, place = context.services.recipes, user_id_of(update), place_of(update)
    recipe = await recipes_.own(user_id, argument)
    if not place.is_private:
        raise UserError("error.recipe.private_chat")
    await recipes_.ask_for(user_id, place.chat_id, NAME, recipe.token)
    await answer(update, context, recipe_views.name_question(context.t, recipe, user_id))


async def took_name(update: Update, context: Context, token: str) -> None:
    """The name that was asked for came."""
    recipes_, user_id = context.services.recipes, user_id_of(update)
    text = update.message.text if update.message is not None else None
    recipe = await recipes_.rename(user_id, token, text or "")
    await recipes_.stop_asking(user_id, place_of(update).chat_id)
    await answer(update, context, _card(update, context, recipe))


async def press_stop(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Nothing is to be sent after all."""
    del argument
    await context.services.recipes.stop_asking(user_id_of(update), place_of(update).chat_id)
    await rewrite(context, query, View(context.t("recipe.stopped")))


async def press_share(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Show the link to a recipe."""
    del query
    recipe = await context.services.recipes.own(user_id_of(update), argument)
    address = f"https://t.me/{context.bot.username}?start={LINK_PREFIX}{recipe.token}"
    await answer(update, context, recipe_views.link(context.t, recipe, address))


async def press_adopt(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Keep a shared recipe among one's own."""
    user_id = user_id_of(update)
    recipe = await context.services.recipes.adopt(user_id, argument)
    await rewrite(context, query, _card(update, context, recipe))


async def press_delete(update: Update, context: Context, query: CallbackQuery, argument: str) -> None:
    """Ask once more."""
    user_id = user_id_of(update)
    recipe = await context.services.recipes.own(user_id, argument)
    await rewrite(context, query, recipe_views.delete_question(context.t, recipe, user_id))


async def press_delete_sure(update: Update, context: Context, query: CallbackQuery, argument: str) -> str:
    """Delete a recipe; the list goes on without it."""
    await context.services.recipes.delete(user_id_of(update), argument)
    await rewrite(context, query, await _list(update, context, 0))
    return context.t("recipe.deleted")

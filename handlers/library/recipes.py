"""`/save` and `/recipes`: requests under a name, made again with one tap, renamed, shared and deleted."""

from bot.domain.library.recipe import Recipe, is_token
from bot.domain.people.access import AccessLevel
from bot.domain.requests.request import VideoRequest
from bot.errors import UserError
from handlers.chat.html import View, error_sentence
from handlers.chat.inputs import read_inputs
from handlers.chat.menus import Section
from handlers.chat.pointers import Medium, result_replied_to, use
from handlers.chat.routes import Answer, Command, Press, Reply
from handlers.chat.turn import Turn
from handlers.library import recipe_views as templates
from handlers.making.submit import submit_or_ask, submit_pressed

LINK_PREFIX = "recipe_"
PHOTO = "recipe_photo"
NAME = "recipe_name"


async def save(turn: Turn, name: str) -> None:
    """`/save [name]`: the request of the result that is replied to, or of the open card."""
    request = await _meant(turn)
    recipe = await turn.services.recipes.save(turn.user_id, request, " ".join(name.split()))
    await turn.answer(templates.saved(turn.t, recipe, turn.user_id))


async def _meant(turn: Turn) -> VideoRequest:
    noted = await result_replied_to(turn)
    if noted is not None:
        return noted.task.request
    await use(turn, Medium.VIDEO)
    open_card = await turn.services.cards.get(turn.user_id, turn.chat_id)
    if open_card is None:
        raise UserError("error.recipe.of_what")
    return open_card.request


async def list_templates(turn: Turn) -> None:
    """`/recipes`: the person's templates, newest first."""
    await turn.answer(await _list(turn, 0))


async def _list(turn: Turn, page: int) -> View:
    found = await turn.services.recipes.list_owned(turn.user_id)
    return templates.listed(turn.t, found, page, turn.user_id)


def _card(turn: Turn, recipe: Recipe) -> View:
    try:
        request, price = turn.services.recipes.preview(recipe)
    except UserError as error:
        sentence = error_sentence(turn.t, error, turn.zone, turn.now())
        return templates.outdated(turn.t, recipe, sentence, turn.user_id)
    return templates.card(turn.t, recipe, request, price, turn.user_id)


async def follow_link(turn: Turn, token: str) -> None:
    """A link to a template that somebody shared: show it, with the way to make it."""
    if not is_token(token):
        raise UserError("error.recipe.gone")
    await turn.answer(_card(turn, await turn.services.recipes.get(token)))


# -- buttons -----------------------------------------------------------------------------------------


async def on_list(turn: Turn, button: templates.ListTemplates) -> None:
    """Turn to a page of the list."""
    await turn.edit(await _list(turn, button.page))


async def on_open(turn: Turn, button: templates.OpenTemplate) -> None:
    """Show a template in the list's place."""
    await turn.edit(_card(turn, await turn.services.recipes.get(button.token)))


async def on_save(turn: Turn, button: templates.SaveTemplate) -> None:
    """Save a result's request, under its first words."""
    task = await turn.services.tasks.of(turn.user_id, button.task_id)
    recipe = await turn.services.recipes.save(turn.user_id, task.request)
    await turn.answer(templates.saved(turn.t, recipe, turn.user_id))


async def on_run(turn: Turn, button: templates.RunTemplate) -> None:
    """Make a template's video at once, or ask for the photo that it takes."""
    recipes = turn.services.recipes
    recipe = await recipes.get(button.token)
    if not recipe.pictures:
        await submit_pressed(turn, recipes.request(recipe), button.price)
        return
    if not turn.is_private:
        raise UserError("error.recipe.private_chat")
    recipes.preview(recipe)
    question = templates.photo_question(turn.t, recipe.name, recipe.pictures, turn.user_id)
    await turn.ask(PHOTO, f"{recipe.token}.{button.price or 0}", question)


async def on_photo_reply(turn: Turn, subject: str) -> None:
    """Make a template's video of the photo that it asked for."""
    token, _, shown = subject.partition(".")
    recipe = await turn.services.recipes.get(token)
    inputs = await read_inputs(turn, Medium.PHOTO)
    request = turn.services.recipes.request(recipe, inputs.pictures, inputs.text, inputs.names)
    await turn.stop_asking()
    await submit_or_ask(turn, request, int(shown or 0))


async def on_rename(turn: Turn, button: templates.RenameTemplate) -> None:
    """Ask for another name; the next words are it."""
    recipe = await turn.services.recipes.get_owned(turn.user_id, button.token)
    if not turn.is_private:
        raise UserError("error.recipe.private_chat")
    await turn.ask(NAME, recipe.token, templates.name_question(turn.t, recipe, turn.user_id))


async def on_name_reply(turn: Turn, token: str) -> None:
    """Give a template the name that was asked for."""
    recipe = await turn.services.recipes.rename(turn.user_id, token, turn.text)
    await turn.stop_asking()
    await turn.answer(_card(turn, recipe))


async def on_stop(turn: Turn) -> None:
    """Send nothing after all."""
    await turn.stop_asking()
    await turn.edit(View(turn.t("recipe.stopped")))


async def on_share(turn: Turn, button: templates.ShareTemplate) -> None:
    """Show the link to a template."""
    recipe = await turn.services.recipes.get_owned(turn.user_id, button.token)
    address = f"https://t.me/{turn.username}?start={LINK_PREFIX}{recipe.token}"
    await turn.answer(templates.link(turn.t, recipe, address))


async def on_copy(turn: Turn, button: templates.CopyTemplate) -> None:
    """Copy a shared template to the person's own."""
    await turn.edit(_card(turn, await turn.services.recipes.copy(turn.user_id, button.token)))


async def on_ask_to_delete(turn: Turn, button: templates.AskToDeleteTemplate) -> None:
    """Ask before a template is deleted."""
    recipe = await turn.services.recipes.get_owned(turn.user_id, button.token)
    await turn.edit(templates.delete_question(turn.t, recipe, turn.user_id))


async def on_delete(turn: Turn, button: templates.DeleteTemplate) -> str:
    """Delete a template; the list goes on without it."""
    await turn.services.recipes.delete(turn.user_id, button.token)
    await turn.edit(await _list(turn, 0))
    return turn.t("recipe.deleted")


COMMANDS = (
    Command("save", save, section=Section.LIBRARY),
    Command("recipes", list_templates, access=AccessLevel.VIEW, section=Section.LIBRARY),
)
BUTTONS = (
    Press(templates.ListTemplates, on_list, AccessLevel.VIEW),
    Press(templates.OpenTemplate, on_open, AccessLevel.VIEW),
    Press(templates.SaveTemplate, on_save),
    Press(templates.RunTemplate, on_run),
    Press(templates.RenameTemplate, on_rename),
    Press(templates.StopAsking, on_stop),
    Press(templates.ShareTemplate, on_share),
    Press(templates.CopyTemplate, on_copy),
    Press(templates.AskToDeleteTemplate, on_ask_to_delete),
    Press(templates.DeleteTemplate, on_delete),
)
REPLIES = (Reply(PHOTO, Answer.PHOTO, on_photo_reply), Reply(NAME, Answer.TEXT, on_name_reply))

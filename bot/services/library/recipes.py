"""Recipes: kept under a name, shared by a token, and made again with other pictures."""

from collections.abc import Sequence
from dataclasses import replace

from bot.clock import Runtime
from bot.domain.library.asset import NO_NAMES, Names
from bot.domain.library.recipe import (
    MOST_RECIPES,
    Recipe,
    clean_name,
    made_of,
    new_token,
    previewed,
    recipe_of,
    suggested_name,
)
from bot.domain.requests.request import ImageRef, VideoRequest
from bot.domain.units import Credits, UserId
from bot.errors import UserError
from bot.services.compose import Compose
from bot.store import RecipeRefused, Store


class Recipes:
    """What a person keeps and makes again. Tokens are drawn from `rng`."""

    def __init__(self, *, store: Store, compose: Compose, runtime: Runtime) -> None:
        self._store = store
        self._compose = compose
        self._clock = runtime.clock
        self._rng = runtime.rng

    # -- keeping -------------------------------------------------------------------------------------

    async def save(self, user_id: UserId, request: VideoRequest, name: str = "") -> Recipe:
        """Keep a request as a recipe, under a name or, without one, under its first words.

        Raises:
            UserError: it cannot be made again, the name is taken, or there are too many.

        """
        token, now = new_token(self._rng), self._clock.now()
        if name:
            return await self._keep(recipe_of(request, token, user_id, clean_name(name), now))
        taken = [recipe.name for recipe in await self._store.library.list_recipes(user_id)]
        return await self._keep(recipe_of(request, token, user_id, suggested_name(request, taken), now))

    async def rename(self, user_id: UserId, token: str, name: str) -> Recipe:
        """Give one's own recipe another name.

        Raises:
            UserError: it is gone, or the name is taken.

        """
        return await self._keep(replace(await self.own(user_id, token), name=clean_name(name)))

    async def adopt(self, user_id: UserId, token: str) -> Recipe:
        """Keep a recipe that somebody shared among one's own.

        Raises:
            UserError: it is gone, the name is taken, or there are too many.

        """
        shared = await self.one(token)
        copied = replace(shared, token=new_token(self._rng), user_id=user_id, created_at=self._clock.now())
        return await self._keep(copied)

    async def _keep(self, recipe: Recipe) -> Recipe:
        try:
            await self._store.library.save_recipe(recipe, MOST_RECIPES)
        except RecipeRefused as refused:
            if refused.name_taken:
                raise UserError("error.recipe.name_taken", name=recipe.name) from None
            raise UserError("error.recipe.too_many", limit=MOST_RECIPES) from None
        return recipe

    async def delete(self, user_id: UserId, token: str) -> None:
        """Delete one's own recipe; once is enough."""
        await self._store.library.delete_recipe(user_id, token)

    # -- finding -------------------------------------------------------------------------------------

    async def all_of(self, user_id: UserId) -> list[Recipe]:
        """A person's recipes, newest first."""
        return await self._store.library.list_recipes(user_id)

    async def one(self, token: str) -> Recipe:
        """A recipe, whoever owns it: to know its token is to be allowed to see it.

        Raises:
            UserError: it is deleted, or there never was one.

        """
        recipe = await self._store.library.get_recipe(token)
        if recipe is None:
            raise UserError("error.recipe.gone")
        return recipe

    async def own(self, user_id: UserId, token: str) -> Recipe:
        """One of a person's own recipes.

        Raises:
            UserError: it is deleted, or another's.

        """
        recipe = await self.one(token)
        if recipe.user_id != user_id:
            raise UserError("error.recipe.gone")
        return recipe

    # -- making --------------------------------------------------------------------------------------

    def request(
        self,
        recipe: Recipe,
        pictures: Sequence[ImageRef] = (),
        words: str = "",
        names: Names = NO_NAMES,
    ) -> VideoRequest:
        """What a recipe makes of some pictures; words that came along take the place of its own.

        Raises:
            UserError: it takes another number of pictures, or cannot be made here any more.

        """
        request = made_of(recipe, pictures)
        if words:
            return self._compose.completed(request, self._compose.parse(words, names))
        self._compose.check(request)
        return request

    def preview(self, recipe: Recipe) -> tuple[VideoRequest, Credits]:
        """A recipe as people see it, and its price.

        Raises:
            UserError: it cannot be read any more, or nobody here knows what it asks for.

        """
        request = previewed(recipe)
        return request, self._compose.price(request)

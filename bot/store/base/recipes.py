"""Settings that people keep under a name."""

from typing import Protocol

from bot.domain.library.recipe import Recipe
from bot.domain.units import UserId


class RecipeRefused(Exception):
    """The recipe is not kept: its name is taken (`name_taken`), or its owner has as many as are allowed."""

    def __init__(self, *, name_taken: bool) -> None:
        super().__init__("the name is taken" if name_taken else "there are too many recipes")
        self.name_taken = name_taken


class Recipes(Protocol):
    """Each intent is one transaction, as `bot.store.base` says."""

    async def keep_recipe(self, recipe: Recipe, most: int) -> None:
        """Keep a recipe; what its owner has under this token gives way.

        Raises:
            RecipeRefused: another one of the owner's has the name, in any case, or there are `most` already.

        """
        ...

    async def recipe(self, token: str) -> Recipe | None:
        """A recipe by its token, whoever owns it."""
        ...

    async def recipes_of(self, user_id: UserId) -> list[Recipe]:
        """A person's recipes, newest first."""
        ...

    async def delete_recipe(self, user_id: UserId, token: str) -> bool:
        """Delete one of a person's own recipes; False: there was none."""
        ...

"""Settings that people keep under a name."""

import sqlite3

from bot.domain.library.recipe import Recipe
from bot.domain.units import UserId
from bot.store import sql
from bot.store.base import RecipeRefused
from bot.store.rows import insert, recipe_of, recipe_values
from bot.store.sqlite.file import SqliteFile


class Recipes(SqliteFile):
    """See `bot.store.base.recipes`."""

    async def keep_recipe(self, recipe: Recipe, most: int) -> None:
        values = recipe_values(recipe)
        owner, token = recipe.user_id, recipe.token

        def work(db: sqlite3.Connection) -> None:
            if db.execute(sql.RECIPE_OF_NAME, (owner, values["folded_name"], token)).fetchone() is not None:
                raise RecipeRefused(name_taken=True)
            (others,) = db.execute(sql.COUNT_RECIPES, (owner, token)).fetchone()
            if others >= most:
                raise RecipeRefused(name_taken=False)
            db.execute(sql.DELETE_RECIPE, (token, owner))
            insert(db, "recipes", values)

        await self._writer.do(work)

    async def recipe(self, token: str) -> Recipe | None:
        row = await self._row(sql.RECIPE, (token,))
        return None if row is None else recipe_of(row)

    async def recipes_of(self, user_id: UserId) -> list[Recipe]:
        return [recipe_of(row) for row in await self._rows(sql.RECIPES_OF, (user_id,))]

    async def delete_recipe(self, user_id: UserId, token: str) -> bool:
        return bool(
            await self._writer.do(lambda db: db.execute(sql.DELETE_RECIPE, (token, user_id)).rowcount)
        )

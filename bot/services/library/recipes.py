"""What people make again: their templates, kept under a name and shared by a token, and ready-made ideas."""

import hashlib
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

from bot.clock import Runtime
from bot.domain.library.asset import NO_NAMES, Names
from bot.domain.library.recipe import (
    BUILT_IN,
    BUILT_IN_PHOTO,
    MOST_RECIPES,
    Idea,
    Recipe,
    clean_name,
    made_of,
    new_token,
    previewed,
    recipe_of,
    suggested_name,
)
from bot.domain.requests.choices import Preferences
from bot.domain.requests.options import Options
from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.requests.request import ImageRef, VideoRequest
from bot.domain.units import Credits, UserId
from bot.errors import UserError
from bot.i18n import Texts
from bot.services.compose import Compose, Pictures
from bot.store import LibraryRefused, Store


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
        return await self._keep(replace(await self.get_owned(user_id, token), name=clean_name(name)))

    async def copy(self, user_id: UserId, token: str) -> Recipe:
        """Keep a recipe that somebody shared among one's own.

        Raises:
            UserError: it is gone, the name is taken, or there are too many.

        """
        shared = await self.get(token)
        copied = replace(shared, token=new_token(self._rng), user_id=user_id, created_at=self._clock.now())
        return await self._keep(copied)

    async def _keep(self, recipe: Recipe) -> Recipe:
        try:
            await self._store.library.save_recipe(recipe, MOST_RECIPES)
        except LibraryRefused as refused:
            if refused.name_taken:
                raise UserError("error.recipe.name_taken", name=recipe.name) from None
            raise UserError("error.recipe.too_many", limit=MOST_RECIPES) from None
        return recipe

    async def delete(self, user_id: UserId, token: str) -> None:
        """Delete one's own recipe; once is enough."""
        await self._store.library.delete_recipe(user_id, token)

    # -- finding -------------------------------------------------------------------------------------

    async def list_owned(self, user_id: UserId) -> list[Recipe]:
        """A person's recipes, newest first."""
        return await self._store.library.list_recipes(user_id)

    async def get(self, token: str) -> Recipe:
        """A recipe, whoever owns it: to know its token is to be allowed to see it.

        Raises:
            UserError: it is deleted, or there never was one.

        """
        recipe = await self._store.library.get_recipe(token)
        if recipe is None:
            raise UserError("error.recipe.gone")
        return recipe

    async def get_owned(self, user_id: UserId, token: str) -> Recipe:
        """One of a person's own recipes.

        Raises:
            UserError: it is deleted, or another's.

        """
        recipe = await self.get(token)
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


STAND_IN = ImageRef(sha256="0" * 64, media_type="image/jpeg", width=1024, height=1024)
"""For the photo that is still to come, to show and price what it makes; it is never sent."""


class Ideas:
    """What newcomers may begin with. `configured` are the operator's own, which replace ours."""

    def __init__(self, *, configured: Sequence[Idea], store: Store, compose: Compose) -> None:
        self._configured = tuple(configured)
        self._store = store
        self._compose = compose

    def listed(self, texts: Texts) -> tuple[Idea, ...]:
        """Every idea, in the reader's language where it is one of ours."""
        if self._configured:
            return self._configured
        return tuple(
            Idea(name, texts(f"idea.{name}.name"), texts(f"idea.{name}.prompt"), photo=name in BUILT_IN_PHOTO)
            for name in (*BUILT_IN, *BUILT_IN_PHOTO)
        )

    def find(self, slug: str, texts: Texts) -> Idea:
        """The idea that a button names.

        Raises:
            UserError: there is none of that name any more.

        """
        found = next((idea for idea in self.listed(texts) if idea.slug == slug), None)
        if found is None:
            raise UserError("error.idea.gone")
        return found

    def request(
        self, idea: Idea, preferences: Preferences, picture: ImageRef | None = None, words: str = ""
    ) -> VideoRequest:
        """What an idea makes; words that came with the photo take the place of its own.

        Raises:
            UserError: nobody here can make it.

        """
        parsed = self._compose.parse(words or idea.words)
        parsed = ParsedPrompt(parsed.prompt, _over(parsed.options, idea.options))
        return self._compose.video(parsed, None if picture is None else Pictures(first=picture), preferences)

    # -- samples -------------------------------------------------------------------------------------

    async def known_sample(self, idea: Idea) -> str | None:
        """The file id of an idea's sample, where it was sent before."""
        return await self._store.operations.get_setting(_key(idea)) if idea.sample else None

    async def keep_sample(self, idea: Idea, file_id: str) -> None:
        """Remember a sample that was sent, so that it is never uploaded again."""
        await self._store.operations.set_setting(_key(idea), file_id)


def _over(said: Options, usual: Options) -> Options:
    """What the words of an idea say, and beneath that what its settings say."""
    missing = {
        field.name: getattr(usual, field.name)
        for field in fields(Options)
        if getattr(said, field.name) is None and getattr(usual, field.name) is not None
    }
    return replace(said, **missing)


def _key(idea: Idea) -> str:
    """A sample that is changed, also under the same name, is another one."""
    path = Path(idea.sample)
    changed = path.stat().st_mtime_ns if path.is_file() else 0
    return f"sample:{hashlib.sha256(f'{idea.sample}:{changed}'.encode()).hexdigest()[:32]}"

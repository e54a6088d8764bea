"""Templates: what people save under a title and share by a token, and the ideas that operators offer."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from bot.clock import Runtime
from bot.domain.library.asset import NO_NAMES, Names
from bot.domain.library.template import (
    BUILT_IN,
    BUILT_IN_PHOTO,
    MAX_TEMPLATES,
    Template,
    clean_title,
    fill_template,
    is_token,
    make_template,
    new_token,
    suggest_title,
)
from bot.domain.requests.choices import Preferences
from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.requests.request import PLACEHOLDER, GenerationRequest, ImageRef
from bot.domain.types import Credits, UserId, short_hash
from bot.errors import UserError
from bot.i18n import Texts
from bot.services.compose import Compose, Images
from bot.settings.sections import IdeaSettings
from bot.store import LibraryRefused, Store


class Templates:
    """Saves, finds and fills templates. `configured` are the operator's ideas, which replace the built-in ones."""

    def __init__(
        self, *, configured: Sequence[IdeaSettings], store: Store, compose: Compose, runtime: Runtime
    ) -> None:
        self._configured = configured
        self._store = store
        self._compose = compose
        self._clock = runtime.clock
        self._rng = runtime.rng

    # -- saving --------------------------------------------------------------------------------------

    async def save(self, user_id: UserId, request: GenerationRequest, title: str = "") -> Template:
        """Save a request under a title or, without one, under its first words.

        Raises:
            UserError: it cannot be made again, the title is taken, or there are too many.

        """
        if title:
            title = clean_title(title)
        else:
            title = suggest_title(request, [each.title for each in await self.list_owned(user_id)])
        token = new_token(self._rng)
        return await self._save(make_template(request, token, user_id, title, self._clock.now()))

    async def rename(self, user_id: UserId, token: str, title: str) -> Template:
        """Give one's own template another title.

        Raises:
            UserError: it is gone, or the title is taken.

        """
        return await self._save(replace(await self.get_owned(user_id, token), title=clean_title(title)))

    async def copy(self, user_id: UserId, token: str) -> Template:
        """Save a template that somebody shared among one's own.

        Raises:
            UserError: it is gone, the title is taken, or there are too many.

        """
        shared = await self.get(token)
        token, now = new_token(self._rng), self._clock.now()
        return await self._save(replace(shared, token=token, owner=user_id, created_at=now))

    async def _save(self, template: Template) -> Template:
        try:
            await self._store.library.save_template(template, MAX_TEMPLATES)
        except LibraryRefused as refused:
            if refused.name_taken:
                raise UserError("error.template.title_taken", title=template.title) from None
            raise UserError("error.template.too_many", limit=MAX_TEMPLATES) from None
        return template

    async def delete(self, user_id: UserId, token: str) -> None:
        """Delete one's own template; once is enough."""
        await self._store.library.delete_template(user_id, token)

    # -- finding -------------------------------------------------------------------------------------

    async def list_owned(self, user_id: UserId) -> list[Template]:
        """A person's templates, newest first."""
        return await self._store.library.list_templates(user_id)

    async def get(self, token: str) -> Template:
        """A saved template, whoever owns it: to know its token is to be allowed to see it.

        Raises:
            UserError: it is deleted, or there never was one.

        """
        template = await self._store.library.get_template(token) if is_token(token) else None
        if template is None:
            raise UserError("error.template.gone")
        return template

    async def get_owned(self, user_id: UserId, token: str) -> Template:
        """One of a person's own templates.

        Raises:
            UserError: it is deleted, or another's.

        """
        template = await self.get(token)
        if template.owner != user_id:
            raise UserError("error.template.gone")
        return template

    async def find(self, token: str, texts: Texts, preferences: Preferences) -> Template:
        """A saved template, or an idea as `list_ideas` has it.

        Raises:
            UserError: it is gone, or an idea that cannot be made here any more.

        """
        if is_token(token):
            return await self.get(token)
        idea = next((idea for idea in self._ideas(texts, preferences) if idea.token == token), None)
        if idea is None:
            raise UserError("error.idea.gone")
        return idea

    def list_ideas(self, texts: Texts, preferences: Preferences) -> list[Template]:
        """The ideas that can be made here, in the reader's language, with what they prefer where an idea is open.

        Raises:
            UserError: there is none.

        """
        ideas = list(self._ideas(texts, preferences))
        if not ideas:
            raise UserError("error.idea.none")
        return ideas

    def _ideas(self, texts: Texts, preferences: Preferences) -> Iterator[Template]:
        offered = {short_hash(idea.name, 10): idea for idea in self._configured} or {
            name: IdeaSettings(
                name=texts(f"idea.{name}.name"),
                prompt=texts(f"idea.{name}.prompt"),
                photo=name in BUILT_IN_PHOTO,
            )
            for name in (*BUILT_IN, *BUILT_IN_PHOTO)
        }
        for token, idea in offered.items():
            with suppress(UserError):
                parsed = self._compose.parse(idea.prompt)
                parsed = ParsedPrompt(parsed.prompt, {**idea.options, **parsed.options})
                images = Images(first=PLACEHOLDER) if idea.photo else None
                request = self._compose.video(parsed, images, preferences)
                yield make_template(request, token, None, idea.name, self._clock.now(), idea.sample)

    # -- making --------------------------------------------------------------------------------------

    def fill(
        self, template: Template, images: Sequence[ImageRef] = (), words: str = "", names: Names = NO_NAMES
    ) -> GenerationRequest:
        """What a template makes of some images; words that came along take the place of its prompt.

        Raises:
            UserError: it takes another number of images, or cannot be made here any more.

        """
        request = fill_template(template, images)
        if words:
            return self._compose.complete(request, self._compose.parse(words, names))
        self._compose.check(request)
        return request

    def preview(self, template: Template) -> tuple[GenerationRequest, Credits]:
        """A template as people see it, and its price.

        Raises:
            UserError: it cannot be read any more, or its model is unknown here.

        """
        request = fill_template(template, (PLACEHOLDER,) * template.images)
        return request, self._compose.price(request)

    # -- samples -------------------------------------------------------------------------------------

    async def known_sample(self, template: Template) -> str | None:
        """The file id of a template's preview, where it was sent before."""
        return await self._store.operations.get_setting(_sample_key(template))

    async def save_sample(self, template: Template, file_id: str) -> None:
        """Remember a preview that was sent, so that it is never uploaded again."""
        await self._store.operations.set_setting(_sample_key(template), file_id)


def _sample_key(template: Template) -> str:
    """A preview that is changed, also under the same name, is another one."""
    path = Path(template.preview)
    changed = path.stat().st_mtime_ns if path.is_file() else 0
    return f"sample:{hashlib.sha256(f'{template.preview}:{changed}'.encode()).hexdigest()[:32]}"

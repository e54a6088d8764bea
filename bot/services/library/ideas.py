"""Ideas on offer: the operator's, or those that come with the program, as requests with their samples."""

import hashlib
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

from bot.domain.library.recipe import BUILT_IN, BUILT_IN_PHOTO, Idea
from bot.domain.requests.options import Options
from bot.domain.requests.preferences import Preferences
from bot.domain.requests.prompt import ParsedPrompt
from bot.domain.requests.request import ImageRef, VideoRequest
from bot.errors import UserError
from bot.i18n import Texts
from bot.services.compose import Compose, Pictures
from bot.store import Store

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

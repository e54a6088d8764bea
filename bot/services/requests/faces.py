"""The faces of a video whose lips are to move, found before anything is asked of its person.

Kling finds them for 0.05 unit; what it found is kept with the request, so that it is not asked, and paid, again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from bot.clock import Clock
from bot.domain.requests.operations import Operation, Product
from bot.domain.requests.request import Face, Faces, GenerationRequest, SourceVideo, VideoRef
from bot.domain.tasks.advice import Advice, advice_for
from bot.domain.tasks.task import FailureKind
from bot.domain.types import HOUR, ProviderName
from bot.errors import UserError
from bot.kling import errors
from bot.kling.client import KlingClient
from bot.kling.dialects.lip_sync import FoundFace, NoFace, read_faces
from bot.kling.download import DownloadFailed, DownloadGone, DownloadRefused
from bot.kling.pool import ProviderPool
from bot.media.sheets import TILE, draw_sheet
from bot.media.worker import ImageWorker
from bot.services.slots import waiting

log = structlog.get_logger(__name__)

FACES_KEPT = 23 * HOUR
"""Milliseconds; Kling forgets a session after 24 hours."""

FetchFace = Callable[[ProviderName, str, Path, Product], Awaitable[object]]
"""Saves a provider's picture of a face by its address, or raises what `bot.kling.download` raises."""


class FaceFinder:
    """Finds the faces of videos. Files in between are written to `directory`.

    `address` is where a provider fetches a person's own video while it looks at it; empty: nowhere. `check`
    refuses a request that its faces, once they are known, do not allow.
    """

    def __init__(
        self,
        *,
        pool: ProviderPool,
        images: ImageWorker,
        fetch: FetchFace,
        address: Callable[[VideoRef], str],
        directory: Path,
        check: Callable[[GenerationRequest], None],
        clock: Clock,
    ) -> None:
        self._pool = pool
        self._images = images
        self._fetch = fetch
        self._address = address
        self._directory = directory
        self._check = check
        self._clock = clock

    async def find(self, request: GenerationRequest) -> tuple[GenerationRequest, bytes | None]:
        """The request with the faces of its video, and a picture that numbers them where one is to be chosen.

        Unchanged where its provider tells of faces only as it makes the video, or cannot tell now. What was found
        already, and is still known there, is not asked for again.

        Raises:
            UserError: the video is refused, or there is no face, not the one that was asked for, or not when it is to
                speak.

        """
        source = request.source
        if request.operation is not Operation.LIP_SYNC or source is None:
            return request, None
        known = request.faces
        if known is not None and known.until > self._clock.now():
            self._check(request)
            return request, None
        client, urls = self._asked(request, source)
        if client is None:
            return request, None
        try:
            async with waiting():
                told = await client.find_faces(request, urls)
        except errors.Rejected as error:
            raise _refusal(error) from None
        except errors.ProviderError as error:
            log.warning("faces could not be found", provider=client.name, reason=str(error))
            return request, None
        if told is None:
            return request, None
        found = read_faces(told)
        faces = Faces(
            provider=client.name,
            session=told["session_id"],
            until=self._clock.now() + FACES_KEPT,
            found=tuple(Face(id=face.id, begin=face.begin, end=face.end) for face in found),
        )
        request = request.model_copy(update={"faces": faces})
        self._check(request)
        is_open = len(found) > 1 and request.face is None
        sheet = await self._sheet(client.name, found) if is_open else None
        return request, sheet

    def _asked(
        self, request: GenerationRequest, source: SourceVideo
    ) -> tuple[KlingClient | None, Mapping[str, str]]:
        """Who is asked for the faces now, and where it fetches the video; None: nobody."""
        if source.file is None:
            client, urls = self._pool.find(ProviderName(source.provider)), {}
        else:
            client, url = self._pool.nearest(request), self._address(source.file)
            urls = {source.file.sha256: url}
            client = client if url else None
        if client is None or not self._pool.is_open(client.name, request.resource):
            return None, {}
        return client, urls

    async def _sheet(self, provider: ProviderName, faces: Sequence[FoundFace]) -> bytes:
        """The pictures of the faces, numbered; one that cannot be had leaves its place empty."""
        tiles = []
        with TemporaryDirectory(prefix="faces-", dir=self._directory) as directory:
            for number, face in enumerate(faces):
                path, tile = Path(directory) / f"{number}", None
                try:
                    async with waiting():
                        await self._fetch(provider, face.url, path, Product.IMAGE)
                        tile = (await self._images.reduce(path, TILE, 85)).data
                except (DownloadFailed, DownloadGone, DownloadRefused, UserError) as error:
                    log.info("a face cannot be shown", provider=provider, reason=str(error))
                tiles.append(tile)
        return await asyncio.to_thread(draw_sheet, tiles)


def _refusal(error: errors.Rejected) -> UserError:
    """What to say of a video that is refused: its content, its face, or whatever else of it."""
    if isinstance(error, NoFace):
        return UserError("error.source.no_face")
    if error.kind is FailureKind.CONTENT:
        return UserError("error.source.blocked")
    unclear = advice_for(error.kind, error.message) is Advice.FACE
    return UserError("error.source.face_unclear" if unclear else "error.source.unfit")

"""Files at Telegram: how they get here, and what stands in the way."""

from collections.abc import Awaitable, Callable
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TypeVar

from telegram import Bot, File
from telegram.error import InvalidToken

from bot.services.ports import ChatBusy, ChatForgot, ChatRefused
from handlers.sending.requests import BUSY_PAUSE, Requests

T = TypeVar("T")


class FileUnreachable(ChatRefused):
    """A file is where this process cannot read it: only the operator can change that."""


class Downloads:
    """Fetches files; what fails is tried again within seconds. Methods raise a `ChatError`, or `FileUnreachable`."""

    def __init__(self, *, bot: Bot, requests: Requests) -> None:
        self._bot = bot
        self._requests = requests

    @property
    def is_local(self) -> bool:
        """Whether the Bot API server is a local one, which hands out files of any size."""
        return self._bot.local_mode

    async def read(self, file_id: str) -> bytes:
        """Return the content of a file at Telegram, whole in memory."""
        return bytes(await self._fetch(file_id, lambda file: file.download_as_bytearray()))

    async def save(self, file_id: str, target: Path) -> None:
        """Write a file at Telegram to a path."""
        await self._fetch(file_id, lambda file: file.download_to_drive(target))

    async def _fetch(self, file_id: str, read: Callable[[File], Awaitable[T]]) -> T:
        async def fetch() -> T:
            file = await self._bot.get_file(file_id)
            path = file.file_path
            if path is None:
                # The server has not fetched it yet.
                raise ChatBusy(BUSY_PAUSE)
            if _is_missing(path, self._bot.base_file_url):
                raise FileUnreachable("the server names a path that is not here")
            try:
                return await read(file)
            except InvalidToken:
                # So Telegram answers where an address has run out.
                raise ChatForgot("its address is unknown") from None
            except OSError as error:
                # The text would hold the token.
                raise FileUnreachable(type(error).__name__) from None

        return await self._requests.make_patiently(fetch)


def _is_missing(path: str, address: str) -> bool:
    """Whether a local server names a path that is not here: the library takes it for a part of an address."""
    named = path.removeprefix(f"{address}/")
    is_local = PurePosixPath(named).is_absolute() or PureWindowsPath(named).is_absolute()
    return is_local and not Path(named).is_file()

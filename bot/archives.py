"""Copies of the database as files that travel: with people's own videos, compressed, encrypted, in parts.

Every layer is a format of its own that common tools open as well: tar, gzip and age (age-encryption.org/v1).
"""

import gzip
import os
import re
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bot.errors import CopyUnusable

LARGEST_PART = 49_000_000
"""Bytes of a part; bots may send 50 MB (Bot API, "Sending files")."""

DATABASE = "klingbot.db"
VIDEOS = "videos"

_AGE = b"age-encryption.org/v1"
_GZIP = b"\x1f\x8b"
_PART = re.compile(r"(?P<stem>.+)\.(?P<number>\d{3})-of-(?P<count>\d{3})")
_SECRET_KEY = re.compile(r"AGE-SECRET-KEY-1[0-9A-Z]+")
_VIDEO = re.compile(rf"{VIDEOS}/([0-9a-f]{{64}}\.(?:mp4|mov))")


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A database, and the directory of the videos that came with it; None: none came."""

    database: Path
    videos: Path | None


def bundle(database: Path, videos: Path, target: Path) -> int:
    """Put a copy of the database and people's own videos into one tar file; how many videos.

    A video that goes meanwhile is left out: nothing needs it any more.
    """
    number = 0
    with _private(target) as file, tarfile.open(fileobj=file, mode="w") as tar:
        tar.add(database, DATABASE)
        for path in sorted(videos.glob("*")):
            try:
                tar.add(path, f"{VIDEOS}/{path.name}", recursive=False)
            except FileNotFoundError:
                continue
            number += 1
        tar.close()
        file.flush()
        os.fsync(file.fileno())
    return number


def new_key() -> tuple[str, str]:
    """A pair of keys: the public one, with which copies are encrypted, and the secret one, which opens them."""
    from pyrage import x25519

    identity = x25519.Identity.generate()
    return str(identity.to_public()), str(identity)


def check_recipient(text: str) -> None:
    """Raises ValueError where a text is no public key."""
    from pyrage import RecipientError, x25519

    try:
        x25519.Recipient.from_str(text)
    except RecipientError:
        raise ValueError("must be a public key, such as age1…: `klingbot backup-key` makes one") from None


def seal(source: Path, folder: Path, recipient: str, most: int = LARGEST_PART) -> list[Path]:
    """Compress and encrypt a file into `folder`; its parts of up to `most` bytes, in order.

    No more than a piece of it is in memory at any time.
    """
    from pyrage import encrypt_io, x25519

    packed = folder / f"{source.name}.gz"
    with source.open("rb") as plain, _private(packed) as file, gzip.GzipFile("", "wb", 6, file, 0) as target:
        shutil.copyfileobj(plain, target)
    sealed = folder / f"{packed.name}.age"
    with packed.open("rb") as compressed, _private(sealed) as file:
        encrypt_io(compressed, file, [x25519.Recipient.from_str(recipient)])
    packed.unlink()
    count = -(-sealed.stat().st_size // most)
    if count == 1:
        return [sealed]
    parts = [sealed.with_name(f"{sealed.name}.{number:03}-of-{count:03}") for number in range(1, count + 1)]
    with sealed.open("rb") as whole:
        for part in parts:
            with _private(part) as file:
                _copy_some(whole, file, most)
    sealed.unlink()
    return parts


def unpack(path: Path, folder: Path, secret_key: Callable[[], str]) -> Unpacked:
    """Undo all that was done to a copy, into `folder`; `secret_key` is asked where it is encrypted.

    Of several parts, any one may be named: the others are beside it.

    Raises:
        CopyUnusable: a part is missing, the key is another one's, or it cannot be read.

    """
    name = path.name
    try:
        path = _join(path, folder)
        begins = _begins(path)
        if begins.startswith(_AGE):
            path = _decrypt(path, folder / "decrypted", secret_key())
            begins = _begins(path)
        if begins.startswith(_GZIP):
            target = folder / "unzipped"
            with gzip.open(path) as packed, _private(target) as file:
                shutil.copyfileobj(packed, file)
            path = target
        return _untar(path, folder) if tarfile.is_tarfile(path) else Unpacked(path, None)
    except (OSError, EOFError, tarfile.TarError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise CopyUnusable(f"{name} cannot be read: {reason}") from None


def _join(path: Path, folder: Path) -> Path:
    """The file of which this is a part; itself where it is no part."""
    part = _PART.fullmatch(path.name)
    if part is None:
        return path
    count = int(part["count"])
    parts = [path.with_name(f"{part['stem']}.{number:03}-of-{count:03}") for number in range(1, count + 1)]
    if missing := [each.name for each in parts if not each.is_file()]:
        raise CopyUnusable(f"parts are missing beside {path.name}: {', '.join(missing)}")
    target = folder / "joined"
    with _private(target) as file:
        for each in parts:
            with each.open("rb") as piece:
                shutil.copyfileobj(piece, file)
    return target


def _decrypt(path: Path, target: Path, secret_key: str) -> Path:
    from pyrage import DecryptError, IdentityError, decrypt_io, x25519

    # A file of age-keygen has comments beside the key.
    found = _SECRET_KEY.search(secret_key)
    try:
        identity = x25519.Identity.from_str(found[0] if found else "")
    except IdentityError:
        raise CopyUnusable("that is no secret key: one begins with AGE-SECRET-KEY-1") from None
    try:
        with path.open("rb") as sealed, _private(target) as file:
            decrypt_io(sealed, file, [identity])
    except (DecryptError, OSError) as error:
        # What does not authenticate has no number of the system.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise CopyUnusable(
            "the copy cannot be decrypted: the secret key is another one's, or the file is damaged"
        ) from None
    return target


def _copy_some(source: IO[bytes], target: IO[bytes], most: int) -> None:
    """Copy up to `most` bytes from where a file is read."""
    while most > 0 and (piece := source.read(min(most, 1_000_000))):
        target.write(piece)
        most -= len(piece)


def _untar(path: Path, folder: Path) -> Unpacked:
    """Take the database and the videos out of an archive, and nothing else that it may name."""
    database, videos = folder / DATABASE, folder / VIDEOS
    videos.mkdir(mode=0o700)
    with tarfile.open(path) as tar:
        for member in tar:
            video = _VIDEO.fullmatch(member.name)
            content = tar.extractfile(member) if member.isreg() else None
            if content is None or not (video or member.name == DATABASE):
                continue
            with _private(videos / video[1] if video else database) as file:
                shutil.copyfileobj(content, file)
    if not database.exists():
        raise CopyUnusable(f"{path.name} holds no {DATABASE}")
    return Unpacked(database, videos)


def fill(target: Path, source: Path) -> int:
    """Move the videos of an archive into their directory, but those that are there; how many were moved."""
    number = 0
    for path in source.glob("*"):
        if not (target / path.name).exists():
            shutil.move(path, target / path.name)
            number += 1
    return number


def _begins(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(len(_AGE))


def _private(path: Path) -> IO[bytes]:
    """A new file to write to, for its owner only."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")

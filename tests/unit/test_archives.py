"""Copies that travel: what was packed comes out again, also with the tools that others use, and only that."""

import gzip
import io
import shutil
import stat
import tarfile
from pathlib import Path

import pyrage
import pytest

from bot import archives
from bot.errors import CopyUnusable

(PUBLIC, SECRET), (_, OTHER) = archives.new_key(), archives.new_key()
VIDEO = "ab" * 32 + ".mp4"


@pytest.fixture
def database(tmp_path) -> Path:
    path = tmp_path / "bot-1.db"
    path.write_bytes(b"SQLite format 3\x00" + bytes(range(256)) * 400)
    return path


@pytest.fixture
def folder(tmp_path) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    return made


def unpack(path: Path, folder: Path, secret: str = SECRET) -> archives.Unpacked:
    return archives.unpack(path, folder, lambda: secret)


def test_a_plain_copy_is_what_it_is_and_nobody_is_asked_for_anything(database, folder):
    def ask() -> str:
        raise AssertionError

    assert archives.unpack(database, folder, ask) == archives.Unpacked(database, None)


def test_an_encrypted_copy_is_private_tells_nothing_and_comes_back(database, folder, tmp_path):
    (part,) = archives.seal(database, folder, PUBLIC)
    assert part.name == "bot-1.db.gz.age"
    assert b"SQLite" not in part.read_bytes()
    assert stat.S_IMODE(part.stat().st_mode) == 0o600
    assert list(folder.iterdir()) == [part]
    out = tmp_path / "out"
    out.mkdir()
    assert unpack(part, out).database.read_bytes() == database.read_bytes()


def test_the_parts_put_together_are_what_age_and_gzip_open(database, folder):
    parts = archives.seal(database, folder, PUBLIC, most=200)
    assert len(parts) > 3
    assert parts == sorted(folder.iterdir())
    assert parts[0].name == f"bot-1.db.gz.age.001-of-{len(parts):03}"
    assert {part.stat().st_size for part in parts[:-1]} == {200}
    joined = b"".join(part.read_bytes() for part in parts)
    opened = pyrage.decrypt(joined, [pyrage.x25519.Identity.from_str(SECRET)])
    assert gzip.decompress(opened) == database.read_bytes()


@pytest.mark.parametrize("named", [0, -1])
def test_any_part_stands_for_all(database, folder, tmp_path, named):
    parts = archives.seal(database, folder, PUBLIC, most=300)
    out = tmp_path / "out"
    out.mkdir()
    kept_with_comments = f"# created: today\n# public key: {PUBLIC}\n{SECRET}\n"
    assert unpack(parts[named], out, kept_with_comments).database.read_bytes() == database.read_bytes()


def test_a_missing_part_is_named(database, folder, tmp_path):
    parts = archives.seal(database, folder, PUBLIC, most=300)
    parts[1].unlink()
    with pytest.raises(CopyUnusable, match=parts[1].name):
        unpack(parts[0], tmp_path)


@pytest.mark.parametrize(
    ("secret", "said"),
    [(OTHER, "another one's"), ("", "no secret key"), ("AGE-SECRET-KEY-1ABC", "no secret")],
    ids=["other", "none", "broken"],
)
def test_a_wrong_key_is_told_and_never_quoted(database, folder, tmp_path, secret, said):
    (part,) = archives.seal(database, folder, PUBLIC)
    with pytest.raises(CopyUnusable, match=said) as refused:
        unpack(part, tmp_path, secret)
    assert not secret or secret not in str(refused.value)


def test_a_changed_byte_is_found(database, folder, tmp_path):
    (part,) = archives.seal(database, folder, PUBLIC)
    content = bytearray(part.read_bytes())
    content[-30] ^= 1
    part.write_bytes(content)
    with pytest.raises(CopyUnusable, match="damaged"):
        unpack(part, tmp_path)


def test_only_a_public_key_is_one():
    archives.check_recipient(PUBLIC)
    for wrong in ("age1abc", SECRET, ""):
        with pytest.raises(ValueError, match="backup-key"):
            archives.check_recipient(wrong)


def test_a_file_that_was_cut_off_is_told(database, folder, tmp_path):
    packed = tmp_path / "bot.db.gz"
    packed.write_bytes(gzip.compress(database.read_bytes())[:-20])
    with pytest.raises(CopyUnusable, match="cannot be read"):
        unpack(packed, folder)


def test_videos_come_with_the_database_and_fill_what_is_missing(database, folder, tmp_path):
    videos = tmp_path / "videos"
    videos.mkdir()
    (videos / VIDEO).write_bytes(b"film")
    target = tmp_path / "bot.tar"
    assert archives.bundle(database, videos, target) == 1
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    (part,) = archives.seal(target, tmp_path, PUBLIC)
    unpacked = unpack(part, folder)
    assert unpacked.database.read_bytes() == database.read_bytes()
    assert unpacked.videos is not None
    shutil.rmtree(videos)
    videos.mkdir()
    assert archives.fill(videos, unpacked.videos) == 1
    assert (videos / VIDEO).read_bytes() == b"film"
    assert stat.S_IMODE((videos / VIDEO).stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["../evil", "/evil", "videos/../../evil", "videos/evil.sh", "other.db"])
def test_an_archive_writes_nothing_but_what_a_copy_holds(database, folder, tmp_path, name):
    path = tmp_path / "bad.tar"
    with tarfile.open(path, "w") as tar:
        for member, content in ((name, b"evil"), (archives.DATABASE, b"good")):
            info = tarfile.TarInfo(member)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo(f"videos/{VIDEO}")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    unpacked = unpack(path, folder)
    assert unpacked.database.read_bytes() == b"good"
    assert {each.name for each in folder.rglob("*")} == {archives.DATABASE, archives.VIDEOS}


def test_an_archive_without_a_database_is_none(folder, tmp_path):
    path = tmp_path / "bad.tar"
    with tarfile.open(path, "w") as tar:
        tar.addfile(tarfile.TarInfo("a"))
    with pytest.raises(CopyUnusable, match=archives.DATABASE):
        unpack(path, folder)

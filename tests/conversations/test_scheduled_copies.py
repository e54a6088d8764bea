"""Copies by the clock: made, kept, told of where they fail, and sent to nobody who cannot open them."""

import sqlite3
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.archives import new_key
from bot.domain.types import HOUR, Millis
from bot.services.backups import is_due
from tests.world.bot import BotInProcess
from tests.world.telegram import ADA, BOSS

PUBLIC, SECRET = new_key()


def copies(bot: BotInProcess) -> list[Path]:
    directory = bot.directory / "backups"
    return sorted(directory.glob("klingbot-*.db")) if directory.exists() else []


async def pass_by(bot: BotInProcess, hours: float) -> None:
    bot.clock.advance(round(hours * HOUR))
    await bot.settle()


async def test_each_day_a_copy_is_made_and_the_newest_stay(world):
    world.configure(extra="[backup]\nkeep = 2\n")
    await world.start()
    await world.settle()
    assert copies(world) == []
    for _ in range(3):
        await pass_by(world, 23)
        before = copies(world)
        await pass_by(world, 1)
        assert len(copies(world)) == min(len(before) + 1, 2)
        assert copies(world)[-1] not in before
    await world.restart()
    await world.settle()
    assert len(copies(world)) == 2
    assert (await world.command("restore", str(copies(world)[-1])))[0] != 0
    await world.stop()
    assert (await world.command("restore", str(copies(world)[-1])))[0] == 0


async def test_nothing_is_copied_where_that_is_turned_off(world):
    world.configure(extra="[backup]\nevery_hours = 0\n")
    await world.start()
    await pass_by(world, 100)
    assert copies(world) == []


async def test_a_copy_that_fails_is_told_and_tried_again_in_an_hour(world):
    blocked = world.directory / "blocked"
    blocked.write_text("no directory", "utf-8")
    world.configure(extra=f'[backup]\ndirectory = "{blocked}"\n')
    await world.start()
    await world.settle()
    await pass_by(world, 24)
    told = await world.telegram.wait_text(BOSS, "No backup was made")
    assert "blocked" in told["text"]
    blocked.unlink()
    await pass_by(world, 0.5)
    assert not blocked.exists()
    await pass_by(world, 0.5)
    assert len(list(blocked.glob("*.db"))) == 1


def sending(to: int) -> str:
    return f'[backup]\nsend_to = {to}\nrecipient = "{PUBLIC}"\n'


async def test_a_copy_that_is_sent_is_encrypted_and_puts_the_bot_back(world):
    world.configure(extra=sending(BOSS))
    await world.start()
    await world.telegram.say(BOSS, "/start")
    await world.telegram.say(ADA, "/video a fox")
    await world.telegram.wait_video(ADA)
    await pass_by(world, 24)
    message = await world.telegram.wait_for(
        lambda: next((one for one in world.telegram.replies(BOSS) if "document" in one), None)
    )
    assert message["document"]["file_name"].endswith(".db.gz.age")
    sent = world.directory / message["document"]["file_name"]
    sent.write_bytes(world.telegram.state.files[message["document"]["file_id"]].path.read_bytes())
    assert b"a fox" not in sent.read_bytes()
    key = world.directory / "key.txt"
    key.write_text(f"# public key: {PUBLIC}\n{SECRET}\n", "utf-8")
    await world.stop()
    world.database.unlink()
    status, said = await world.command("restore", "--key", str(key), str(sent))
    assert status == 0, said
    with closing(sqlite3.connect(world.database)) as db:
        assert db.execute("SELECT count(*) FROM tasks").fetchone() == (1,)
    await world.start()
    assert world.balance(ADA) == (-15, 0)
    # Nothing of it stays where people's files are.
    assert not list((world.directory / "work").glob("backup-*"))


async def test_a_chat_that_takes_no_copy_is_tried_again_and_told_of(world):
    world.configure(extra=sending(ADA))
    await world.start()
    await world.telegram.say(ADA, "/start")
    await world.settle()
    world.telegram.state.blocked.add(ADA)
    await pass_by(world, 24)
    await world.telegram.wait_text(BOSS, "couldn't be sent")
    assert len(copies(world)) == 1
    world.telegram.state.blocked.clear()
    await pass_by(world, 1)
    assert [one for one in world.telegram.replies(ADA) if "document" in one]
    assert len(copies(world)) == 1


BERLIN = ZoneInfo("Europe/Berlin")
MIDNIGHT = Millis(1_795_906_800_000)
"""2026-11-29 00:00 in Berlin."""


@pytest.mark.parametrize(
    ("last", "now", "every", "at", "due"),
    [
        (0, 24, 24, "", True),
        (0, 23.9, 24, "", False),
        # The time of day comes round, however long ago the last one was.
        (20, 27.4, 24, "03:30", False),
        (20, 27.5, 24, "03:30", True),
        (27.6, 50, 24, "03:30", False),
        (27.6, 51.5, 24, "03:30", True),
        # Several a day begin with it.
        (3.6, 9.4, 6, "03:30", False),
        (3.6, 9.5, 6, "03:30", True),
        (21.6, 26, 6, "03:30", False),
        # Every other day.
        (3.6, 27.6, 48, "03:30", False),
        (3.6, 51.6, 48, "03:30", True),
        # It was off at that time.
        (3.6, 47, 24, "03:30", True),
    ],
)
def test_when_a_copy_is_due(last, now, every, at, due):
    moments = (Millis(MIDNIGHT + round(hours * HOUR)) for hours in (last, now))
    assert is_due(*moments, every, at, BERLIN) is due

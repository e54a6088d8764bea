"""`klingbot admin` from a shell, while the bot runs."""

import pytest
from click.testing import CliRunner

from bot.__main__ import main

ADA = 1001


@pytest.fixture
async def bot(world):
    await world.start()
    await world.telegram.say(ADA, "/start")
    await world.telegram.wait_text(ADA, "200 credits")
    return world


async def test_the_shell_does_the_essentials_and_the_log_says_so(bot):
    async def run(*arguments: str) -> tuple[int, str]:
        import asyncio

        config = str(bot.config)
        result = await asyncio.to_thread(
            CliRunner().invoke, main, ["admin", "--config", config, *arguments], catch_exceptions=False
        )
        return result.exit_code, result.output

    assert await run("users", "ADA") == (0, "1001\t@ada\tfree\t200\tAda\n")
    assert await run("grant", "@ada", "50", "--note", "a prize", "--id", "p1") == (
        0,
        "1001\t250 can be spent\n",
    )
    assert (await run("grant", "@ada", "50", "--id", "p1"))[
        1
    ] == "1001\t250 can be spent (was booked before)\n"
    assert (await run("grant", "@ada", "--", "-80"))[0] == 1
    assert await run("ban", "@ada", "too", "loud") == (0, "1001\tbanned\n")
    await bot.telegram.say(ADA, "/video a fox")
    await bot.telegram.wait_text(ADA, "too loud")
    assert await run("unban", "1001") == (0, "1001\tnot banned\n")
    code, log = await run("audit", "1001")
    assert code == 0
    assert [line.split("\t")[1:] for line in log.splitlines()] == [
        ["shell", "unban", "1001", "too loud", ""],
        ["shell", "ban", "1001", "", "too loud"],
        ["shell", "grant", "1001", "0", "50 (+50)"],
    ]
    assert await run("tasks") == (0, "")
    assert (await run("ban", "@nobody", "why"))[0] == 1

"""The commands of the program, each a process of its own: the shell beside the running bot, and `check`."""

import re

from tests.world.telegram import ADA, XIAOLIN


async def run(world, *arguments: str) -> list[list[str]]:
    """What a command of the shell prints: its rows, each of its columns."""
    code, said = await world.command("admin", *arguments)
    assert code == 0, said
    return [line.split("\t") for line in said.splitlines()]


async def refused(world, *arguments: str) -> str:
    code, said = await world.command("admin", *arguments)
    assert code == 1, said
    assert said.count("\n") == 1
    return said


async def test_the_running_bot_sends_what_the_shell_writes(world):
    world.configure()
    await world.start()
    telegram = world.telegram
    for person in (ADA, XIAOLIN):
        await telegram.say(person, "/start")
        await telegram.wait_for(lambda person=person: telegram.replies(person))
    assert await run(world, "notice", "Today", "everything is free") == [["Today everything is free"]]
    while not world.written(ADA, "Today everything is free"):
        # The running bot takes up what another process has set within a second or so.
        heard = len(telegram.replies(ADA))
        await telegram.say(ADA, "/start")
        await telegram.wait_for(lambda heard=heard: len(telegram.replies(ADA)) > heard)
    assert await run(world, "notice", "--clear") == [["-"]]
    ((number, state, *figures),) = await run(world, "broadcast", "Videos with sound", "--language", "en")
    assert (state, figures) == ("draft", ["0", "0", "1"])
    assert not world.written(ADA, "Videos with sound")
    assert await run(world, "broadcast-send", number) == [[number, "sending", "0", "0", "1"]]
    await telegram.wait_text(ADA, "Videos with sound")
    await world.wait_for(lambda: world.rows("SELECT 1 FROM broadcasts WHERE state = 'done'"))
    assert await run(world, "broadcast-show", number) == [[number, "done", "1", "0", "1"]]
    assert "is done" in await refused(world, "broadcast-send", number)
    assert not world.written(XIAOLIN, "Videos with sound")
    ((stopped, *_),) = await run(world, "broadcast", "never mind")
    assert (await run(world, "broadcast-stop", stopped))[0][1] == "stopped"
    log = await run(world, "audit")
    assert [row[1:3] for row in log] == [
        ["shell", "broadcast-stop"],
        ["shell", "broadcast"],
        ["shell", "setting"],
        ["shell", "setting"],
    ]


async def test_check_says_what_works_and_what_does_not(world):
    world.config.chmod(0o600)
    code, said = await world.command("check")
    subjects = {line.split(":")[0] for line in said.splitlines()}
    assert code == 0
    assert subjects - {"warn  fonts", "ok    fonts"} == {
        *(
            f"ok    {each}"
            for each in ("config", "store", "disk", "telegram", "groups", "callbacks", "clock")
        ),
        # The bot of a test is everyone's.
        *("warn  access", "ok    provider stand-in"),
    }
    assert (
        "provider stand-in: kling-v2-6 (video): 5, 10 s; std 3, pro 5 credits a second; 5 at a time; " in said
    )
    world.configure(key="demo-access|wrong-secret-but-long-enough-for-hs256")
    code, said = await world.command("check")
    assert code == 1
    assert "FAIL  provider stand-in" in said
    assert "wrong-secret" not in said


async def test_check_tells_whether_callbacks_are_on_and_where(world):
    _, off = await world.command("check")
    assert "callbacks: off" in off
    world.configure(extra='[web]\npublic_url = "https://bot.example.org"\n')
    _, on = await world.command("check")
    assert "callbacks: on, at https://bot.example.org/callback/" in on
    assert re.search(r"callback/stand-in/[0-9a-f]{32}", on) is None

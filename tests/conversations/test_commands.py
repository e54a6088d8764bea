"""From a message to its command: the same in a text and in a caption; what is no order begins nothing."""

from dataclasses import replace

import pytest

from bot.demo.script import sample_picture
from bot.domain.people.access import AccessLevel, AccessMode
from bot.services.operations.actions_on_standings import BanPerson
from handlers import ROUTES, connection
from tests.world.telegram import ADA, BOSS, GROUP

WORDS = "a fox\nin the snow"


@pytest.fixture(autouse=True)
def ran(monkeypatch):
    """The commands that people gave, with their words; none of them does anything."""
    ran = []

    def noting(command):
        async def note(_turn, text: str) -> None:
            ran.append((command.name, text))

        return replace(command, handler=note)

    commands = {name: noting(command) for name, command in ROUTES.commands.items()}
    monkeypatch.setattr(connection, "ROUTES", replace(ROUTES, commands=commands))
    return ran


async def test_each_command_is_the_same_in_a_text_and_in_a_caption(bot, ran):
    for name in ROUTES.commands:
        await bot.telegram.say(BOSS, f"/{name} {WORDS}")
        await bot.telegram.send_photo(BOSS, sample_picture(), f"/{name} {WORDS}")
    await bot.wait_for(lambda: len(ran) == 2 * len(ROUTES.commands))
    assert sorted(ran) == sorted([(name, WORDS) for name in ROUTES.commands] * 2)


@pytest.mark.parametrize("chat", [ADA, GROUP])
async def test_a_command_may_name_its_bot_and_one_for_another_bot_is_not_ours(bot, ran, chat):
    for text in ("/video@kling_demo_bot a fox", "/VIDEO a fox", "/video@other_bot a fox", "/video@other_bot"):
        await bot.telegram.say(ADA, text, chat=chat)
        await bot.telegram.send_photo(ADA, sample_picture(), text, chat=chat)
    await bot.settle()
    assert ran == [("video", "a fox")] * 4
    # In private there is no other bot that could answer.
    replies = bot.telegram.replies(chat)
    assert len(replies) == (4 if chat == ADA else 0)
    assert all("/video@other_bot" in reply["text"] for reply in replies)


async def test_a_path_is_no_command(bot, ran):
    await bot.telegram.say(ADA, "/home/ada is where the fox lives")
    await bot.telegram.wait_text(ADA, "is where the fox lives")
    assert ran == []


async def test_an_unknown_command_is_named_in_private_and_left_alone_in_groups(bot):
    await bot.telegram.say(ADA, "/vidoe a fox", chat=GROUP)
    await bot.telegram.send_photo(ADA, sample_picture(), "/vidoe a fox", chat=GROUP)
    await bot.telegram.say(ADA, "/vidoe a fox")
    await bot.telegram.wait_text(ADA, "/vidoe")
    assert bot.telegram.replies(GROUP) == []


@pytest.mark.parametrize(
    ("closing", "levels"),
    [
        (
            lambda services: services.actions.run(BanPerson(str(ADA), "loud"), None, "test"),
            {AccessLevel.OPEN},
        ),
        (
            lambda services: services.overrides.set(None, "access.maintenance", True, "test"),
            {AccessLevel.OPEN, AccessLevel.VIEW},
        ),
        (
            lambda services: services.overrides.set(None, "access.mode", AccessMode.ALLOW_LIST, "test"),
            {AccessLevel.OPEN},
        ),
        (lambda services: services.access.membership(ADA), set(AccessLevel)),
    ],
    ids=["banned", "maintenance", "stranger", "public"],
)
async def test_a_command_is_open_to_whom_it_declares(bot, ran, closing, levels):
    await bot.telegram.say(ADA, "/start")
    await bot.wait_for(lambda: ran)
    await closing(bot.app.services)
    ran.clear()
    for name in ROUTES.commands:
        await bot.telegram.say(ADA, f"/{name}")
    await bot.wait_for(lambda: len(ran) + len(bot.telegram.replies(ADA)) == len(ROUTES.commands))
    assert {name for name, _ in ran} == {
        name
        for name, command in ROUTES.commands.items()
        if command.access_for("") in levels and command.permission is None
    }

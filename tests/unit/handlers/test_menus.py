"""The public face: menus by language and scope, and what happens where one of them cannot be set."""

import pytest

from bot.domain.people.access import Role
from bot.domain.types import UserId
from bot.i18n import for_language
from handlers import ROUTES
from handlers.chat.menus import Menu, Menus
from tests.world.telegram import ADA, BOSS, complaint

LANGUAGES = (None, "zh")
USER_COMMANDS = ["video", "new", "image", "tasks", "history", "settings", "quota", "help"]
STAFF = {UserId(BOSS): Role.OWNER, UserId(ADA): Role.SUPPORT}


@pytest.fixture
def menus(telegram):
    return Menus(ROUTES.commands.values(), telegram.side.chat)


def menus_set(telegram) -> dict[tuple[str, object, object], list[str]]:
    """The menus that were set, by scope, chat and language."""
    return {
        (call["scope"]["type"], call["scope"].get("chat_id"), call.get("language_code")): [
            command["command"] for command in call["commands"]
        ]
        for call in telegram.front.of("setMyCommands")
    }


async def test_every_language_has_a_menu_for_private_chats_for_groups_and_for_each_admin(telegram, menus):
    await menus.set_all(STAFF)
    assert menus_set(telegram) == {
        **{("all_private_chats", None, language): USER_COMMANDS for language in LANGUAGES},
        **{
            ("all_group_chats", None, language): ["video", "tasks", "cancel", "quota"]
            for language in LANGUAGES
        },
        **{
            ("chat", user, language): menus.menu(Menu.PRIVATE, role)
            for language in LANGUAGES
            for user, role in STAFF.items()
        },
    }


def test_a_role_sees_the_commands_that_it_may_use(menus):
    assert menus.menu(Menu.PRIVATE) == USER_COMMANDS
    added = menus.menu(Menu.PRIVATE, Role.SUPPORT)[len(USER_COMMANDS) :]
    assert set(added) == {"admin", "user", "stats", "strikes"}
    assert set(menus.menu(Menu.PRIVATE, Role.OWNER)) - set(menus.menu(Menu.PRIVATE, Role.ADMIN)) == {"role"}


def test_help_lists_every_command_but_start_and_what_is_sold_only_where_something_is(menus):
    commands = set(ROUTES.commands) - {"start"}
    assert set(menus.listed(Role.OWNER, is_selling=True)) == commands
    hidden = commands - set(menus.listed(Role.OWNER, is_selling=False))
    assert hidden == {"buy", "terms", "paysupport", "refund"}
    assert "grant" not in menus.listed(None, is_selling=True)


async def test_a_role_that_is_given_or_taken_changes_the_menu_at_once(telegram, menus):
    await menus.set_for(UserId(ADA), Role.SUPPORT)
    expected = menus.menu(Menu.PRIVATE, Role.SUPPORT)
    assert menus_set(telegram) == {("chat", ADA, language): expected for language in LANGUAGES}
    await menus.set_for(UserId(ADA), None)
    taken = [
        (call["scope"]["chat_id"], call.get("language_code"))
        for call in telegram.front.of("deleteMyCommands")
    ]
    assert taken == [(ADA, language) for language in LANGUAGES]


async def test_the_menu_and_the_descriptions_are_in_the_readers_language(telegram, menus):
    await menus.set_all({})
    for language, code in (("en", None), ("zh_Hans", "zh")):
        t = for_language(language)
        calls = [call for _, call in telegram.front.calls if call.get("language_code") == code]
        assert any(call.get("description") == t("about.description") for call in calls)
        assert any(call.get("short_description") == t("about.short") for call in calls)
        assert any(
            command["description"] == t("command.video")
            for call in calls
            for command in call.get("commands", ())
        )


async def test_an_admin_who_has_never_written_does_not_keep_the_others_from_their_menus(telegram, menus):
    await menus.set_all({UserId(77): Role.ADMIN, UserId(BOSS): Role.OWNER})
    assert ("chat", BOSS, "zh") in menus_set(telegram)


async def test_a_menu_that_telegram_refuses_does_not_keep_the_bot_from_starting(telegram, menus):
    telegram.front.answer("setMyCommands", *[complaint(400, "Bad Request: BOT_COMMAND_INVALID")] * 8)
    await menus.set_all(STAFF)
    assert len(telegram.front.of("setMyCommands")) == 8
    assert len(telegram.front.of("setMyDescription")) == 2


async def test_where_telegram_is_not_well_the_rest_is_left_for_the_next_start(telegram, menus):
    telegram.front.answer("setMyCommands", complaint(502, "Bad Gateway"))
    await menus.set_all(STAFF)
    assert len(telegram.front.of("setMyCommands")) == 1
    assert telegram.front.of("setMyDescription") == []


async def test_another_default_language_is_everybodys_who_speaks_neither(telegram):
    await Menus(ROUTES.commands.values(), telegram.side.chat, "zh_Hans").set_all({})
    calls = telegram.front.of("setMyDescription")
    assert [(call["description"], call.get("language_code")) for call in calls] == [
        (for_language("zh_Hans")("about.description"), None),
        (for_language("en")("about.description"), "en"),
        (for_language("zh_Hans")("about.description"), "zh"),
    ]

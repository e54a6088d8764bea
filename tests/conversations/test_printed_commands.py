"""Every command that the documents and the bot's own texts print does what it says, exactly as it is printed."""

import html
import re
from pathlib import Path

import pytest

from bot.demo.script import sample_picture
from bot.i18n import read_catalogue
from handlers import ROUTES
from tests.world.media import a_portrait
from tests.world.telegram import ADA, BOSS, GROUP, XIAOLIN

DOCUMENTS = [
    (Path(__file__).parents[2] / name).read_text("utf-8")
    for name in ("README.md", "README.zh-CN.md", "docs/users.md")
]
MODELS = '["kling-v1-6", "kling-v2-6", "kling-v3-omni"]'

SHOP = """
[[packages]]
name = "small"
credits = 100
stars = 100

[plans.pro]
daily_credits = 1000
"""
NAMES = {
    "en": {"{voice}": "Melody", "{effect}": "running", "{model}": "kling-v2-1"},
    "zh_Hans": {"{voice}": "Peppy", "{effect}": "running", "{model}": "kling-v2-1"},
}
"""What stands in a text once it is shown: a voice speaks one language."""

FROM_A_VIDEO = frozenset({"extend", "edit", "lipsync", "save"})
WITH_A_PHOTO = frozenset({"avatar", "cutout", "expand", "element"})
WITH_TWO_PHOTOS = frozenset({"tryon"})
STAFF = frozenset(name for name, command in ROUTES.commands.items() if command.permission is not None)
FOR_A_GROUP = re.compile(r"/grant \d+")
WORKING = "SELECT 1 FROM tasks WHERE state NOT IN ('succeeded', 'failed', 'cancelled', 'expired')"
NOT_HERE = re.compile(
    # Ids, links and payments of somebody's own, names of their own, and what would end the account.
    r"…|<|K7Q2|@|\{name\}|\{plans\}|--(?:element|voice Ada)|^/(?:forget|redeem|refund|voice\b)|^/(?:element|show)$"
)
"""What can be typed only by whoever has what it names; other tests make that first."""


def texts(language: str) -> dict[str, str]:
    """Every text of a language, its plural forms by numbers of their own."""
    forms = read_catalogue(language).texts.items()
    return {f"{key}.{number}": text for key, each in forms for number, text in enumerate(each)}


def printed(language: str) -> list[str]:
    """The commands in the tables of the documents, and in the texts of one language."""
    rows = [
        row
        for page in DOCUMENTS
        for row in page.partition("<!-- commands -->")[0].splitlines()
        if row.startswith("| ")
    ]
    found = re.findall(r"`(/[^`]+)`", "\n".join(rows))
    for text in texts(language).values():
        found += [html.unescape(code) for code in re.findall(r"<code>(/[^<]+)</code>", text)]
        found += re.findall(r"^(/(?:video|image) [^{}\n–—]+)$", text, re.MULTILINE)
    for name, value in NAMES[language].items():
        found = [command.replace(name, value) for command in found]
    kept = {command for command in found if not NOT_HERE.search(command)}
    # While the bot is closed for maintenance nothing else works.
    return sorted(kept, key=lambda command: ("maintenance" in command, command.endswith("off"), command))


def refusals() -> list[re.Pattern[str]]:
    """What the bot says where it refuses, as patterns."""
    return [
        re.compile(re.sub(r"\\\{\w+\\\}", ".*", re.escape(re.sub(r"<[^>]+>", "", text))), re.DOTALL)
        for language in ("en", "zh_Hans")
        for key, text in texts(language).items()
        if key.startswith("error.")
    ]


@pytest.mark.parametrize(("language", "person"), [("en", ADA), ("zh_Hans", XIAOLIN)])
async def test_each_printed_command_works(world, language, person):
    world.configure(models=MODELS, daily=100_000, extra=SHOP)
    world.kling.behaviour.render_seconds = 0.3
    await world.start()
    patterns, wrong = refusals(), {}
    commands = printed(language)
    assert {"lipsync", "avatar", "video", "effect", "image"} <= {word_of(command) for command in commands}
    await world.telegram.say(person, "/video a fox in the snow")
    (video,) = await world.telegram.wait_video(person)
    for command in commands:
        user = BOSS if word_of(command) in STAFF else person
        chat = GROUP if FOR_A_GROUP.fullmatch(command) else user
        before = len(world.telegram.replies(chat))
        await typed(world, user, command, video["message_id"])
        await world.until(lambda: not world.rows(WORKING), 120)
        said = [str(reply.get("text")) for reply in world.telegram.replies(chat)[before:]]
        bad = [text for text in said if any(pattern.fullmatch(text) for pattern in patterns)]
        if bad or not said:
            wrong[command] = bad
    assert wrong == {}
    assert world.rows("SELECT id FROM tasks WHERE state <> 'succeeded'") == []


def word_of(command: str) -> str:
    return re.match(r"/(\w+)", command)[1]


async def typed(bot, user: int, command: str, video: int) -> None:
    """Type a command with what its text says that it needs."""
    word = word_of(command)
    if word in FROM_A_VIDEO:
        await bot.telegram.say(user, command, reply_to=video)
    elif word == "motion":
        await bot.telegram.send_photo(user, a_portrait(), command, reply_to=video)
    elif word in WITH_A_PHOTO or (word == "effect" and "hug" not in command):
        await bot.telegram.send_photo(user, a_portrait(), command)
    elif word in WITH_TWO_PHOTOS or word == "effect" or "--style" in command:
        await bot.telegram.send_album(user, [sample_picture(), a_portrait()], command)
    elif FOR_A_GROUP.fullmatch(command):
        await bot.telegram.say(user, command, chat=GROUP)
    else:
        await bot.telegram.say(user, command)

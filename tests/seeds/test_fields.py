"""Every field and value of the documents that the project began from, asked for in the chat, through the real process."""

import pytest

from bot.demo.script import sample_picture
from bot.demo.telegram.people import Chat, User
from tests.seeds.fields import FLAT_MODELS, GATEWAY_MODELS, OMNIMAAS_MODELS, ROWS, Row
from tests.seeds.gateway import Gateway
from tests.seeds.test_examples import before, contains
from tests.world.process import BotProcess

MODELS = {
    "flat": FLAT_MODELS,
    "prefixed": GATEWAY_MODELS,
    "generic": GATEWAY_MODELS,
    "omnimaas": OMNIMAAS_MODELS,
}


SELDOM = "min_interval = 300\nmax_interval = 300\ntimeout = 900"
"""Nobody waits for these videos: what matters is what is sent for them."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("dialect", sorted(ROWS))
async def test_each_field_is_sent_with_each_value_as_documented(tmp_path, dialect):
    gateway = Gateway(dialect)
    wrong: dict[str, object] = {}
    async with before(gateway, tmp_path, MODELS[dialect], polling=SELDOM) as world:
        # What is sent to one chat goes slowly, so that each asks once.
        for user, row in enumerate(ROWS[dialect], 5_000):
            newcomer(world, user)
            taken, refused = len(gateway.sent), len(gateway.refused)
            said = len(world.telegram.replies(user))
            try:
                await ask(world, user, row)
                await world.telegram.wait_for(
                    lambda taken=taken, refused=refused: (
                        len(gateway.sent) > taken or len(gateway.refused) > refused
                    ),
                    15,
                )
            except TimeoutError:
                wrong[row.text] = [reply.get("text") for reply in world.telegram.replies(user)[said:]]
                continue
            if len(gateway.refused) > refused:
                wrong[row.text] = gateway.refused[refused:]
                continue
            path, body = gateway.sent[-1]
            given = next((name for name in ("image_list", "images", "image") if name in body), "")
            number = (2 if "image_tail" in body else 1) if given == "image" else len(body.get(given, ()))
            if path != row.path or not contains(body, row.sends) or number != row.photos:
                wrong[row.text] = {name: value for name, value in body.items() if "image" not in name}
        assert wrong == {}
        asked = [("in_progress", len(ROWS[dialect]))]
        await world.wait_for(lambda: world.rows("SELECT state, count(*) FROM tasks GROUP BY state") == asked)


def newcomer(world: BotProcess, user: int) -> None:
    """Somebody who has not written before."""
    state = world.telegram.state
    state.users[user] = User(user, "Somebody", f"somebody{user}", "en")
    state.chats[user] = Chat(user, "private")


async def ask(world: BotProcess, user: int, row: Row) -> None:
    """Send the message of a row, and press what it leads to."""
    if row.photos > 1:
        await world.telegram.send_album(user, [sample_picture()] * row.photos, row.text)
    elif row.photos:
        await world.telegram.send_photo(user, sample_picture(), row.text)
    else:
        await world.telegram.say(user, row.text)
    for label in row.press:
        await world.telegram.wait_for(lambda label=label: labelled(world, user, label), 15)
        await world.telegram.press_labelled(user, label)


def labelled(world: BotProcess, user: int, label: str) -> bool:
    """Whether the newest message with buttons has one that begins so."""
    for message in reversed(world.telegram.messages(user)):
        if rows := message.get("reply_markup", {}).get("inline_keyboard", []):
            return any(button["text"].startswith(label) for row in rows for button in row)
    return False

"""What keeps the bot from fetching updates: a webhook that is set, another poller, a logout."""

import httpx
import pytest
from telegram.error import Conflict

from bot.clock import Runtime
from bot.demo.telegram.wire import BotApiError
from bot.errors import LoggedOut
from bot.network import Network
from bot.services.ports import UpdatesRefused
from bot.settings import sections
from handlers.connection import LOGGED_OUT_SECONDS, connect
from tests.world.bot import BotInProcess
from tests.world.telegram import ADA, TOKEN

# Nobody listens there, so that what waits goes on waiting.
WEBHOOK = "https://127.0.0.1:9/hook/a-secret-path"


async def call(world: BotInProcess, method: str, **parameters: str) -> None:
    """Call a method of the Bot API as another program with the same token does."""
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(f"{world.telegram_url}/bot{TOKEN}/{method}", data=parameters)
    assert answer.json()["ok"], answer.text


def removed(world: BotInProcess) -> list[str]:
    """The hosts of the webhooks that the log says are removed."""
    return [
        event["host"]
        for event in world.output
        if event["event"].startswith("a webhook was set") and event["log_level"] == "warning"
    ]


async def test_a_webhook_that_is_left_set_is_removed_at_the_start_and_what_waits_is_answered(world):
    await world.telegram.say(ADA, "/quota")
    await call(world, "setWebhook", url=WEBHOOK)
    await world.start()
    await world.telegram.wait_text(ADA, "Balance:")
    assert world.telegram.state.webhook == {}
    assert removed(world) == ["127.0.0.1"]
    assert "a-secret-path" not in repr(world.output)


async def test_a_webhook_that_is_set_while_the_bot_runs_is_removed_too(bot):
    await call(bot, "setWebhook", url=WEBHOOK)
    await bot.telegram.say(ADA, "/quota")
    await bot.telegram.wait_text(ADA, "Balance:")
    assert removed(bot) == ["127.0.0.1"]
    assert "a-secret-path" not in repr(bot.output)
    assert not [event for event in bot.output if "could not be fetched" in event["event"]]


async def test_a_webhook_that_cannot_be_removed_is_told_as_what_it_is(bot):
    await call(bot, "setWebhook", url=WEBHOOK)
    bot.telegram.refuse_next("deleteWebhook", BotApiError(500, "Internal Server Error"))
    with pytest.raises(Conflict, match="webhook is active"):
        await bot.app.inbox.fetch(0)
    assert removed(bot) == []
    await bot.telegram.say(ADA, "/quota")
    await bot.telegram.wait_text(ADA, "Balance:")


async def test_another_poller_is_not_taken_for_a_webhook(bot):
    asked = len(bot.to_telegram.of("getWebhookInfo"))
    other = (
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
    )
    bot.telegram.refuse_next("getUpdates", BotApiError(409, other))
    with pytest.raises(UpdatesRefused, match="taken"):
        await bot.app.inbox.fetch(0)
    assert len(bot.to_telegram.of("getWebhookInfo")) == asked
    assert bot.to_telegram.of("deleteWebhook") == []


async def test_a_bot_that_is_logged_out_says_what_to_do_and_comes_back(bot):
    await call(bot, "logOut")
    with pytest.raises(LoggedOut, match=r"telegram\.base_url, or wait 10 minutes"):
        await bot.app.inbox.fetch(0)
    bot.clock.advance(10 * 60 * 1000)
    await bot.telegram.say(ADA, "/quota")
    await bot.telegram.wait_text(ADA, "Balance:")


async def test_a_bot_that_is_logged_out_waits_at_its_start_until_it_is_taken_back(world):
    await call(world, "logOut")
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        world.clock.advance(int(seconds * 1000))

    settings = sections.Telegram(
        token=TOKEN, base_url=f"{world.telegram_url}/bot", base_file_url=f"{world.telegram_url}/file/bot"
    )
    async with connect(settings, Runtime(world.clock, sleep=sleep), Network()):
        pass
    assert pauses == [LOGGED_OUT_SECONDS] * 10
    (first, *_) = world.events("Telegram does not know the bot now")
    assert "logged out of this Bot API server" in first["error"]


@pytest.mark.filterwarnings("ignore:.*PTB_TIMEDELTA")
async def test_a_server_that_asks_for_a_pause_at_the_start_gets_it(world):
    world.telegram.refuse_next(
        "getMe", BotApiError(429, "Too Many Requests: retry after 7", {"retry_after": 7})
    )
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    settings = sections.Telegram(
        token=TOKEN, base_url=f"{world.telegram_url}/bot", base_file_url=f"{world.telegram_url}/file/bot"
    )
    async with connect(settings, Runtime(world.clock, sleep=sleep), Network()):
        pass
    assert pauses == [7]


async def test_check_says_that_a_webhook_is_set_and_what_run_does_about_it(world):
    await call(world, "setWebhook", url=WEBHOOK)
    _, said = await world.command("check")
    (line,) = [line for line in said.splitlines() if "webhook:" in line]
    assert line == (
        "warn  webhook: one is set, to 127.0.0.1, and takes all updates; "
        "`klingbot run` removes it and fetches them itself: stop what uses it"
    )
    assert "a-secret-path" not in said
    assert world.telegram.state.webhook["url"] == WEBHOOK


async def test_check_says_that_the_bot_is_logged_out_and_not_that_its_token_is_wrong(world):
    await call(world, "logOut")
    code, said = await world.command("check")
    assert code == 1
    assert "FAIL  telegram: the bot was logged out of this Bot API server" in said
    assert "refused" not in said

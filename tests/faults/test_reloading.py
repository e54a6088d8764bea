"""Settings that change while the bot runs: what holds at once, what waits, and that nothing is lost meanwhile."""

import asyncio
import signal

import pytest

from tests.world.bot import KEY
from tests.world.process import BotProcess
from tests.world.telegram import ADA

OTHER_ACCOUNT = "demo-lenient-key"


def change(world: BotProcess, before: str, after: str) -> None:
    text = world.config.read_text("utf-8")
    assert before in text
    world.config.write_text(text.replace(before, after), "utf-8")


async def reload(world: BotProcess) -> tuple[int, list[str]]:
    status, said = await world.command("reload")
    return status, said.splitlines()


async def test_what_changed_holds_at_once_and_what_runs_goes_on(world):
    world.kling.behaviour.render_seconds = 3
    await world.start()
    pid = world.pid
    await world.telegram.say(ADA, "/video a fox in the snow")
    await world.wait_for(lambda: world.kling.submissions)
    change(world, "[plans.free]", "[plans.gold]\nmonthly_credits = 7\n[plans.free]")
    change(world, 'format = "json"', 'format = "json"\nlevel = "DEBUG"')
    change(world, "admins = [1000]", "admins = [1000, 1001]")
    assert await reload(world) == (
        0,
        [
            "now holds: telegram.admins",
            "now holds: plans.gold (added)",
            "now holds: logging.level",
        ],
    )
    await world.telegram.say(ADA, "/admin")
    await world.telegram.wait_text(ADA, "Your role: Owner")
    await world.telegram.wait_video(ADA)
    await world.ended()
    assert (world.balance(ADA), [*world.kling.submissions.values()]) == ((-15, 0), [1])
    assert (world.pid, await reload(world)) == (pid, (0, ["nothing has changed"]))
    assert await world.stop() == 0


async def test_what_cannot_be_used_is_told_in_full_and_changes_nothing(world):
    await world.start()
    text = world.config.read_text("utf-8")
    change(world, "min_interval = 0.2", "min_interval = 900\ncolour = 1")
    status, said = await reload(world)
    assert status == 2
    assert [line for line in said if "polling.min_interval" in line]
    assert [line for line in said if "polling.colour" in line]
    # A signal that did not come from the command.
    world.send(signal.SIGHUP)
    await world.wait_said("the old ones stay")
    (told,) = world.events("the settings cannot be used; the old ones stay")
    assert {"polling.min_interval", "polling.colour"} <= {line.split(" ")[0] for line in told["problems"]}
    # What can be read may still not be usable: the address is taken.
    world.config.write_text(
        text + f'\n[web]\nlisten = "{world.kling_url.split("//")[1]}"\npublic_url = "http://localhost"\n'
    )
    status, said = await reload(world)
    assert status == 2
    assert any("web.listen" in line for line in said)
    await world.telegram.say(ADA, "/video a fox in the snow")
    await world.telegram.wait_video(ADA)
    world.config.write_text(text)
    assert await reload(world) == (0, ["nothing has changed"])


async def test_what_needs_a_restart_is_named_and_the_rest_holds(world):
    await world.start()
    change(world, f'directory = "{world.directory}/work"', f'directory = "{world.directory}/elsewhere"')
    change(world, '[monitoring]\nlisten = "127.0.0.1:0"', '[monitoring]\nlisten = "127.0.0.1:1"')
    change(world, "rate = 1000", "rate = 999")
    assert await reload(world) == (
        0,
        [
            "now holds: providers.stand-in.rate",
            "needs a restart: storage.directory",
            "needs a restart: monitoring.listen",
        ],
    )
    (said,) = world.events("these settings need a restart")
    assert said["keys"] == ["storage.directory", "monitoring.listen"]


OTHER_NAME = 'name = "stand-in"', 'name = "another"'
OTHER_KEY = f'key = "{KEY}"', f'key = "{OTHER_ACCOUNT}"'
NO_SUCH_KEY = f'key = "{KEY}"', 'key = "access|revoked-and-unknown"'
OTHER_MODEL = 'models = ["kling-v2-6", "kling-v2-5-turbo"]', 'models = ["kling-v2-5-turbo"]'


@pytest.mark.parametrize("how", [OTHER_NAME, OTHER_KEY, NO_SUCH_KEY, OTHER_MODEL])
async def test_a_task_whose_provider_key_or_model_is_gone_still_ends_in_its_video(world, how):
    world.kling.behaviour.render_seconds = 4
    await world.start()
    await world.telegram.say(ADA, "/video a fox in the snow")
    await world.wait_for(lambda: world.rows("SELECT state FROM tasks") == [("in_progress",)])
    change(world, *how)
    status, _ = await reload(world)
    assert status == 0
    assert world.rows("SELECT state FROM tasks") == [("in_progress",)]
    await world.telegram.wait_video(ADA)
    await world.ended()
    assert (world.balance(ADA), [*world.kling.submissions.values()]) == ((-15, 0), [1])


async def test_a_task_whose_provider_is_gone_at_a_start_ends_in_a_refund_with_a_reason(world):
    world.kling.behaviour.render_seconds = 600
    world.configure(timeout=10)
    await world.start()
    await world.telegram.say(ADA, "/video a fox in the snow")
    await world.wait_for(lambda: world.rows("SELECT state FROM tasks") == [("in_progress",)])
    await world.stop()
    change(world, *OTHER_NAME)
    await world.start()
    await world.telegram.wait_text(ADA, "refunded")
    await world.ended()
    assert world.balance(ADA) == (0, 0)


async def test_updates_that_come_while_the_settings_change_are_each_acted_on_once(world):
    await world.start()

    async def ask() -> None:
        for number in range(12):
            await world.telegram.say(ADA, f"/video a fox, the {number + 1}th")
            await asyncio.sleep(0.1)

    asking = asyncio.create_task(ask())
    for rate in (990, 980, 970):
        change(world, f"rate = {rate + 10 if rate < 990 else 1000}", f"rate = {rate}")
        assert (await reload(world))[0] == 0
    await asking
    await world.telegram.wait_video(ADA, 12, timeout_seconds=60)
    await world.ended(12)
    assert [*world.kling.submissions.values()] == [1] * 12


async def test_where_no_bot_runs_that_is_said(world):
    status, said = await reload(world)
    assert (status, said) == (1, [f"Error: no bot is running with {world.database}"])


async def test_a_provider_that_a_shell_adds_is_used_at_once_and_one_that_it_removes_ends_its_work(world):
    world.kling.behaviour.render_seconds = 3
    await world.start()
    (world.directory / "key").write_text("sk-demo-generic\n")
    named = ("providers", "add", "gateway", world.kling_url, "--key-file", str(world.directory / "key"))
    status, said = await world.command("admin", *named)
    assert (status, said.startswith("gateway\t")) == (0, True)
    await world.wait_for(lambda: world.events("the settings were read again"))
    assert world.events("the settings were read again")[0]["changed"] == ["providers.gateway (added)"]
    # Only the new one has this model.
    await world.telegram.say(ADA, "/video a fox in the snow --model kling-v1-6")
    await world.wait_for(
        lambda: world.rows("SELECT state, provider FROM tasks") == [("in_progress", "gateway")]
    )
    status, said = await world.command("admin", "providers", "pause", "gateway")
    assert (status, said) == (0, "gateway\tpaused\n")
    status, said = await world.command("admin", "providers", "remove", "gateway")
    assert (status, said) == (0, "gateway\tremoved\n")
    await world.wait_for(lambda: len(world.events("the settings were read again")) == 2)
    await world.telegram.wait_video(ADA)
    await world.ended()
    assert [*world.kling.submissions.values()] == [1]
    assert not world.rows("SELECT key FROM overrides WHERE value IS NOT NULL")
    assert "sk-demo-generic" not in "\n".join(world.output)
    status, said = await world.command(
        "admin", "providers", "add", "gateway", world.kling_url, "--key-file", str(world.config)
    )
    assert status == 1

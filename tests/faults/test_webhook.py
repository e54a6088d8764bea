"""Another program sets a webhook for the bot that runs."""

import httpx

from tests.world.telegram import ADA, TOKEN


async def test_a_webhook_that_is_set_during_a_long_poll_is_removed_and_nothing_is_lost(world):
    await world.start()
    await world.wait_for(lambda: world.to_telegram.of("getUpdates"))
    async with httpx.AsyncClient(trust_env=False) as http:
        # Nobody listens there.
        address = f"{world.telegram_url}/bot{TOKEN}/setWebhook"
        await http.post(address, data={"url": "https://127.0.0.1:9/hook/a-secret-path"})
    await world.telegram.say(ADA, "/quota")
    await world.telegram.wait_text(ADA, "Balance:")
    assert world.telegram.state.webhook == {}
    await world.wait_said("a webhook was set")
    assert not any("a-secret-path" in line for line in world.output)

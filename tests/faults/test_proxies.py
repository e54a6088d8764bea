"""What the environment names for all programs, the process goes through as well."""

from tests.world.proxies import open_proxy
from tests.world.telegram import ADA

LOGIN = ("ada", "s@cret/words")


async def test_a_process_goes_through_the_proxy_of_its_environment_and_says_so(world):
    async with open_proxy("socks5", LOGIN) as proxy:
        shown = f"socks5://***@{proxy.address}"
        world.environment = {"ALL_PROXY": proxy.url, "NO_PROXY": "elsewhere.example"}
        await world.start()
        await world.telegram.say(ADA, "/video a fox in the snow")
        await world.telegram.wait_video(ADA)
        (said,) = world.events("proxies are used")
        assert said["network.proxy"] == shown
        assert {*proxy.targets} == {url.split("//")[1] for url in (world.telegram_url, world.kling_url)}
        status, printed = await world.command("check")
        assert (status, f"{shown}, for telegram, provider stand-in" in printed) == (0, True)
        # From here on nobody gets through.
        proxy.login = ("ada", "another")
        status, printed = await world.command("check")
        assert status == 1
        assert (
            f"{shown}, for telegram, provider stand-in: the proxy refuses the user name or password"
            in printed
        )
        assert "Traceback" not in printed
        said = "\n".join([*world.output, printed])
        assert "s@cret" not in said
        assert "s%40cret" not in said

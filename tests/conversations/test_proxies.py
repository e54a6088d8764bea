"""A video whose every byte goes through a proxy, and what people and operators are told where one does not let it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.cli.checks import check
from bot.cli.checks.findings import Level
from bot.settings.config import load
from tests.world.bot import BotInProcess, open_bot
from tests.world.proxies import ProxyServer, open_proxy
from tests.world.telegram import ADA

LOGIN = ("ada:of", "s@cret/words")


class BehindProxies(BotInProcess):
    """`doors` are the ports that requests to either stand-in come from."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.doors: list[int] = []
        self.to_telegram, self.to_kling = self._noting(self.to_telegram), self._noting(self.to_kling)

    def _noting(self, app):
        async def serve(scope, receive, send):
            if scope["type"] == "http":
                self.doors.append(scope["client"][1])
            await app(scope, receive, send)

        return serve

    def direct(self, *proxies: ProxyServer) -> list[int]:
        """Those that are of none of the proxies."""
        theirs = {port for proxy in proxies for port in proxy.ports}
        return [port for port in self.doors if port not in theirs]


@asynccontextmanager
async def behind(directory: Path, extra: str, **settings: str) -> AsyncIterator[BehindProxies]:
    async with open_bot(directory, BehindProxies) as world:
        world.configure(extra=extra, **settings)
        yield world
    assert "cret" not in str(world.output)


@pytest.mark.parametrize("kind", ["http", "socks5", "socks5h"])
@pytest.mark.parametrize("login", [None, LOGIN])
async def test_a_video_is_made_and_delivered_without_one_direct_connection(tmp_path, kind, login):
    async with open_proxy(kind, login) as proxy:
        async with behind(tmp_path, f'[network]\nproxy = "{proxy.url}"\n') as bot:
            await bot.start()
            await bot.telegram.say(ADA, "/video a fox in the snow")
            await bot.telegram.wait_video(ADA)
            await bot.ended()
            assert len(bot.doors) > 10
            assert bot.direct(proxy) == []
            assert {*proxy.targets} == {bot.telegram_url.split("//")[1], bot.kling_url.split("//")[1]}
            results = [each for each in await check(load(bot.config, {})) if each.subject == "proxy"]
        (line,) = results
        shown = f"{kind}://{'***@' if login else ''}{proxy.address}"
        assert (line.level, line.text) == (Level.OK, f"{shown}, for telegram, provider stand-in")


@pytest.mark.parametrize("kind", ["http", "socks5"])
async def test_each_part_goes_its_own_way(tmp_path, kind):
    async with (
        open_proxy(kind) as for_telegram,
        open_proxy("http") as for_kling,
        open_proxy("socks5") as for_results,
        behind(
            tmp_path,
            '[network]\nproxy = "http://127.0.0.1:1"\n',
            provider=f'proxy = "{for_kling.url}"',
            delivery=f'proxy = "{for_results.url}"',
        ) as bot,
    ):
        text = bot.config.read_text()
        bot.config.write_text(text.replace("[telegram]", f'[telegram]\nproxy = "{for_telegram.url}"'))
        await bot.start()
        await bot.telegram.say(ADA, "/video a fox in the snow")
        await bot.telegram.wait_video(ADA)
        await bot.ended()
        assert {*for_telegram.targets} == {bot.telegram_url.split("//")[1]}
        assert {*for_kling.targets} == {*for_results.targets} == {bot.kling_url.split("//")[1]}
        assert len(for_results.targets) == 1
        assert bot.direct(for_telegram, for_kling, for_results) == []


def submissions(bot: BotInProcess) -> int:
    return sum(request.method == "POST" for request in bot.kling.requests)


async def refuse(proxy: ProxyServer) -> None:
    proxy.login = ("somebody", "else")


async def fail(proxy: ProxyServer) -> None:
    proxy.status = 5


async def hang_up(proxy: ProxyServer) -> None:
    proxy.hangs_up = True


@pytest.mark.parametrize("fault", [refuse, fail, hang_up])
async def test_what_the_proxy_did_not_let_through_is_sent_again_and_made_once(tmp_path, fault):
    async with (
        open_proxy("socks5") as proxy,
        behind(
            tmp_path, "", provider=f'proxy = "{proxy.url}"', delivery='proxy = "direct"', timeout=600
        ) as bot,
    ):
        await bot.start()
        await fault(proxy)
        await bot.telegram.say(ADA, "/video a fox in the snow")
        await bot.until(lambda: False, 3)
        assert submissions(bot) == 0
        assert bot.rows("SELECT state FROM tasks") == [("queued",)]
        proxy.login, proxy.status, proxy.hangs_up = None, 0, False
        await bot.telegram.wait_video(ADA, timeout_seconds=300)
        assert submissions(bot) == 1


async def test_what_breaks_in_the_tunnel_is_asked_about_and_never_sent_again(tmp_path):
    async with (
        open_proxy("socks5") as proxy,
        behind(
            tmp_path, "", provider=f'proxy = "{proxy.url}"', delivery='proxy = "direct"', timeout=600
        ) as bot,
    ):
        await bot.start()
        proxy.breaks_after = 1
        await bot.telegram.say(ADA, "/video a fox in the snow")
        await bot.until(lambda: bot.rows("SELECT state FROM tasks") == [("unconfirmed",)], 60)
        proxy.breaks_after = None
        await bot.telegram.wait_video(ADA, timeout_seconds=300)
        assert submissions(bot) == 1


async def test_a_wrong_login_is_one_clear_line_of_check(tmp_path):
    async with open_proxy("socks5", LOGIN) as proxy:
        url = proxy.url_for(("ada", "wr0ng-words"))
        async with behind(tmp_path, f'[network]\nproxy = "{url}"\n') as bot:
            results = await check(load(bot.config, {}))
        told = {each.subject: each.text for each in results if each.level is Level.FAIL}
        assert told["proxy"] == (
            f"socks5://***@{proxy.address}, for telegram, provider stand-in: "
            "the proxy refuses the user name or password"
        )
        assert told["telegram"] == "not reached: the proxy refuses the user name or password"
        assert "not reached: the proxy refuses the user name or password" in told["provider stand-in"]
        assert "wr0ng" not in str(results)
        assert bot.doors == []

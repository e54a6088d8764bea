"""Requests through real proxies: what goes through, what is refused, and what surely was not sent."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from bot.kling.addresses import Home
from bot.kling.download import DownloadFailed, DownloadRefused, Egress, download
from bot.network import Network, why_insecure, why_unreachable
from bot.proxies import Proxies
from tests.world.proxies import ProxyServer, open_proxy
from tests.world.sockets import tcp_server
from tests.world.tls import Authority

LOGIN = ("ada:of", "s@cret/words")
KINDS = ("http", "socks5", "socks5h")
VIDEO = b"\x00\x00\x00\x20ftypisom" + bytes(range(256)) * 40


class Server:
    """Answers every request with a video, and remembers the heads of requests."""

    def __init__(self) -> None:
        self.heads: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head.decode())
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(VIDEO)}\r\nConnection: close\r\n\r\n".encode())
        writer.write(VIDEO)
        await writer.drain()


class Trusting(Network):
    """A network that trusts the authority of a test."""

    def __init__(self, authority: Authority, path: str) -> None:
        super().__init__()
        authority.save(path)
        self.__dict__["tls"] = ssl.create_default_context(cafile=path)
        self.__dict__["tls_http2"] = ssl.create_default_context(cafile=path)


@asynccontextmanager
async def server(tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[Server, str]]:
    one = Server()
    async with tcp_server(one.serve, tls) as address:
        yield one, address


async def ask(network: Network, proxy: str, url: str) -> httpx.Response:
    async with network.client(timeout=5, proxies=Proxies.of(proxy)) as client:
        return await client.get(url)


async def error_of(proxy: ProxyServer, url: str, network: Network | None = None) -> httpx.ProxyError:
    with pytest.raises(httpx.ProxyError) as caught:
        await ask(network or Network(), proxy.url, url)
    assert why_insecure(caught.value) is None
    assert why_unreachable(caught.value) == str(caught.value)
    assert "cret" not in repr(caught.value)
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("login", [None, LOGIN])
@pytest.mark.parametrize("secure", [False, True])
async def test_a_request_goes_through_the_proxy(tmp_path, kind, login, secure):
    authority = Authority()
    network = Trusting(authority, tmp_path / "ca.pem")
    async with (
        open_proxy(kind, login) as proxy,
        server(authority.context("kling.example") if secure else None) as (
            there,
            address,
        ),
    ):
        # Nobody but the proxy knows the name.
        port = 443 if secure else 80
        proxy.hosts = {f"kling.example:{port}": address}
        answer = await ask(network, proxy.url, f"http{'s' if secure else ''}://kling.example/x?y=1")
        assert answer.content == VIDEO
        assert proxy.targets == [f"kling.example:{port}"]
        (head,) = there.heads
        assert head.startswith("GET /x?y=1 HTTP/1.1")
        assert "proxy-authorization" not in head.lower()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "https://127.0.0.1:1/"])
async def test_a_wrong_login_is_one_clear_sentence(kind, url):
    async with open_proxy(kind, LOGIN) as proxy:
        proxy.url_for = lambda _: f"{kind}://ada:s3cret-wrong@{proxy.address}"
        assert str(await error_of(proxy, url)).startswith("the proxy refuses the user name or password")
        proxy.url_for = lambda _: f"{kind}://{proxy.address}"
        assert str(await error_of(proxy, url)) == "the proxy asks for a user name and a password"
        assert (proxy.refused, proxy.targets) == (2, [])


@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        ("http", 403, "the proxy does not allow this address (403)"),
        ("http", 502, "the proxy cannot reach the server (502)"),
        ("http", 503, "the proxy is not available (503)"),
        ("http", 504, "the server does not answer the proxy (504)"),
        ("http", 418, "the proxy does not connect (418)"),
        ("socks5", 1, "the proxy does not connect"),
        ("socks5", 2, "the proxy does not allow this address"),
        ("socks5", 5, "the server refuses the connection of the proxy"),
    ],
)
async def test_what_a_proxy_refuses_was_not_sent(kind, status, words):
    async with open_proxy(kind) as proxy:
        proxy.status = status
        assert str(await error_of(proxy, "https://kling.example/")) == words


@pytest.mark.parametrize("kind", KINDS)
async def test_a_proxy_that_hangs_up_or_is_none_at_all_has_sent_nothing(kind):
    async with open_proxy(kind) as proxy:
        proxy.hangs_up = True
        words = str(await error_of(proxy, "https://kling.example/"))
        assert words in {
            "the proxy hangs up",
            "the proxy: the connection was cut",
            "the proxy: the connection broke",
        }
    words = str(await error_of(proxy, "https://kling.example/"))
    assert words == "the proxy cannot be reached: connection refused"

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n" * 10)
        await writer.drain()
        await reader.read()

    async with tcp_server(babble) as proxy.address:
        assert str(await error_of(proxy, "https://kling.example/")) == "what answers is no such proxy"


@pytest.mark.parametrize("kind", ["http", "socks5"])
async def test_a_proxy_that_never_answers_has_sent_nothing(kind):
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with (
        tcp_server(silent) as address,
        Network().client(timeout=0.2, proxies=Proxies.of(f"{kind}://{address}")) as client,
    ):
        with pytest.raises(httpx.ProxyError, match="does not answer in time"):
            await client.get("https://kling.example/")


@pytest.mark.parametrize("kind", KINDS)
async def test_what_breaks_in_a_tunnel_may_have_been_sent(tmp_path, kind):
    authority = Authority()
    network = Trusting(authority, tmp_path / "ca.pem")
    async with open_proxy(kind) as proxy, server(authority.context("kling.example")) as (_, address):
        proxy.hosts = {"kling.example:443": address}
        # Enough for the handshake, and not for the request.
        proxy.breaks_after = 5_000
        async with network.client(timeout=5, proxies=Proxies.of(proxy.url)) as client:
            with pytest.raises(httpx.TransportError) as caught:
                await client.post("https://kling.example/", content=b"x" * 100_000)
        assert not isinstance(caught.value, (httpx.ProxyError, httpx.ConnectError, httpx.ConnectTimeout))


async def test_a_proxy_may_speak_tls_itself(tmp_path):
    authority = Authority()
    network = Trusting(authority, tmp_path / "ca.pem")
    proxy = ProxyServer("http", LOGIN)
    async with (
        tcp_server(proxy.serve, authority.context()) as proxy.address,
        server(authority.context("kling.example")) as (_, address),
    ):
        proxy.hosts = {"kling.example:443": address}
        url = proxy.url.replace("http:", "https:")
        assert (await ask(network, url, "https://kling.example/")).content == VIDEO
        with pytest.raises(httpx.ProxyError, match="its certificate is refused"):
            await ask(Network(), url, "https://kling.example/")


async def test_a_certificate_behind_a_proxy_is_the_servers(tmp_path):
    authority = Authority()
    network = Trusting(authority, tmp_path / "ca.pem")
    async with open_proxy("socks5") as proxy, server(authority.context("other.example")) as (there, address):
        proxy.hosts = {"kling.example:443": address}
        with pytest.raises(httpx.ConnectError) as caught:
            await ask(network, proxy.url, "https://kling.example/")
        insecure = why_insecure(caught.value)
        assert insecure is not None
        assert insecure.is_certificate
        assert there.heads == []


async def test_hosts_without_a_proxy_are_asked_directly():
    async with open_proxy("http") as proxy, server() as (there, address):
        through = Proxies.of(proxy.url)
        ways = Proxies(through.https, through.http, ("127.0.0.1",))
        async with Network(proxies=ways).client() as client:
            assert (await client.get(f"http://{address}/")).content == VIDEO
        assert (proxy.connections, len(there.heads)) == (0, 1)


# -- downloads ---------------------------------------------------------------------------------------------


async def resolve_public(host: str) -> list[str]:
    return ["93.184.216.34"]


async def resolve_nothing(host: str) -> list[str]:
    raise OSError("no such name")


@asynccontextmanager
async def downloading(tmp_path, proxy: ProxyServer, authority: Authority) -> AsyncIterator[Egress]:
    network = Trusting(authority, tmp_path / "ca.pem")
    proxies = Proxies.of(proxy.url)
    async with network.client(timeout=5, proxies=proxies) as client:
        yield Egress(client, proxies)


@pytest.mark.parametrize("kind", ["http", "socks5h"])
async def test_what_anybody_may_name_is_asked_for_by_the_address_that_was_checked(tmp_path, kind):
    authority = Authority()
    async with open_proxy(kind) as proxy, server(authority.context("cdn.example")) as (there, address):
        proxy.hosts = {"93.184.216.34:443": address}
        async with downloading(tmp_path, proxy, authority) as egress:
            found = await download(
                egress,
                "https://cdn.example/v.mp4",
                tmp_path / "v.mp4",
                max_bytes=10**6,
                allow_loopback=False,
                resolve=resolve_public,
            )
        assert found.size == len(VIDEO)
        assert proxy.targets == ["93.184.216.34:443"]
        assert "host: cdn.example\r\n" in there.heads[0].lower()


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/v.mp4",
        "https://10.0.0.1/v.mp4",
        "https://169.254.169.254/latest",
        "https://[::1]/v.mp4",
        "https://localhost/v.mp4",
        "http://93.184.216.34/v.mp4",
    ],
)
@pytest.mark.parametrize("home", [False, True])
async def test_private_addresses_are_refused_before_the_proxy_is_asked(tmp_path, url, home):
    async with open_proxy("socks5h") as proxy, downloading(tmp_path, proxy, Authority()) as egress:
        with pytest.raises(DownloadRefused):
            await download(
                egress,
                url,
                tmp_path / "v.mp4",
                max_bytes=10**6,
                allow_loopback=False,
                home=Home("https://kling.example", "Bearer x") if home else None,
            )
        assert proxy.connections == 0


async def test_a_name_that_only_the_proxy_knows_is_a_providers_alone(tmp_path):
    authority = Authority()
    async with open_proxy("socks5h") as proxy, server(authority.context("cdn.example")) as (_, address):
        proxy.hosts = {"cdn.example:443": address}

        async def fetch(url: str, home: Home | None) -> None:
            async with downloading(tmp_path, proxy, authority) as egress:
                await download(
                    egress,
                    url,
                    tmp_path / "v.mp4",
                    max_bytes=10**6,
                    allow_loopback=False,
                    resolve=resolve_nothing,
                    home=home,
                )

        home = Home("https://kling.example", "Bearer x")
        await fetch("https://cdn.example/v.mp4", home)
        for url, whose in [
            ("https://cdn.example/v.mp4", None),
            ("https://cdn/v.mp4", home),
            ("https://cdn.internal/v.mp4", home),
        ]:
            with pytest.raises(DownloadFailed):
                await fetch(url, whose)
        assert proxy.targets == ["cdn.example:443"]

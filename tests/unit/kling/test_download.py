import asyncio
import contextlib
import ipaddress
import itertools
import socket
from contextlib import asynccontextmanager

import httpx
import pytest

from bot.kling.addresses import Home
from bot.kling.download import (
    MAX_REDIRECTS,
    Downloaded,
    DownloadFailed,
    DownloadGone,
    DownloadRefused,
    DownloadTooLarge,
    Egress,
    Tempo,
    download,
    resolve_host,
)
from tests.world.sockets import tcp_server

VIDEO = b"\x00\x00\x00\x20ftypisom" + bytes(range(256)) * 4_000
LIMIT = 10_000_000


def answer(body=b"", status="200 OK", length=None, **headers) -> bytes:
    """A whole HTTP answer as it goes over the wire."""
    lines = [f"HTTP/1.1 {status}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if length is not False:
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Server:
    """Answers on loopback by path, byte for byte, and remembers what was asked."""

    def __init__(self):
        self.answers: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.sent = 0
        self.base = ""

    def url(self, path="/video.mp4") -> str:
        return f"{self.base}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        path = request.split(b" ", 2)[1].decode()
        self.asked.append(path)
        whole = self.answers[path]
        try:
            for start in range(0, len(whole), 1 << 16):
                writer.write(whole[start : start + (1 << 16)])
                await writer.drain()
                self.sent += min(1 << 16, len(whole) - start)
        except ConnectionError:
            pass
        finally:
            writer.close()


@pytest.fixture
async def server():
    made = Server()
    async with tcp_server(made.serve) as address:
        made.base = f"http://{address}"
        yield made


@pytest.fixture
async def client():
    async with httpx.AsyncClient(timeout=5, trust_env=False) as opened:
        yield opened


@pytest.fixture
def target(tmp_path):
    return tmp_path / "result.mp4"


@pytest.fixture
def fetch(client, target):
    """Download into `target`, loopback allowed unless the test says otherwise; nothing half may stay."""

    async def call(url, *, max_bytes=LIMIT, allow_loopback=True, resolve=resolve_host, **tempo):
        return await download(
            Egress(client),
            url,
            target,
            max_bytes=max_bytes,
            allow_loopback=allow_loopback,
            resolve=resolve,
            **tempo,
        )

    yield call
    assert not target.with_name("result.mp4.part").exists()


def names(*addresses):
    """A resolver for which every name has these addresses."""

    async def resolve(_host):
        return list(addresses)

    return resolve


# -- what is fetched ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "is_whole"), [(len(VIDEO), True), (len(VIDEO) * 2, False), ("*", False), ("", False)]
)
async def test_the_whole_is_taken_where_it_is_called_a_part(server, fetch, total, is_whole):
    part = f"bytes 0-{len(VIDEO) - 1}/{total}"
    server.answers["/video.mp4"] = answer(VIDEO, "206 Partial Content", Content_Range=part)
    with contextlib.nullcontext() if is_whole else pytest.raises(DownloadFailed):
        assert (await fetch(server.url())).size == len(VIDEO)


async def test_a_video_is_fetched_byte_for_byte(server, fetch, target):
    server.answers["/video.mp4"] = answer(VIDEO, Content_Type="video/mp4")
    assert await fetch(server.url()) == Downloaded(target, len(VIDEO))
    assert target.read_bytes() == VIDEO


async def test_a_video_of_unannounced_length_is_fetched(server, fetch, target):
    server.answers["/video.mp4"] = answer(VIDEO, length=False)
    assert (await fetch(server.url())).size == len(VIDEO)
    assert target.read_bytes() == VIDEO


async def test_an_older_file_is_replaced(server, fetch, target):
    target.write_bytes(b"older")
    server.answers["/video.mp4"] = answer(VIDEO)
    await fetch(server.url())
    assert target.read_bytes() == VIDEO


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
async def test_a_redirect_is_followed(server, fetch, status):
    server.answers["/video.mp4"] = answer(status=status, Location="/moved.mp4")
    server.answers["/moved.mp4"] = answer(VIDEO)
    assert (await fetch(server.url())).size == len(VIDEO)
    assert server.asked == ["/video.mp4", "/moved.mp4"]


# -- size and content --------------------------------------------------------------------------------


async def test_a_video_of_exactly_the_limit_is_fetched(server, fetch):
    server.answers["/video.mp4"] = answer(VIDEO)
    assert (await fetch(server.url(), max_bytes=len(VIDEO))).size == len(VIDEO)


async def test_a_video_that_says_that_it_is_too_large_is_refused(server, fetch, target):
    server.answers["/video.mp4"] = answer(VIDEO)
    with pytest.raises(DownloadTooLarge, match="more than") as error:
        await fetch(server.url(), max_bytes=len(VIDEO) - 1)
    assert error.value.size == len(VIDEO)
    assert not target.exists()


async def test_a_page_that_says_that_it_is_large_is_no_video(server, fetch):
    server.answers["/video.mp4"] = answer(b"<html><body>" + bytes(1_000))
    with pytest.raises(DownloadRefused, match="something else") as error:
        await fetch(server.url(), max_bytes=100)
    assert not isinstance(error.value, DownloadTooLarge)


async def test_a_video_that_turns_out_too_large_is_broken_off(server, fetch, target):
    endless = VIDEO + bytes(64_000_000)
    server.answers["/video.mp4"] = answer(endless, length=False)
    with pytest.raises(DownloadRefused, match="sends more than 100000"):
        await fetch(server.url(), max_bytes=100_000)
    assert server.sent < len(endless)
    assert not target.exists()


@pytest.mark.parametrize(
    "body", [b"", b"short", b"<html><body>Log in first</body></html>", b'{"code": 1003, "message": "no"}' * 9]
)
async def test_what_is_no_video_is_refused(server, fetch, target, body):
    server.answers["/video.mp4"] = answer(body, Content_Type="video/mp4")
    with pytest.raises(DownloadRefused, match="something else than video"):
        await fetch(server.url())
    assert not target.exists()


@pytest.mark.parametrize("length", [None, len(VIDEO) + 1])
async def test_a_stream_that_breaks_off_is_tried_again_later(server, fetch, target, length):
    whole = answer(VIDEO, length=length)
    server.answers["/video.mp4"] = whole if length else whole[:-1]
    with pytest.raises(DownloadFailed):
        await fetch(server.url())
    assert not target.exists()


async def test_a_chunked_stream_that_breaks_off_is_tried_again_later(server, fetch):
    chunk = f"{len(VIDEO):x}\r\n".encode() + VIDEO + b"\r\n"
    server.answers["/video.mp4"] = answer(chunk, length=False, Transfer_Encoding="chunked")
    with pytest.raises(DownloadFailed):
        await fetch(server.url())


@pytest.mark.parametrize("status", ["403 Forbidden", "404 Not Found", "410 Gone"])
async def test_a_link_that_has_expired_is_gone(server, fetch, status):
    server.answers["/video.mp4"] = answer(b"expired", status=status)
    with pytest.raises(DownloadGone, match=status[:3]):
        await fetch(server.url())


@pytest.mark.parametrize("status", ["500 Error", "503 Busy", "429 Slow down", "206 Partial", "204 Nothing"])
async def test_a_bad_moment_of_the_server_is_tried_again_later(server, fetch, status):
    server.answers["/video.mp4"] = answer(VIDEO if status[0] != "2" else b"", status=status)
    with pytest.raises(DownloadFailed, match=status[:3]):
        await fetch(server.url())


async def test_a_server_that_does_not_answer_is_tried_again_later(fetch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(DownloadFailed, match="ConnectError"):
            await fetch(f"http://127.0.0.1:{unused.getsockname()[1]}/video.mp4")


async def test_a_folder_that_is_missing_is_told(server, client, tmp_path):
    server.answers["/video.mp4"] = answer(VIDEO)
    with pytest.raises(DownloadFailed, match="cannot be written"):
        await download(
            Egress(client), server.url(), tmp_path / "missing" / "a.mp4", max_bytes=LIMIT, allow_loopback=True
        )


# -- where from --------------------------------------------------------------------------------------


async def test_loopback_is_refused_unless_it_is_allowed(server, fetch):
    server.answers["/video.mp4"] = answer(VIDEO)
    with pytest.raises(DownloadRefused):
        await fetch(server.url(), allow_loopback=False)
    assert server.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://cdn.example/v.mp4",
        "ftp://cdn.example/v.mp4",
        "file:///etc/passwd",
        "https://user:password@cdn.example/v.mp4",
        "https:///v.mp4",
        "/v.mp4",
        "",
        "https://[::1/v.mp4",
    ],
)
async def test_only_https_addresses_without_a_password_are_asked(fetch, url):
    with pytest.raises(DownloadRefused):
        await fetch(url, resolve=names("93.184.215.14"))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104  an address to refuse, not to listen on
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:a00:1",
        "64:ff9b::a00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a00:1",
        "2002:a00:1::1",
        "2002:a9fe:a9fe::",
        "2001:0:a00:1::1",
        "::10.0.0.1",
        "::169.254.169.254",
        "fe80::5efe:10.0.0.1",
        "2001:db8::5efe:10.0.0.1",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_name_with_a_private_address_is_refused(fetch, address, scheme):
    with pytest.raises(DownloadRefused):
        await fetch(f"{scheme}://cdn.example/v.mp4", resolve=names(address), allow_loopback=False)


REGISTRIES = (
    # IPv4 Special-Purpose Address Registry
    *("0.0.0.0/8", "0.0.0.0/32", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
    *("172.16.0.0/12", "192.0.0.0/24", "192.0.0.0/29", "192.0.0.8/32", "192.0.0.9/32", "192.0.0.10/32"),
    *("192.0.0.170/32", "192.0.0.171/32", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24"),
    *("192.88.99.0/24", "192.88.99.2/32", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15"),
    *("198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "255.255.255.255/32"),
    # IPv6 Special-Purpose Address Registry; of ::ffff:0:0/96 and 64:ff9b::/96 the inner address counts.
    *("::1/128", "::/128", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23", "2001::/32"),
    *("2001:1::1/128", "2001:1::2/128", "2001:1::3/128", "2001:2::/48", "2001:3::/32", "2001:4:112::/48"),
    *("2001:10::/28", "2001:20::/28", "2001:30::/28", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48"),
    *("3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10"),
    # Multicast, and what is not assigned to anybody or was given back: 2000::/3 is all that is.
    *("224.0.0.0/4", "ff00::/8", "fec0::/10", "200::/7", "4000::/3", "6000::/3", "8000::/1", "::/8"),
)


@pytest.mark.parametrize("special", REGISTRIES)
async def test_no_address_of_the_special_purpose_registries_is_public(fetch, special):
    network = ipaddress.ip_network(special)
    some = {network[0], network[network.num_addresses // 3], network[-1]}
    if network.version == 4:
        some |= {ipaddress.ip_address(f"{form}{each}") for each in some for form in ("::ffff:", "64:ff9b::")}
    for address in some:
        with pytest.raises(DownloadRefused, match="not a public address"):
            await fetch("https://cdn.example/v.mp4", resolve=names(str(address)), allow_loopback=False)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "192.0.1.1", "192.88.98.1", "223.255.255.255", "2606:4700::1111", "64:ff9b::101:101"],
)
async def test_addresses_beside_them_are_public(target, address):
    there = httpx.MockTransport(lambda _: httpx.Response(200, content=VIDEO))
    async with httpx.AsyncClient(transport=there) as client:
        await download(
            Egress(client),
            "https://cdn.example/v.mp4",
            target,
            max_bytes=LIMIT,
            allow_loopback=False,
            resolve=names(address),
        )
    assert target.read_bytes() == VIDEO


async def test_a_translated_public_address_is_public(fetch, client, tmp_path):
    # Nothing listens there: the address itself is not what is refused.
    with pytest.raises(DownloadFailed):
        await fetch("https://cdn.invalid/v.mp4", resolve=names("64:ff9b::5db8:d70e"), allow_loopback=False)


async def test_a_name_with_a_public_and_a_private_address_is_refused(fetch):
    with pytest.raises(DownloadRefused, match="not a public address"):
        await fetch("https://cdn.example/v.mp4", resolve=names("93.184.215.14", "10.0.0.1"))


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "::ffff:192.168.0.1"])
async def test_allowed_loopback_allows_no_other_private_address(fetch, address):
    with pytest.raises(DownloadRefused):
        await fetch("http://cdn.example/v.mp4", resolve=names(address))


@pytest.mark.parametrize(
    "location",
    [
        "http://10.0.0.1/v.mp4",
        "https://10.0.0.1/v.mp4",
        "http://169.254.169.254/latest/meta-data/",
        "https://[fc00::1]/v.mp4",
        "http://2852039166/latest/",
        "file:///etc/passwd",
        "//10.0.0.1/v.mp4",
    ],
)
async def test_a_redirect_to_a_private_address_is_refused(server, fetch, location):
    server.answers["/video.mp4"] = answer(status="302 Found", Location=location)
    with pytest.raises(DownloadRefused):
        await fetch(server.url())
    assert server.asked == ["/video.mp4"]


async def test_a_name_that_changes_its_address_after_the_check_gains_nothing(server, target):
    """DNS rebinding: the check sees a public address, the connection goes to loopback."""
    server.answers["/video.mp4"] = answer(VIDEO)
    async with rebinding_client(server) as client:
        with pytest.raises(DownloadRefused, match="not a public address"):
            await download(
                Egress(client),
                "https://cdn.example/video.mp4",
                target,
                max_bytes=LIMIT,
                allow_loopback=False,
                resolve=names("93.184.215.14"),
            )
    assert not target.exists()


@asynccontextmanager
async def rebinding_client(server):
    """A client whose connections all end at `server`, as if its name had just been given that address."""

    class Elsewhere(httpx.AsyncBaseTransport):
        def __init__(self):
            self.inner = httpx.AsyncHTTPTransport()

        async def handle_async_request(self, request):
            request.url = httpx.URL(server.base).copy_with(path=request.url.path)
            return await self.inner.handle_async_request(request)

        async def aclose(self):
            await self.inner.aclose()

    async with httpx.AsyncClient(transport=Elsewhere()) as client:
        yield client


async def test_redirects_in_a_circle_end(server, fetch):
    server.answers["/video.mp4"] = answer(status="302 Found", Location="/video.mp4")
    with pytest.raises(DownloadRefused, match="redirects too often"):
        await fetch(server.url())
    assert len(server.asked) == MAX_REDIRECTS + 1


async def test_a_name_that_nobody_knows_is_tried_again_later(fetch):
    async def resolve(_host):
        raise socket.gaierror("unknown")

    with pytest.raises(DownloadFailed, match="cannot be found"):
        await fetch("https://cdn.example/v.mp4", resolve=resolve)


async def test_a_signed_address_is_never_told(server, fetch):
    server.answers["/video.mp4?signature=secret"] = answer(status="500 Error")
    with pytest.raises(DownloadFailed) as failed:
        await fetch(server.url("/video.mp4?signature=secret"))
    assert "secret" not in f"{failed.value!r} {failed.value.__cause__!r}"


# -- what is too slow --------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "fast_enough"), [(0.01, True), (11.0, False)])
async def test_a_download_that_is_too_slow_is_broken_off(server, fetch, target, seconds, fast_enough):
    """Each look at the time finds it so many seconds later."""
    server.answers["/video.mp4"] = answer(VIDEO)
    now = itertools.count(0, seconds)
    fetching = fetch(server.url(), tempo=Tempo(min_speed=1_000_000), seconds=lambda: next(now))
    if fast_enough:
        await fetching
        assert target.exists()
        return
    with pytest.raises(DownloadFailed, match="too slow"):
        await fetching
    assert not target.exists()


async def test_a_download_has_an_end_also_where_not_even_the_headers_come(fetch):
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read()

    async with tcp_server(trickle) as address:
        with pytest.raises(DownloadFailed, match="not done after"):
            await fetch(f"http://{address}/v.mp4", tempo=Tempo(total_seconds=0.1))


# -- the provider's own host --------------------------------------------------------------------------


async def test_what_the_settings_allow_of_the_providers_host_is_allowed_for_its_results(server, fetch):
    server.answers["/video.mp4"] = answer(VIDEO)
    home = Home(server.base, "Bearer a-key")
    assert (await fetch(server.url(), allow_loopback=False, home=home)).size == len(VIDEO)


async def test_another_private_host_is_refused_though_the_providers_own_is_private(server, fetch):
    server.answers["/video.mp4"] = answer(VIDEO)
    home = Home("http://192.168.7.7:3000", "Bearer a-key")
    with pytest.raises(DownloadRefused):
        await fetch(server.url(), allow_loopback=False, home=home)
    assert server.asked == []


async def test_the_providers_host_is_private_no_more_once_a_redirect_has_led_elsewhere(server, fetch):
    server.answers["/video.mp4"] = answer(status="302 Found", Location="https://127.0.0.2/x")
    home = Home(server.base, "Bearer a-key")
    with pytest.raises(DownloadRefused):
        await fetch(server.url(), allow_loopback=False, home=home)
    assert server.asked == ["/video.mp4"]


@pytest.mark.parametrize("status", ["400 Bad", "401 No", "402 Pay", "403 No", "404 None", "410 Gone"])
async def test_what_a_server_has_not_for_us_is_gone_for_now(server, fetch, status):
    server.answers["/video.mp4"] = answer(status=status)
    with pytest.raises(DownloadGone, match=status[:3]):
        await fetch(server.url())

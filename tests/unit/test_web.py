"""The public web server over loopback: who is let in with a callback, and what is handed out."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import structlog
from starlette.applications import Starlette
from starlette.routing import Route

from bot.domain.types import MINUTE, SECOND, Millis, ProviderName
from bot.errors import ConfigError
from bot.kling.callback import CallbackEvent, path_secret
from bot.settings.config import load
from bot.settings.sections import Web
from bot.web import LARGEST_BODY, CallbackDoor, Callbacks, Films, Sounds, serve, site
from tests.builders import NOW
from tests.clock import ManualClock

PLAIN, SIGNING = ProviderName("plain"), ProviderName("signing")
KEY = b"a key of thirty-two bytes or so."
DOORS = {
    PLAIN: CallbackDoor("open-sesame"),
    SIGNING: CallbackDoor("another-word", "whsec_" + base64.b64encode(KEY).decode()),
}
BODY = b'{"task_id": "831", "task_status": "succeed", "task_info": {"external_task_id": "ours-1"}}'
HINT = CallbackEvent("ours-1", "831")
ANYWHERE = "127.0.0.1:0"
SOUND = b"somebody speaks"
FILM = bytes(range(256)) * 4_000


class Server:
    """The server, who asks it, and the hints that it handed on."""

    def __init__(self, address: str, http: httpx.AsyncClient, clock: ManualClock):
        self.address, self.http, self.clock = address, http, clock
        self.hints: list[tuple[ProviderName, CallbackEvent]] = []

    async def post(self, path: str, body: bytes = BODY, **headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self.http.post(f"{self.address}{path}", content=body, headers=named)
        return answer.status_code


@asynccontextmanager
async def open_server(directory: Path) -> AsyncIterator[Server]:
    clock = ManualClock(NOW)
    taken: list[tuple[ProviderName, CallbackEvent]] = []

    async def take(provider: ProviderName, hint: CallbackEvent) -> None:
        taken.append((provider, hint))

    async def find(asset: str, tag: str) -> bytes | None:
        return SOUND if (asset, tag) == ("A1", "secret") else None

    async def find_film(task: str, number: int, expires: int, tag: str) -> tuple[Path, str] | None:
        return (film, "video/quicktime") if (task, number, expires, tag) == ("T1", 0, 5, "secret") else None

    film = directory / "film"
    film.write_bytes(FILM)
    app = site(Callbacks(DOORS, take, clock), Sounds(find), Films(find_film))
    async with serve(app, ANYWHERE) as address, httpx.AsyncClient(trust_env=False) as http:
        server = Server(address, http, clock)
        server.hints = taken
        yield server


@pytest.fixture
async def server(tmp_path) -> AsyncIterator[Server]:
    async with open_server(tmp_path) as opened:
        yield opened


def signed(body: bytes = BODY, now: Millis = NOW, key: bytes = KEY) -> dict[str, str]:
    timestamp = str(now // SECOND)
    digest = hmac.digest(key, f"m-1.{timestamp}.".encode() + body, hashlib.sha256)
    signature = "v1," + base64.b64encode(digest).decode()
    return {"webhook_id": "m-1", "webhook_timestamp": timestamp, "webhook_signature": signature}


# -- callbacks ---------------------------------------------------------------------------------------


async def test_a_callback_at_its_providers_address_is_handed_on_as_a_hint(server):
    assert await server.post("/callback/plain/open-sesame") == 200
    assert server.hints == [(PLAIN, HINT)]


@pytest.mark.parametrize(
    "path",
    [
        "/callback/plain/open-sesam",
        "/callback/plain/open-sesame2",
        "/callback/plain/another-word",
        "/callback/plain/%C3%BF",
        "/callback/plain/",
        "/callback/nobody/open-sesame",
        "/callback/plain",
        "/",
    ],
)
async def test_a_wrong_address_is_not_found(server, path):
    assert await server.post(path) == 404
    assert server.hints == []


async def test_a_wrong_address_is_not_found_whatever_is_sent_there(server):
    assert await server.post("/callback/signing/open-sesame", b"garbage", **signed(b"garbage")) == 404


@pytest.mark.parametrize("body", [b"", b"garbage", b"[]", b'{"status": "succeeded"}'])
async def test_garbage_is_a_bad_request(server, body):
    assert await server.post("/callback/plain/open-sesame", body) == 400
    assert server.hints == []


async def test_a_signed_callback_is_taken(server):
    assert await server.post("/callback/signing/another-word", **signed()) == 200
    assert server.hints == [(SIGNING, HINT)]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed(b"{}"),
        signed(key=b"another key"),
        signed(now=Millis(NOW - 6 * MINUTE)),
        {**signed(), "webhook_signature": ""},
    ],
)
async def test_where_callbacks_are_signed_all_others_are_refused(server, headers):
    assert await server.post("/callback/signing/another-word", **headers) == 401
    assert server.hints == []


async def test_garbage_that_is_not_signed_is_refused_for_that(server):
    assert await server.post("/callback/signing/another-word", b"garbage") == 401


async def test_a_body_of_a_million_bytes_is_read(server):
    body = BODY[:-1] + b" " * (LARGEST_BODY - len(BODY)) + b"}"
    assert await server.post("/callback/plain/open-sesame", body) == 200


async def raw(server: Server, *parts: bytes) -> bytes:
    """Send bytes as they are, and wait for the first line of the answer."""
    port = int(server.address.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await asyncio.wait_for(reader.readline(), 10)
    finally:
        writer.close()


HEAD = b"POST /callback/plain/open-sesame HTTP/1.1\r\nhost: here\r\n"
ONE_TOO_MANY = LARGEST_BODY + 1


@pytest.mark.parametrize(
    "parts",
    [
        (HEAD + b"content-length: %d\r\n\r\n" % (2 * ONE_TOO_MANY), b"x" * ONE_TOO_MANY),
        (
            HEAD + b"transfer-encoding: chunked\r\n\r\n%x\r\n" % ONE_TOO_MANY,
            b"x" * ONE_TOO_MANY,
        ),
    ],
    ids=["told before", "not told before"],
)
async def test_a_larger_body_is_refused_before_its_end(server, parts):
    assert b" 413 " in await raw(server, *parts)
    assert server.hints == []


async def test_who_hangs_up_in_the_middle_does_no_harm(server):
    port = int(server.address.rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD + b"content-length: 100\r\n\r\n{")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert await server.post("/callback/plain/open-sesame") == 200
    assert server.hints == [(PLAIN, HINT)]


async def test_callbacks_are_posted_and_nothing_else(server):
    answer = await server.http.get(f"{server.address}/callback/plain/open-sesame")
    assert answer.status_code == 405


async def test_nothing_secret_of_a_callback_is_logged(server):
    with structlog.testing.capture_logs() as logs:
        await server.post("/callback/plain/open-sesame", b'{"secret-body": 1}')
        await server.post("/callback/signing/another-word", b'{"secret-body": 1}', **signed(b"{}"))
    said = json.dumps(logs)
    assert len(logs) == 2
    for secret in ("open-sesame", "another-word", "secret-body", signed(b"{}")["webhook_signature"]):
        assert secret not in said


async def test_a_store_that_fails_is_an_error_for_the_provider_and_shows_nothing_secret(caplog):
    async def take(provider: ProviderName, hint: CallbackEvent) -> None:
        raise OSError("the disk is full")

    clock = ManualClock(NOW)
    app = Starlette(
        routes=[
            Route("/callback/{provider}/{secret}", Callbacks(DOORS, take, clock).receive, methods=["POST"])
        ]
    )
    async with serve(app, ANYWHERE) as address, httpx.AsyncClient(trust_env=False) as http:
        server = Server(address, http, clock)
        caplog.set_level("WARNING")
        assert await server.post("/callback/signing/another-word", **signed()) == 500
    assert "the disk is full" in caplog.text
    for secret in ("another-word", "ours-1", signed()["webhook_signature"]):
        assert secret not in caplog.text


def test_a_door_does_not_print_what_opens_it():
    assert repr(DOORS[SIGNING]) == "CallbackDoor()"


# -- files ---------------------------------------------------------------------------------------------


async def test_a_sound_is_handed_out_at_its_own_address_and_at_no_other(server):
    answer = await server.http.get(f"{server.address}/sound/A1/secret.mp3")
    assert (answer.content, answer.headers["content-type"]) == (SOUND, "audio/mpeg")
    assert answer.headers["cache-control"] == "no-store"
    for path in ("/sound/A1/another.mp3", "/sound/A2/secret.mp3", "/sound/A1/secret", "/sound/A1"):
        assert (await server.http.get(f"{server.address}{path}")).status_code == 404


async def test_a_video_is_handed_out_whole_or_in_parts_at_its_own_address_and_at_no_other(server):
    address = f"{server.address}/video/T1/0/5/secret.mov"
    whole = await server.http.get(address)
    assert (whole.content, whole.headers["content-type"]) == (FILM, "video/quicktime")
    assert whole.headers["cache-control"] == "no-store"
    head = await server.http.head(address)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(FILM)))
    part = await server.http.get(address, headers={"Range": "bytes=1000-1999"})
    assert (part.status_code, part.content) == (206, FILM[1000:2000])
    assert part.headers["content-range"] == f"bytes 1000-1999/{len(FILM)}"
    beyond = await server.http.get(address, headers={"Range": "bytes=9999999-"})
    assert beyond.status_code == 416
    for path in (
        "T1/0/5/other.mov",
        "T1/1/5/secret.mov",
        "T1/0/6/secret.mov",
        "T2/0/5/secret.mov",
        "T1/0/5",
        "T1",
        "",
    ):
        assert (await server.http.get(f"{server.address}/video/{path}")).status_code == 404, path


async def test_the_process_is_alive_from_the_first_moment(server):
    assert (await server.http.get(f"{server.address}/healthz")).text == "ok"


async def test_how_the_bot_is_in_detail_is_not_told_to_strangers(server):
    for path in ("/readyz", "/metrics"):
        assert (await server.http.get(f"{server.address}{path}")).status_code == 404


# -- the server --------------------------------------------------------------------------------------


async def test_the_port_is_told_in_the_log(tmp_path):
    with structlog.testing.capture_logs() as logs:
        async with open_server(tmp_path) as server:
            port = int(server.address.rpartition(":")[2])
    assert {"event": "web server ready", "log_level": "info", "host": "127.0.0.1", "port": port} in logs


async def test_the_server_is_gone_afterwards(tmp_path):
    async with open_server(tmp_path) as server:
        pass
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.address}/healthz", trust_env=False)


async def test_a_port_that_is_taken_is_told_with_its_key(server):
    taken = server.address.removeprefix("http://")
    with pytest.raises(ConfigError) as caught:
        async with serve(Starlette(), taken):
            pass
    (problem,) = caught.value.problems
    assert problem.startswith(f"web.listen: {taken} cannot be used: Address already in use")


# -- its settings ------------------------------------------------------------------------------------

BASE = {
    "KLINGBOT_TELEGRAM__TOKEN": "123456:a-token-for-tests",
    "KLINGBOT_PROVIDERS__0__NAME": "official",
    "KLINGBOT_PROVIDERS__0__BASE_URL": "https://api-singapore.klingai.com",
    "KLINGBOT_PROVIDERS__0__KEY": "access|secret-of-tests",
    "KLINGBOT_PROVIDERS__0__MODELS": '["kling-v2-6"]',
}


def settings(**web: str):
    return load(None, BASE | {f"KLINGBOT_WEB__{key.upper()}": value for key, value in web.items()})


@pytest.mark.parametrize("listen", ["127.0.0.1:8080", "0.0.0.0:80", "[::1]:0", "localhost:65535"])
def test_the_server_listens_at_a_host_and_a_port(listen):
    assert Web(listen=listen).listen == listen


@pytest.mark.parametrize(
    "listen", ["", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "a@b:80", "http://b:80"]
)
def test_other_places_to_listen_are_refused(listen):
    with pytest.raises(ConfigError, match=r"web\.listen"):
        settings(listen=listen)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("", ""),
        ("https://bot.example.org", "https://bot.example.org"),
        ("https://bot.example.org:8443/kling/", "https://bot.example.org:8443/kling"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost", "http://localhost"),
    ],
)
def test_the_public_address_is_kept_without_a_slash_at_its_end(url, kept):
    assert settings(public_url=url).web.public_url == kept


@pytest.mark.parametrize(
    "url",
    [
        "http://bot.example.org",
        "http://192.168.1.7",
        "http://proxy",
        "https://me:word@bot.example.org",
        "https://bot.example.org/?a=b",
        "bot.example.org",
    ],
)
def test_other_public_addresses_are_refused(url):
    with pytest.raises(ConfigError, match=r"web\.public_url"):
        settings(public_url=url)


@pytest.mark.parametrize("secret", ["whsec_", "dGVzdA==", "whsec_dGVzd"])
def test_a_webhook_secret_that_cannot_be_one_is_refused_and_not_shown(secret):
    with pytest.raises(ConfigError, match=r"providers\[0\]\.webhook_secret") as caught:
        load(None, BASE | {"KLINGBOT_PROVIDERS__0__WEBHOOK_SECRET": secret})
    assert all("dGVzd" not in problem for problem in caught.value.problems)


def test_the_secret_parts_of_the_addresses_are_masked_in_every_log():
    secret = path_secret("123456:a-token-for-tests", "official")
    assert secret in settings(public_url="https://bot.example.org").secrets()

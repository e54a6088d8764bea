"""What the HTTP clients share, and which addresses keys may be sent to."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from bot.demo.serving import serve
from bot.network import Network


@pytest.fixture
def made(monkeypatch):
    """The TLS contexts that were made."""
    contexts = []
    make = httpx.create_ssl_context

    def noted(*args, **kwargs):
        contexts.append(make(*args, **kwargs))
        return contexts[-1]

    monkeypatch.setattr(httpx, "create_ssl_context", noted)
    return contexts


async def test_plain_http_needs_no_certificates(made):
    async def hello(request: object) -> PlainTextResponse:
        return PlainTextResponse("hello")

    async with (
        serve(Starlette(routes=[Route("/", hello)])) as address,
        Network().client() as one,
        Network().client(http2=True) as two,
    ):
        assert [(await client.get(address)).text for client in (one, two)] == ["hello", "hello"]
    assert made == []


async def test_clients_for_https_share_one_context_for_each_version_of_http(made):
    network = Network()
    for http2 in (False, True, False, True):
        async with network.client(http2=http2, timeout=1) as client:
            with pytest.raises(httpx.ConnectError):
                await client.get("https://127.0.0.1:1")
    assert made == [network.tls, network.tls_http2]


async def test_a_transport_that_is_handed_in_answers_and_stays_open():
    class Transport(httpx.AsyncBaseTransport):
        is_open = True

        async def handle_async_request(self, request):
            return httpx.Response(200, text=str(request.url))

        async def aclose(self):
            self.is_open = False

    transport = Transport()
    network = Network(transport)
    async with network.client() as client:
        assert (await client.get("https://kling.example/x")).text == "https://kling.example/x"
    assert transport.is_open

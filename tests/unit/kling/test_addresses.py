"""Which addresses a result can have, and where the provider's key may go."""

import httpx
import pytest

from bot.kling.addresses import MOST_ADDRESSES, Home, candidates, is_local

HOME = Home("https://gw.example/kling", "Bearer a-key")
PATH = "/v1/videos/t/content?x=1"


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("https://cdn.example/0.mp4?sign=a%2Fb", ()),
        (f"https://gw.example{PATH}", ()),
        ("http://cdn.example/0.mp4?a=1", ("https://cdn.example/0.mp4?a=1",)),
        ("http://cdn.example:8080/0.mp4", ()),
        (f"http://localhost:3000{PATH}", (f"https://gw.example/kling{PATH}", f"https://gw.example{PATH}")),
        (f"http://new-api:3000{PATH}", (f"https://gw.example/kling{PATH}", f"https://gw.example{PATH}")),
        (f"https://10.0.0.7{PATH}", (f"https://gw.example/kling{PATH}", f"https://gw.example{PATH}")),
        ("http://name:word@localhost/0.mp4", ()),
        ("file:///etc/passwd", ()),
        ("http://[::1", ()),
        ("", ()),
    ],
)
def test_an_address_is_tried_as_it_is_and_then_as_what_it_means(address, found):
    assert candidates([address], HOME) == (address, *found)


def test_without_a_provider_nothing_is_swapped_and_each_address_is_tried_once():
    assert candidates(["http://localhost/0", "http://localhost/0", "https://a.b/1"], None) == (
        "http://localhost/0",
        "https://a.b/1",
    )
    assert len(candidates([f"https://a.b/{number}" for number in range(50)], HOME)) == MOST_ADDRESSES


@pytest.mark.parametrize(
    ("url", "is_origin", "is_host"),
    [
        ("https://gw.example/file", True, True),
        ("https://GW.example:443/file", True, True),
        ("https://gw.example:8443/file", False, True),
        ("http://gw.example/file", False, False),
        ("https://gw.example.evil.example/file", False, False),
        ("https://cdn.gw.example/file", False, False),
        ("https://evil.example/gw.example", False, False),
    ],
)
def test_the_key_is_for_the_very_origin_of_the_settings(url, is_origin, is_host):
    assert HOME.is_origin_of(httpx.URL(url)) is is_origin
    assert HOME.is_host_of(httpx.URL(url)) is is_host


def test_a_home_does_not_show_its_key():
    assert "a-key" not in repr(HOME)


@pytest.mark.parametrize(
    ("host", "local"),
    [("localhost", True), ("new-api", True), ("gw.lan", True), ("127.0.0.1", True), ("gw.example", False)],
)
def test_a_host_without_a_place_in_the_internet_is_local(host, local):
    assert is_local(host) is local

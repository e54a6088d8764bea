"""Which proxy a request goes through, and what is said of it."""

import pytest

from bot.proxies import Proxies, Proxy, is_bypassed, of_environment


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://proxy.example", "http://proxy.example:80"),
        ("https://proxy.example", "https://proxy.example:443"),
        ("socks5://10.0.0.1:1081", "socks5://10.0.0.1:1081"),
        ("SOCKS5H://proxy.example/", "socks5h://proxy.example:1080"),
        ("http://ada:s%40cret@[::1]:3128", "http://***@[::1]:3128"),
    ],
)
def test_a_proxy_is_shown_without_its_login(text, shown):
    proxy = Proxy.parse(text)
    assert str(proxy) == shown
    assert "cret" not in repr(proxy)


def test_a_login_is_percent_encoded():
    proxy = Proxy.parse("socks5://ada%3Ab:s%40cret%2F@proxy.example")
    assert (proxy.user, proxy.password) == ("ada:b", "s@cret/")


@pytest.mark.parametrize(
    "text",
    [
        "proxy.example:3128",
        "socks4://proxy.example",
        "ftp://proxy.example",
        "http://",
        "http://u:hidden-words@proxy.example:70000",
        "http://u:hidden-words@proxy.example/path",
        "http://u:hidden-words@proxy example",
        "http://u:hidden-words@proxy.example?x",
        f"socks5://u:{'hidden-words' * 30}@proxy.example",
        "http://u:hidden%0Dwords@proxy.example",
    ],
)
def test_what_is_no_proxy_is_refused_without_being_quoted(text):
    with pytest.raises(ValueError, match=r"^must ") as caught:
        Proxy.parse(text)
    assert "hidden" not in str(caught.value)


def test_a_setting_names_a_proxy_or_none_or_what_else_holds():
    usual = Proxies.of("http://usual:1")
    assert str(Proxies.of("", usual)) == "http://usual:1"
    assert str(Proxies.of("direct", usual)) == "direct"
    assert str(Proxies.of("socks5h://own:2", usual)) == "socks5h://own:2"


@pytest.mark.parametrize(
    ("entries", "host", "is_free"),
    [
        (["*"], "kling.example", True),
        (["example"], "kling.example", True),
        ([".example"], "kling.example", True),
        (["*.example"], "kling.example", True),
        (["ling.example"], "kling.example", False),
        (["KLING.example"], "kling.example.", True),
        (["kling.example:443"], "kling.example", True),
        (["kling.example:8443"], "kling.example", False),
        (["10.0.0.0/8"], "10.1.2.3", True),
        (["10.0.0.0/8"], "11.1.2.3", False),
        (["127.0.0.1"], "127.0.0.1", True),
        (["::1"], "[::1]", True),
        (["[::1]:443"], "::1", True),
        (["", " "], "kling.example", False),
        (["0.0.1"], "127.0.0.1", False),
    ],
)
def test_hosts_that_need_no_proxy(entries, host, is_free):
    assert is_bypassed(entries, host, 443) is is_free
    proxy = Proxy.parse("http://p")
    assert Proxies(proxy, None, tuple(entries)).find("https", host) == (None if is_free else proxy)


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({}, {}),
        ({"NO_PROXY": "x"}, {}),
        ({"ALL_PROXY": "socks5://p"}, {"proxy": "socks5://p", "http_proxy": "socks5://p"}),
        ({"HTTPS_PROXY": "http://p"}, {"proxy": "http://p", "http_proxy": "direct"}),
        ({"HTTP_PROXY": "p:3128"}, {"proxy": "direct", "http_proxy": "http://p:3128"}),
        (
            {
                "HTTPS_PROXY": "http://a",
                "https_proxy": "http://b",
                "ALL_PROXY": "socks5://p",
                "no_proxy": "x,y",
            },
            {"proxy": "http://b", "http_proxy": "socks5://p", "no_proxy": "x,y"},
        ),
        ({"HTTPS_PROXY": " ", "ALL_PROXY": ""}, {}),
    ],
)
def test_the_usual_variables_are_read_as_other_programs_read_them(environ, found):
    assert {key: value for key, (value, _) in of_environment(environ).items()} == found

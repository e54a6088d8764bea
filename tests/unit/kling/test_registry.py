import pytest

from bot.kling import dialects


@pytest.mark.parametrize(
    ("base_url", "key", "dialect"),
    [
        ("https://api.klingai.com", "a|b", "official"),
        ("https://api-singapore.klingai.com/", "an-api-key", "official"),
        ("https://API-BEIJING.KLINGAI.COM", "an-api-key", "official"),
        ("https://kling.kuaishou.com", "a|b", "official"),
        ("https://kling.ai", "a|b", "official"),
        ("https://api.omnimaas.com", "sk-1", "omnimaas"),
        ("https://gateway.example/kling", "sk-1", "prefixed"),
        ("https://gateway.example/api/kling/v1/", "sk-1", "prefixed"),
        ("https://gateway.example/klingon", "sk-1", "generic"),
        ("https://notklingai.com", "sk-1", "generic"),
        ("https://klingai.com.evil.example", "sk-1", "generic"),
        ("https://gateway.example", "sk-1", "generic"),
        ("http://127.0.0.1:4000", "a|b", "official"),
        ("http://127.0.0.1:4000", "sk-1", "generic"),
    ],
)
def test_a_dialect_is_found_by_host_and_key(base_url, key, dialect):
    assert dialects.detect(base_url, key) == dialect


def test_every_dialect_goes_by_its_own_name():
    assert all(dialects.get(name).name == name for name in dialects.DIALECTS)


def test_a_dialect_that_is_not_spoken_is_no_guess():
    with pytest.raises(KeyError):
        dialects.get("klingon")

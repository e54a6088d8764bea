import jwt
import pytest

from bot.kling.auth import Signer, scheme_of

SECRET = "a-secret-that-is-long-enough-for-hs256"
PAIR = f"access|{SECRET}"
NOW = 1_800_000_000


def claims_of(header: str) -> dict[str, object]:
    token = header.removeprefix("Bearer ")
    return jwt.decode(token, SECRET, algorithms=["HS256"], options={"verify_exp": False, "verify_nbf": False})


def test_a_token_says_who_signs_and_for_how_long():
    header = Signer("jwt", PAIR).authorization(NOW + 0.7)
    assert claims_of(header) == {"iss": "access", "exp": NOW + 1800, "nbf": NOW - 5}
    assert jwt.get_unverified_header(header.removeprefix("Bearer ")) == {"alg": "HS256", "typ": "JWT"}


def test_a_token_is_kept_until_five_minutes_before_its_end():
    signer = Signer("jwt", PAIR)
    first = signer.authorization(NOW)
    assert signer.authorization(NOW + 1499) == first
    assert claims_of(signer.authorization(NOW + 1500))["exp"] == NOW + 1500 + 1800


def test_a_clock_that_was_set_back_makes_a_new_token():
    signer = Signer("jwt", PAIR)
    signer.authorization(NOW)
    assert claims_of(signer.authorization(NOW - 3600))["nbf"] == NOW - 3605


def test_a_measured_skew_moves_the_claims():
    signer = Signer("jwt", PAIR)
    signer.authorization(NOW)
    signer.renew(-120)
    assert claims_of(signer.authorization(NOW))["exp"] == NOW - 120 + 1800
    signer.renew(None)
    assert claims_of(signer.authorization(NOW))["exp"] == NOW - 120 + 1800


def test_a_short_secret_is_the_providers_choice():
    assert Signer("jwt", "a|b").authorization(NOW).startswith("Bearer eyJ")


def test_other_keys_are_sent_as_they_are():
    assert Signer("bearer", "sk-1").authorization(NOW) == "Bearer sk-1"
    assert Signer("raw", "sk-1\n").authorization(NOW) == "sk-1"


@pytest.mark.parametrize("key", ["", " ", "sk 1", "sk-ключ", "sk\r\nX: y"])
def test_a_key_that_cannot_be_sent_is_refused_without_being_repeated(key):
    with pytest.raises(ValueError) as caught:
        Signer("bearer", key)
    assert not key.strip() or key not in str(caught.value)


@pytest.mark.parametrize("key", ["sk-1", "a|", "|b", "a|b|c"])
def test_a_token_needs_a_pair(key):
    with pytest.raises(ValueError, match="access_key"):
        Signer("jwt", key)


def test_no_repr_holds_the_key():
    signer = Signer("jwt", PAIR)
    header = signer.authorization(NOW)
    assert SECRET not in repr(signer)
    assert header not in repr(signer)


@pytest.mark.parametrize(
    ("auth", "key", "base_url", "dialect", "scheme"),
    [
        ("auto", PAIR, "https://api-singapore.klingai.com", "official", "jwt"),
        ("auto", PAIR, "https://api-beijing.klingai.com", "flat", "jwt"),
        ("auto", PAIR, "https://proxy.example", "official", "jwt"),
        ("auto", PAIR, "http://127.0.0.1:8080", "official", "jwt"),
        ("auto", "api-key-1", "https://api.klingai.com", "official", "bearer"),
        ("auto", "sk-1", "https://gateway.example", "generic", "bearer"),
        ("auto", PAIR, "https://klingai.com.evil.example", "generic", "bearer"),
        ("raw", "sk-1", "https://gateway.example", "generic", "raw"),
        ("bearer", PAIR, "https://gateway.example", "generic", "bearer"),
        ("jwt", PAIR, "https://gateway.example", "generic", "jwt"),
    ],
)
def test_the_scheme_follows_from_address_and_key(auth, key, base_url, dialect, scheme):
    assert scheme_of(auth, key, base_url, dialect) == scheme


def test_under_auto_a_pair_is_never_sent_where_the_official_api_is_spoken():
    for base_url in ("https://foreign.example", "https://api.klingai.com", "http://localhost:1"):
        signer = Signer(scheme_of("auto", PAIR, base_url, "official"), PAIR)
        assert SECRET not in signer.authorization(NOW)

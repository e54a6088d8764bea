"""Kling's callbacks as pure functions: who signed them, and which task they tell of."""

import json

import pytest

from bot.domain.types import MINUTE, SECOND, Millis
from bot.kling.callback import CallbackEvent, Malformed, address, is_signed, parse, path_secret, signing_key

# The test vector of Kling's documentation.
SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
BODY = (
    b'{"id":"1234567890","status":"succeeded","message":"",'
    b'"create_time":1781080778802,"update_time":1781080794151}'
)
SIGNATURE = "v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4="
HEADERS = {
    "webhook-id": "9876543210",
    "webhook-timestamp": "1781080794",
    "webhook-signature": SIGNATURE,
}
SIGNED_AT = Millis(1_781_080_794 * SECOND)

# -- signatures --------------------------------------------------------------------------------------


def test_the_vendors_test_vector_is_signed():
    assert is_signed(SECRET, HEADERS, BODY, SIGNED_AT)


@pytest.mark.parametrize("header", HEADERS)
def test_every_header_is_needed(header):
    headers = {name: value for name, value in HEADERS.items() if name != header}
    assert not is_signed(SECRET, headers, BODY, SIGNED_AT)


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook-id": "9876543211"},
        {"webhook-timestamp": "1781080795"},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "-1781080794"},
        {"webhook-timestamp": "²"},
        {"webhook-timestamp": "1" * 5000},
        {"webhook-signature": "v1,"},
        {"webhook-signature": SIGNATURE.removeprefix("v1,")},
        {"webhook-signature": SIGNATURE.replace("v1,", "v2,")},
        {"webhook-signature": SIGNATURE.replace("U", "V")},
        {"webhook-signature": "v1,ÿ"},
    ],
)
def test_headers_that_say_something_else_do_not_sign(changes):
    assert not is_signed(SECRET, {**HEADERS, **changes}, BODY, SIGNED_AT)


def test_another_body_is_not_signed():
    assert not is_signed(SECRET, HEADERS, BODY.replace(b"1234567890", b"1234567891"), SIGNED_AT)


def test_another_secret_does_not_sign():
    assert not is_signed("whsec_YW5vdGhlciBzZWNyZXQ=", HEADERS, BODY, SIGNED_AT)


@pytest.mark.parametrize(
    ("offset", "accepted"),
    [
        (5 * MINUTE, True),
        (5 * MINUTE + 1, False),
        (-5 * MINUTE, True),
        (-5 * MINUTE - 1, False),
    ],
)
def test_a_signature_holds_for_five_minutes_around_its_time(offset, accepted):
    assert is_signed(SECRET, HEADERS, BODY, Millis(SIGNED_AT + offset)) is accepted


def test_any_of_several_signatures_counts_while_a_secret_is_replaced():
    several = {**HEADERS, "webhook-signature": f"v1,b3RoZXI= v1a,abc {SIGNATURE}"}
    assert is_signed(SECRET, several, BODY, SIGNED_AT)


@pytest.mark.parametrize("secret", ["", "dGVzdA==", "whsec_", "whsec_not base64", "whsec_abc"])
def test_what_is_no_webhook_secret_is_told_so(secret):
    with pytest.raises(ValueError):
        signing_key(secret)


# -- bodies ------------------------------------------------------------------------------------------


def test_a_body_of_the_first_standard_names_both_ids():
    body = {
        "task_id": "831922345719271433",
        "task_status": "succeed",
        "task_info": {"external_task_id": "klingbot-K7Q29F", "parent_video": {"id": "1"}},
    }
    assert parse(json.dumps(body).encode()) == CallbackEvent("klingbot-K7Q29F", "831922345719271433")


def test_a_body_of_the_newer_standard_names_both_ids():
    body = {"id": "831922345719271433", "status": "succeeded", "external_id": "klingbot-K7Q29F"}
    assert parse(json.dumps(body).encode()) == CallbackEvent("klingbot-K7Q29F", "831922345719271433")


@pytest.mark.parametrize("info", [{}, None, "text", {"external_task_id": None}, {"external_task_id": 7}])
def test_our_own_id_may_be_missing(info):
    body = {"task_id": "1", "task_status": "submitted", "task_info": info}
    assert parse(json.dumps(body).encode()) == CallbackEvent(None, "1")


def test_the_vendors_example_is_read():
    assert parse(BODY) == CallbackEvent(None, "1234567890")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"hello",
        b"[]",
        b'"1"',
        b"{}",
        b'{"task_id": null}',
        b'{"id": ["1"]}',
        b'{"id": ""}',
        b'{"id": "\\ud800"}',
        b'{"id": "1\\u0000"}',
        b'{"id": "' + b"1" * 201 + b'"}',
        b"[" * 100_000,
    ],
)
def test_garbage_is_malformed(body):
    with pytest.raises(Malformed):
        parse(body)


# -- addresses ---------------------------------------------------------------------------------------


def test_the_secret_of_an_address_is_the_same_after_a_restart_and_another_for_everybody_else():
    secret = path_secret("1:token", "official")
    assert secret == path_secret("1:token", "official")
    assert len({secret, path_secret("1:token", "gateway"), path_secret("2:token", "official")}) == 3


def test_an_address_shows_nothing_of_the_bots_token():
    shown = address("https://bot.example.org", "123456:the-token", "official")
    assert shown == f"https://bot.example.org/callback/official/{path_secret('123456:the-token', 'official')}"
    assert "the-token" not in shown

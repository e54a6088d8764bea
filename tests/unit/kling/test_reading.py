import pytest

from bot.kling.dialects import reading
from bot.kling.wire import RemoteState


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("succeed", RemoteState.SUCCEEDED),
        ("SUCCESS", RemoteState.SUCCEEDED),
        ("Completed", RemoteState.SUCCEEDED),
        ("FAILURE", RemoteState.FAILED),
        ("cancelled", RemoteState.FAILED),
        ("NOT_START", RemoteState.QUEUED),
        ("pending", RemoteState.QUEUED),
        ("in_progress", RemoteState.RUNNING),
        ("", RemoteState.UNKNOWN),
        ("PARTIAL_COMPLETED", RemoteState.UNKNOWN),
        ("done", RemoteState.UNKNOWN),
    ],
)
def test_status_words(word, state):
    assert reading.state_of(word) is state


@pytest.mark.parametrize(
    ("headers", "milliseconds"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "1.5"}, 1500),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "99999999"}, 3_600_000),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "Sat, 21 Nov 2026 06:00:10 GMT"}, None),
        ({"retry-after": "Sat, 21 Nov 2026 06:00:10 GMT", "date": "Sat, 21 Nov 2026 06:00:00 GMT"}, 10_000),
        ({"retry-after": "Sat, 21 Nov 2026 05:00:10 GMT", "date": "Sat, 21 Nov 2026 06:00:00 GMT"}, 0),
    ],
)
def test_retry_after_in_seconds_or_as_a_date(headers, milliseconds):
    assert reading.retry_after(headers) == milliseconds


@pytest.mark.parametrize(
    ("value", "expected"),
    [("100%", 100), ("0%", 0), (40, 40), (40.9, 40), ("", None), (None, None), (True, None), (250, 100)],
)
def test_progress(value, expected):
    assert reading.percent(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [("5.1", 5100), (5, 5000), ("x", None), (-1, None), ("inf", None), ([], None)]
)
def test_the_length_of_a_video(value, expected):
    assert reading.milliseconds(value) == expected


@pytest.mark.parametrize("value", ["ftp://a/b", "//a/b", "javascript:1", "no reason", None, 5, "https://"])
def test_only_web_addresses_count_as_addresses(value):
    assert reading.address(value) is None


def test_a_message_is_one_short_line_without_keys_and_addresses():
    said = "bad\n key sk-abc123 for https://a.example/x?key=1, Bearer eyJhbGciOi.J9.x " + "y" * 500
    cleaned = reading.clean(said)
    assert cleaned.startswith("bad key *** for (address) Bearer *** yyy")
    assert len(cleaned) == reading.MESSAGE_LIMIT


def test_what_is_no_json_is_nothing():
    assert reading.decoded(b"<html>") is None
    assert reading.decoded(b"\xff\xfe") is None
    assert reading.decoded(b"[" * 200_000) is None

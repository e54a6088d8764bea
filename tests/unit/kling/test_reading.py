import pytest

from bot.domain import outside
from bot.kling.dialects import error_codes, words
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
        *(
            (word, RemoteState.SUCCEEDED)
            for word in ["done", "finished", "complete", "TASK_STATUS_SUCCEED", "taskFinished"]
        ),
        *(
            (word, RemoteState.SUCCEEDED)
            for word in ["成功", "已完成", "完成", "完了", "任务成功", "succeeded!", "Generated"]
        ),
        *(
            (word, RemoteState.FAILED)
            for word in ["fail", "canceled", "expired", "timeout", "timed_out", "TimedOut", "time-out"]
        ),
        *(
            (word, RemoteState.FAILED)
            for word in ["rejected", "aborted", "unsuccessful", "processing_failed"]
        ),
        *(
            (word, RemoteState.FAILED)
            for word in ["失败", "生成失败", "已取消", "超时", "审核不通过", "moderation_blocked"]
        ),
        *(
            (word, RemoteState.QUEUED)
            for word in ["submit_success", "提交成功", "created", "排队中", "not_started"]
        ),
        *(
            (word, RemoteState.RUNNING)
            for word in ["canceling", "finishing", "生成中", "审核中", "retrying_after_error"]
        ),
        *(
            (word, RemoteState.UNKNOWN)
            for word in ["incomplete", "not_complete", "未完成", "no_error", "abandoned", "ready"]
        ),
    ],
)
def test_status_words(word, state):
    assert words.state_of(word) is state


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
    assert error_codes.retry_after(headers) == milliseconds


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *[("100%", 100), ("0%", 0), (40, 40), (40.9, 40), ("", None), (None, None), (True, None), (250, 100)],
        # A part of the whole, unless it says that it is none.
        *[(0.55, 55), ("0.55", 55), ("0.55%", 0), (0.999, 99), (1, 1), (1.0, 1), ("1", 1), (0, 0), (-0.5, 0)],
    ],
)
def test_progress(value, expected):
    assert error_codes.percent(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [("5.1", 5100), (5, 5000), ("x", None), (-1, None), ("inf", None), ([], None)]
)
def test_the_length_of_a_video(value, expected):
    assert error_codes.milliseconds(value) == expected


@pytest.mark.parametrize("value", ["ftp://a/b", "//a/b", "javascript:1", "no reason", None, 5, "https://"])
def test_only_web_addresses_count_as_addresses(value):
    assert error_codes.address(value) is None


def test_a_message_is_one_short_line_without_keys_and_addresses():
    said = "bad\n key sk-abc123 for https://a.example/x?key=1, Bearer eyJhbGciOi.J9.x " + "y" * 500
    cleaned = error_codes.clean(said)
    assert cleaned.startswith("bad key *** for (address) Bearer *** yyy")
    assert len(cleaned) == error_codes.MESSAGE_LIMIT


def test_what_is_no_json_is_nothing():
    assert outside.decoded(b"<html>") is None
    assert outside.decoded(b"\xff\xfe") is None
    assert outside.decoded(b"[" * 200_000) is None

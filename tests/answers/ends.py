"""What ends a request that a provider does not take, or of whose task it says nothing; and who is told of it."""

from collections.abc import Sequence

from tests.answers.rows import FILE, FREE, TASK, Outcome, Row

SATURATED = {"code": "fail_to_fetch_task", "message": "当前分组上游负载已饱和，请稍后再试", "data": None}
"""What new-api makes of every 429 of whoever is behind it."""


def _settings(timeout: int) -> tuple[tuple[str, str], ...]:
    polling = f"min_interval = 2\nmax_interval = 5\ntimeout = {timeout}\nwaiting = 20\nanswering = 10"
    return (("polling", polling),)


NOT_TAKEN: Sequence[Row] = (
    Row(
        "no room, for ever",
        "submit",
        SATURATED,
        Outcome("notice.failed.waited", ledger=FREE),
        status=429,
        settings=_settings(60),
    ),
)

UNSEEN: Sequence[Row] = (
    Row(
        "an unknown word",
        "query",
        {"code": "success", "data": {"task_id": TASK, "status": "polished"}},
        Outcome("notice.failed.deadline", "alert.provider.unknown_word", FREE),
        seconds=200,
        settings=_settings(150),
    ),
    Row(
        "success without an address",
        "query",
        {"code": "success", "data": {"task_id": TASK, "status": "SUCCESS"}},
        Outcome("notice.failed.deadline", "alert.provider.no_address", FREE),
        seconds=200,
        settings=_settings(150),
    ),
    Row(
        "no such task, for two minutes",
        "query",
        {"code": "task_not_exist", "message": "task_not_exist", "data": None},
        Outcome("notice.failed.not_found", ledger=FREE),
        status=400,
        seconds=200,
        settings=_settings(200),
    ),
    Row(
        "no such task, for seconds",
        "query",
        {"code": "task_not_exist", "message": "task_not_exist", "data": None},
        status=400,
        times=5,
    ),
    Row(
        "no such task, until it was given up",
        "query",
        {"code": "task_not_exist", "message": "task_not_exist", "data": None},
        Outcome(ledger=FREE),
        status=400,
        times=8,
        then=[(200, {"code": "success", "data": {"task_id": TASK, "status": "SUCCESS", "result_url": FILE}})],
        seconds=250,
        lasts=650,
        settings=(("polling", "min_interval = 20\nmax_interval = 20\ntimeout = 250"),),
    ),
    Row(
        "a wrong path that stays",
        "query",
        {"error": {"message": "Invalid URL (GET /v1/x)", "type": "invalid_request_error", "code": ""}},
        Outcome("notice.failed.deadline", "alert.provider.wrong_path", FREE),
        status=404,
        seconds=200,
        settings=_settings(150),
    ),
)

ROWS: Sequence[tuple[str, Sequence[Row]]] = (
    ("What is not taken", NOT_TAKEN),
    ("What is not seen", UNSEEN),
)

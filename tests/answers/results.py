"""From the address of a result to the chat: what stands at the address, and which address is meant."""

from collections.abc import Sequence

from tests.answers.rows import FILE, FREE, TASK, Outcome, Row
from tests.answers.trial import PLACE
from tests.world.kling import a_film

REFUNDED = Outcome("notice.delivery.refunded", "alert.delivery.late", FREE)
MINUTES = 900
"""Seconds within which what is missing is given up."""

PAGE = "<!doctype html><html><body>Just a moment...</body></html>"
LOCAL = f"http://localhost:3000{PLACE}"
NOBODY = "http://127.0.0.1:9/none.mp4"


def _row(**data: object) -> dict[str, object]:
    """The answer of a gateway about a finished task."""
    return {"code": "success", "message": "", "data": {"task_id": TASK, "status": "SUCCESS", **data}}


KLINGS_OWN = {
    "task_id": TASK,
    "task_status": "succeed",
    "task_result": {"videos": [{"id": "v", "url": FILE}]},
}

AT_THE_ADDRESS: Sequence[Row] = (
    *(
        Row(f"{status} for ever", "file", "", REFUNDED, status=status, seconds=MINUTES)
        for status in (401, 403, 404, 410)
    ),
    Row("a page for ever", "file", PAGE, REFUNDED, seconds=MINUTES),
    Row("JSON for ever", "file", {"error": {"message": "not ready"}}, REFUNDED, seconds=MINUTES),
    Row("nothing for ever", "file", b"", REFUNDED, seconds=MINUTES),
    Row("404", "file", "", status=404, times=3),
    Row("a page", "file", PAGE, times=3),
    Row("an error of the server", "file", "", status=502, times=3),
    Row(
        "2 s in place of 5 s",
        "file",
        a_film(1280, 720, 2),
        Outcome(admins="alert.shortfall", ledger="6 charged, 0 held"),
    ),
)

WHICH: Sequence[Row] = (
    Row("an address that only the gateway reaches: the same path there", "query", _row(result_url=LOCAL)),
    Row(
        "an address where nobody answers, beside Kling's own",
        "query",
        _row(result_url=NOBODY, data={"code": 0, "data": KLINGS_OWN}),
    ),
)

ROWS: Sequence[tuple[str, Sequence[Row]]] = (
    ("What is at the address of a result", AT_THE_ADDRESS),
    ("Which address is meant", WHICH),
)

"""What an answer says of a task: which words end it, where a result stands, and what is no word about it."""

from collections.abc import Sequence

from tests.answers.rows import FILE, FREE, NOTHING, TASK, Outcome, Row

CONTENT = Outcome("notice.failed.content", NOTHING, FREE)
FAILED = Outcome("notice.failed.provider", NOTHING, FREE)


def _row(**task: object) -> dict[str, object]:
    """The answer of a gateway about a task."""
    return {"code": "success", "message": "", "data": {"task_id": TASK, **task}}


ENDS: Sequence[Row] = (
    Row("finished, with the address", "query", _row(status="SUCCESS", result_url=FILE, progress="100%")),
    Row("failed for its content", "query", _row(status="FAILURE", fail_reason="risk control"), CONTENT),
    Row("failed", "query", _row(status="FAILURE", fail_reason="the renderer stopped"), FAILED),
)

ROWS: Sequence[tuple[str, Sequence[Row]]] = (("How a task ends", ENDS),)

"""What an answer says of a task: which words end it, where a result is, and what is no word about it."""

import json
from collections.abc import Mapping, Sequence

from tests.answers.rows import FILE, FREE, NOTHING, TASK, Outcome, Row

CONTENT = Outcome("notice.failed.content", NOTHING, FREE)
FAILED = Outcome("notice.failed.provider", NOTHING, FREE)
RISK = "Failure to pass the risk control system"


def _row(**task: object) -> dict[str, object]:
    """The answer of a gateway about a task."""
    return {"code": "success", "message": "", "data": {"task_id": TASK, **task}}


def _places() -> Sequence[Row]:
    """Every place of a result, beside a word of success."""
    places: Mapping[str, dict[str, object]] = {
        "`result_url`": {"result_url": FILE},
        "`url`": {"url": FILE, "format": "mp4", "error": {"code": 0, "message": ""}},
        "`metadata.url`": {"metadata": {"url": FILE}},
        "`output.video_url`": {"output": {"video_url": FILE}},
        "`output`": {"output": FILE},
        "`output[]`": {"output": [FILE]},
        "`video.url`": {"video": {"url": FILE}},
        "`content.result_url`": {"content": {"result_url": FILE}},
        "`content.video_url`": {"content": {"video_url": FILE}},
        "`videos[].url`": {"videos": [{"url": FILE}]},
        "`videos[]`": {"videos": [FILE]},
        "`creations[].url`": {
            "creations": [{"id": "7", "url": FILE, "cover_url": "https://x.example/1.jpg"}]
        },
        "`result.videos[]`": {"result": {"videos": [{"url": FILE}]}},
        "`task_result.videos[]`": {"task_result": {"videos": [{"url": FILE, "duration": "5"}]}},
        "`data.task_result`": {"data": {"task_id": "8", "task_result": {"videos": [{"url": FILE}]}}},
        "`url`, without a host": {"url": "/files/of-an-answer.mp4"},
        "`data.data.task_result`": {
            "data": {"code": 0, "data": {"task_id": "8", "task_result": {"videos": [{"url": FILE}]}}}
        },
        "`data.output.video_url`": {"data": {"task_id": "8", "output": {"video_url": FILE}}},
        "`data.videos[]`": {"data": {"videos": [{"url": FILE}]}},
        "`data.video.url`": {"data": {"video": {"url": FILE}}},
        "`data[].url`": {"data": [{"url": FILE}]},
        "`generations[].video.url`": {"generations": [{"video": {"url": FILE}}]},
        "`works[].resource.resource`": {"works": [{"resource": {"resource": FILE, "duration": 5000}}]},
        "`result.video_list[].video_url`": {"result": {"video_list": [{"video_url": FILE}]}},
        "`assets.video`": {"assets": {"video": FILE}},
        "`resultJson`, which is text": {"resultJson": json.dumps({"resultUrls": [FILE]})},
        "`info.files[].download`, beside those of the inputs": {
            "input": {"video_url": "https://x.example/given.mp4"},
            "info": {"cover_url": "https://x.example/1.mp4", "files": [{"download": FILE}]},
        },
        "`videos[]`, beside its cover": {
            "task_result": {"images": [{"url": "https://x.example/1.jpg"}], "videos": [{"url": FILE}]}
        },
        "`watermark_url` alone": {"task_result": {"videos": [{"id": "7", "watermark_url": FILE}]}},
    }
    return [
        Row(f"finished, the address in {place}", "query", _row(status="succeeded", **fields))
        for place, fields in places.items()
    ]


ADDRESSES: Sequence[Row] = (
    *_places(),
    Row(
        "finished, the address beside the task",
        "query",
        {"task": {"task_id": TASK, "status": "TASK_STATUS_SUCCEED"}, "videos": [{"video_url": FILE}]},
    ),
    Row("an unknown word, with an address", "query", _row(status="polished", video_url=FILE)),
    Row(
        "still running, with an address",
        "query",
        _row(
            status="IN_PROGRESS",
            data={"task_id": "8", "task_status": "succeed", "task_result": {"videos": [{"url": FILE}]}},
        ),
    ),
    Row(
        "still running, with a path",
        "query",
        _row(status="IN_PROGRESS", output="/v1/video/generations/7"),
        times=2,
    ),
    Row("no id, with an address", "query", {"status": "succeeded", "url": FILE}),
)

WORDS: Sequence[Row] = (
    *(
        Row(f"`{word}`", "query", _row(status=word, result_url=FILE))
        for word in ("SUCCESS", "done", "finished", "complete", "成功", "已完成")
    ),
    *(
        Row(f"`{word}`", "query", _row(status=word, fail_reason="the renderer stopped"), FAILED)
        for word in (
            *("FAILURE", "fail", "canceled", "expired", "timeout", "rejected", "aborted", "失败"),
            *("moderated", "NSFW", "killed", "interrupted", "discarded", "已停止"),
        )
    ),
    Row("`moderating`, for a while", "query", _row(status="moderating"), times=3),
    Row("`stopping`, for a while", "query", _row(status="stopping"), times=3),
)

REASONS: Sequence[Row] = (
    *(
        Row(f"failed, the reason in `{name}`", "query", _row(status="failed", **{name: RISK}), CONTENT)
        for name in ("fail_reason", "msg", "detail", "error_msg", "errorMessage", "error")
    ),
    Row(
        "failed, the reason in `error.message`",
        "query",
        _row(status="failed", error={"code": "x", "message": RISK}),
        CONTENT,
    ),
    Row(
        "failed, the reason in Kling's own task",
        "query",
        _row(status="FAILURE", data={"task_id": "8", "task_status": "failed", "task_status_msg": RISK}),
        CONTENT,
    ),
    *(
        Row(f"failed: {reason}", "query", _row(status="failed", fail_reason=reason), CONTENT)
        for reason in ("风控拦截", "内容安全检测不通过", "包含违禁内容", "violates community guidelines")
    ),
    Row(
        "a reason with half an emoji",
        "query",
        _row(status="failed", fail_reason="not allowed: \ud83d"),
        FAILED,
    ),
    Row("a reason with a NUL", "query", _row(status="failed", fail_reason="not\0allowed"), FAILED),
    Row(
        "a reason of a million characters",
        "query",
        _row(status="failed", fail_reason="x" * 1_000_000),
        FAILED,
    ),
    Row(
        "an error object that says so", "query", {"error": {"code": "task_failed", "message": RISK}}, CONTENT
    ),
    Row(
        "the same, refused", "query", {"error": {"code": "task_failed", "message": RISK}}, CONTENT, status=400
    ),
    Row(
        "an error object of another reason",
        "query",
        {"error": {"code": "task_failed", "message": "the renderer stopped"}},
        FAILED,
        status=400,
    ),
    Row(
        "Kling's refusal in answer to a look",
        "query",
        {"code": 1301, "message": RISK},
        CONTENT,
        status=400,
        dialect="official",
    ),
)

ENVELOPES: Sequence[Row] = (
    Row(
        "success, around a task",
        "submit",
        {"status": "success", "data": {"task_id": "1"}},
        times=1,
        looks=_row(status="SUCCESS", result_url=FILE),
    ),
    Row(
        "success with the id of the exchange",
        "submit",
        {"id": "request-9", "status": "success", "data": {"task_id": "1"}},
        times=1,
        looks=_row(status="SUCCESS", result_url=FILE),
    ),
    *(
        Row(
            f"the id in {place}",
            "submit",
            answer,
            times=1,
            looks={**inside, "status": "completed", "video_url": FILE},
        )
        for place, answer, inside in (
            ("`generation_id`", {"generation_id": "1", "status": "queued"}, {"generation_id": "1"}),
            ("`video_id`", {"code": 0, "data": {"video_id": "1"}}, {"video_id": "1"}),
            ("`job.id`", {"job": {"id": "1"}}, {"job_id": "1"}),
            ("`task_ids[]`", {"code": 0, "data": {"task_ids": ["1"]}}, {"task_id": "1"}),
        )
    ),
    Row(
        "the id in `generation_id`, beside a failure",
        "query",
        {"generation_id": "1", "status": "failed", "message": RISK},
        CONTENT,
    ),
    Row(
        "success, around a task that goes on",
        "query",
        {"status": "success", "data": {"task_id": TASK, "status": "processing"}},
        times=2,
    ),
    Row(
        "success, around a task that failed",
        "query",
        {"status": "success", "data": {"task_id": TASK, "status": "failed", "message": RISK}},
        CONTENT,
    ),
    Row(
        "success, around `task`",
        "query",
        {"status": "success", "task": {"id": TASK, "status": "failed", "message": RISK}},
        CONTENT,
    ),
    Row(
        "success that repeats the id",
        "query",
        {"task_id": TASK, "status": "success", "data": {"task_id": TASK, "status": "failed", "msg": RISK}},
        CONTENT,
    ),
)

NO_WORD: Sequence[Row] = (
    Row("the gateway's own trouble", "query", {"status": "error", "message": "upstream timeout"}, times=2),
    Row(
        "the same trouble, refused",
        "query",
        {"status": "error", "message": "upstream timeout"},
        status=400,
        times=2,
    ),
    Row(
        "the same trouble, as an error",
        "query",
        {"error": {"code": "upstream_error", "message": "upstream error"}},
        times=2,
    ),
    Row(
        "a wrong path",
        "query",
        {"error": {"message": "Invalid URL (GET /v1/video/x)", "type": "invalid_request_error", "code": ""}},
        status=404,
        times=3,
    ),
    Row("a page in the place of the path", "query", "<html>404</html>", status=404, times=3),
    Row("nothing at all, with 404", "query", b"", status=404, times=3),
    Row("`Not Found`", "query", {"detail": "Not Found"}, status=404, times=3),
    Row("a check for robots", "query", "<html>Just a moment…</html>", status=403, times=2),
    Row("a code that is no number", "query", {"code": "--5", "message": "x"}, times=2),
    Row("a list", "query", [1], times=2),
    Row("nothing about it", "query", {"code": "success", "data": None}, times=2),
)

ROWS: Sequence[tuple[str, Sequence[Row]]] = (
    ("Where a result is", ADDRESSES),
    ("Which words end a task", WORDS),
    ("Why a task failed", REASONS),
    ("What is around the task", ENVELOPES),
    ("What says nothing of the task", NO_WORD),
)

"""Whose fault a refusal is: the person's, the operator's, or that of somebody on the way."""

from collections.abc import Sequence

from tests.answers.rows import FREE, NOTHING, Outcome, Row

CONTENT = Outcome("notice.failed.content", NOTHING, FREE)
ENDS = {
    "alert.provider.balance": "no_units",
    "alert.provider.not_enabled": "not_offered",
    "alert.provider.no_such_model": "not_offered",
}
"""What the person is told by the alert to the admins, where it is more than that nothing is to be had."""

RISK = "Failure to pass the risk control system"


def _told(alert: str) -> Outcome:
    """Nothing could be started, and the admins know why."""
    return Outcome(f"notice.failed.{ENDS.get(alert, 'unavailable')}", alert, FREE)


def _advice(name: str) -> Outcome:
    return Outcome(f"notice.advice.{name}", NOTHING, FREE)


def _error(message: str, code: object = "", kind: str = "new_api_error") -> dict[str, object]:
    return {"error": {"message": message, "type": kind, "code": code}}


OPERATOR: Sequence[Row] = (
    Row(
        "no price for the model",
        "submit",
        {"code": "model_price_error", "message": "model kling-v2-6 price not set", "data": None},
        _told("alert.provider.no_price"),
        status=400,
    ),
    Row(
        "another kind of channel",
        "submit",
        {"code": "invalid_api_platform", "message": "invalid api platform: 1", "data": None},
        _told("alert.provider.misconfigured"),
        status=400,
    ),
    Row(
        "not implemented there",
        "submit",
        _error("not implemented", "api_not_implemented"),
        _told("alert.provider.misconfigured"),
        status=501,
    ),
    Row(
        "a wrong path",
        "submit",
        _error("Invalid URL (POST /v1/video/generations)", kind="invalid_request_error"),
        _told("alert.provider.wrong_path"),
        status=404,
    ),
    Row(
        "a page in the place of the path",
        "submit",
        "<html>404 Not Found</html>",
        _told("alert.provider.wrong_path"),
        status=404,
    ),
    Row(
        "too large for a proxy, without a picture",
        "submit",
        "<html>413 Request Entity Too Large</html>",
        _told("alert.provider.too_large"),
        status=413,
    ),
    Row(
        "too large for a proxy, with a photo, and with a smaller one it is not",
        "submit",
        "<html>413 Request Entity Too Large</html>",
        Outcome(admins="alert.provider.smaller_pictures"),
        status=413,
        times=1,
        photo=True,
    ),
    Row(
        "too large for a proxy, with a photo of every size",
        "submit",
        "<html>413 Request Entity Too Large</html>",
        _told("alert.provider.pictures_too_large"),
        status=413,
        photo=True,
    ),
    Row(
        "no balance",
        "submit",
        {"code": "insufficient_user_quota", "message": "用户额度不足", "data": None},
        _told("alert.provider.balance"),
        status=403,
    ),
    Row(
        "no balance, as too many requests",
        "submit",
        _error("You exceeded your current quota, please check your plan and billing details."),
        _told("alert.provider.balance"),
        status=429,
    ),
    Row(
        "the key's own quota is used up",
        "submit",
        _error("token quota used up"),
        _told("alert.provider.balance"),
        status=401,
    ),
    Row(
        "the same in Chinese",
        "submit",
        _error("该令牌额度已用尽 TokenStatusExhausted"),
        _told("alert.provider.balance"),
        status=401,
    ),
    Row(
        "the key is refused", "submit", _error("无效的令牌"), _told("alert.provider.unauthorized"), status=401
    ),
    Row(
        "the key may not use this model",
        "submit",
        _error("This token has no access to model kling-v2-6", "access_denied"),
        _told("alert.provider.not_enabled"),
        status=403,
    ),
)

NO_MODEL: Sequence[Row] = tuple(
    Row(
        f"a model that is not offered: {said}",
        "submit",
        _error(said),
        _told("alert.provider.no_such_model"),
        status=400,
    )
    for said in ("model kling-v2-6 is disabled by administrator", "模型 kling-v2-6 已下架")
)

NOBODYS: Sequence[Row] = (
    Row("a check for robots", "submit", "<html>Just a moment…</html>", status=403, times=1),
    Row(
        "too many for the gateway's group",
        "submit",
        {"code": "fail_to_fetch_task", "message": "当前分组上游负载已饱和，请稍后再试", "data": None},
        status=429,
        times=2,
    ),
    Row(
        "nothing was sent by the gateway",
        "submit",
        {"code": "build_request_failed", "message": "x", "data": None},
        status=500,
        times=1,
    ),
)

PERSONS: Sequence[Row] = (
    Row("content", "submit", {"code": 1301, "message": RISK}, CONTENT, status=400, dialect="official"),
    Row(
        "content, behind a gateway",
        "submit",
        {"code": "fail_to_fetch_task", "message": '{"code": 1301, "message": "' + RISK + '"}', "data": None},
        CONTENT,
        status=400,
    ),
    *(
        Row(f"content: {said}", "submit", _error(said, "task_failed"), CONTENT, status=400)
        for said in (
            "风控拦截",
            "内容安全检测不通过",
            "包含违禁内容",
            "The prompt violates community guidelines",
        )
    ),
    Row(
        "content, as an error with 200",
        "submit",
        _error("Your prompt was rejected by our safety system"),
        CONTENT,
    ),
    Row(
        "the size of the picture",
        "submit",
        {"code": 1201, "message": "Image pixel is invalid"},
        _advice("pixels"),
        status=400,
        dialect="official",
    ),
    Row(
        "the last frame",
        "submit",
        {"code": 1201, "message": "Image tail is not supported by the current model"},
        _advice("last_frame"),
        status=400,
        dialect="official",
    ),
    Row(
        "quality and duration together",
        "submit",
        {"code": 1201, "message": "model/mode/duration(kling-v2-6/std/5) is not supported"},
        _advice("combination"),
        status=400,
        dialect="official",
    ),
    Row(
        "camera movement",
        "submit",
        {
            "code": 1201,
            "message": "camera_control is only supported in std mode with 5s duration and kling-v1",
        },
        _advice("camera"),
        status=400,
        dialect="official",
    ),
    Row(
        "something that nobody knows",
        "submit",
        {"code": 1201, "message": "frobnication is odd"},
        Outcome("notice.failed.parameters", NOTHING, FREE),
        status=400,
        dialect="official",
    ),
    Row(
        "a reason under `msg`",
        "submit",
        {"code": "invalid_parameter", "msg": "Image pixel is invalid"},
        _advice("pixels"),
        status=400,
    ),
    Row(
        "a reason under `detail`",
        "submit",
        {"detail": "Image pixel is invalid"},
        _advice("pixels"),
        status=422,
    ),
)

ROWS: Sequence[tuple[str, Sequence[Row]]] = (
    ("What the person can change", PERSONS),
    ("What the operator can change", (*OPERATOR, *NO_MODEL)),
    ("What passes by waiting", NOBODYS),
)

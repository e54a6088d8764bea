"""What words of providers mean: of the state of a task, and in their reasons. Pure.

Nobody documents all of them, so beside the documented ones their stems are read, in the languages that were met.
Each list stands here once, for every phase of a task.
"""

import re

from bot.domain.tasks.task import FailureKind
from bot.kling.wire import RemoteState

_STATES = {
    **dict.fromkeys(("succeed", "succeeded", "success", "completed"), RemoteState.SUCCEEDED),
    **dict.fromkeys(("failed", "failure", "error", "cancelled"), RemoteState.FAILED),
    **dict.fromkeys(
        ("submitted", "queued", "queuing", "pending", "not_start", "not_started"), RemoteState.QUEUED
    ),
    **dict.fromkeys(("processing", "in_progress", "running"), RemoteState.RUNNING),
}

LOOKED_THROUGH = 2_000
"""Characters of a message that are looked through: what a reason says, it says before."""

_BEGAN = ("submit", "creat", "accept", "receiv", "queue")
"""With one of these a success is that of the submission: `submit_success`."""

_STEMS: tuple[tuple[tuple[str, ...], RemoteState], ...] = (
    (
        (
            *("fail", "error", "exception", "unsuccess", "cancel", "abort", "terminated"),
            *("expir", "timeout", "reject", "denied", "refus", "violat", "blocked"),
            *("declin", "dropped", "discard", "interrupt", "stopped", "halted", "kill", "dead", "crash"),
            *(
                "nsfw",
                "moderated",
                "flagged",
                "banned",
                "forbid",
                "prohibit",
                "invalid",
                "revoke",
                "delete",
                "remove",
            ),
        ),
        RemoteState.FAILED,
    ),
    (("succe", "complet", "finish", "done", "generated"), RemoteState.SUCCEEDED),
    (("queu", "pend", "wait", "submit", "creat", "accept", "receiv", "sched", "init"), RemoteState.QUEUED),
    (
        (
            "process",
            "run",
            "progress",
            "start",
            "render",
            "handl",
            "work",
            "execut",
            "generating",
            "preparing",
        ),
        RemoteState.RUNNING,
    ),
)
"""How a part of a word begins, in the order in which they are looked for."""

_CHINESE: tuple[tuple[str, RemoteState], ...] = (
    (
        r"失败|失敗|取消|过期|過期|超时|超時|拒绝|拒絕|错误|錯誤|异常|中止|终止|不通过|未通过|驳回|违规|停止|中断|关闭|作废|无效|删除|禁止",
        RemoteState.FAILED,
    ),
    (r"[提交创建]{2}成功|已?提交$|已?创建$|排队|等待|待处理", RemoteState.QUEUED),
    (r"中$|进行|处理|運行|运行", RemoteState.RUNNING),
    (r"成功|完成|完了|完毕|已生成", RemoteState.SUCCEEDED),
)
_NOT_YET = re.compile(r"未完成|未成功|没有|部分|尚未|未失败")
_NEGATIONS = frozenset({"not", "no", "non", "never", "partial", "partially", "almost", "half"})


def state_of(word: str) -> RemoteState:
    """Map a status word of any dialect and language (case does not matter), by its stem where no source names it.

    UNKNOWN where neither tells: what is only partly or not yet so is never taken for its end.
    """
    folded = word.strip().casefold()
    if folded in _STATES:
        return _STATES[folded]
    # `TaskTimedOut` and `TASK_STATUS_TIMED_OUT` are the same word.
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", word.strip()).casefold()
    apart = re.sub(r"tim(?:ed|e)[\W_]?out", "timeout", apart)
    parts = [part for part in re.split(r"[^a-z]+", apart) if part]
    if not parts:
        return _in_chinese(folded)
    if any(part.startswith("retry") for part in parts):
        return RemoteState.RUNNING
    if _NEGATIONS.intersection(parts):
        return RemoteState.UNKNOWN
    for stems, state in _STEMS:
        # What is ending has not ended.
        if any(part.startswith(stems) and not _goes_on(part, state) for part in parts):
            began = state is RemoteState.SUCCEEDED and any(part.startswith(_BEGAN) for part in parts)
            return RemoteState.QUEUED if began else state
    ends = any(part.startswith(stems) for part in parts for stems, _ in _STEMS[:2])
    return RemoteState.RUNNING if ends else RemoteState.UNKNOWN


def _goes_on(part: str, state: RemoteState) -> bool:
    return state in {RemoteState.FAILED, RemoteState.SUCCEEDED} and part.endswith("ing")


def _in_chinese(word: str) -> RemoteState:
    if _NOT_YET.search(word):
        return RemoteState.UNKNOWN
    return next((state for pattern, state in _CHINESE if re.search(pattern, word)), RemoteState.UNKNOWN)


_CONTENT = re.compile(
    r"risk[ _-]control|content[ _-](?:security|safety|policy|polic|moderation|violation|filter)|usage polic"
    r"|polic(?:y|ies)[ _-]violation|violat\w*[^.]{0,40}(?:polic|guideline|terms|rules|standards)"
    r"|community (?:guideline|standard|rule)|(?<!case[ _-])(?<!case)sensitive|moderation|nsfw|inappropriate"
    r"|prohibited|unsafe|safety (?:system|filter|check|polic|guideline)|harmful|explicit content|pornograph"
    r"|违规|違規|违禁|違禁|敏感|(?<!参数)不当|不當|审核|審核|风控|風控|内容安全|內容安全|涉黄|涉政|涉暴|色情|血腥|不良信息"
    r"|不合规|社区(?:准则|规范|公约)|违反[^，。]{0,8}(?:政策|规定|准则|规范|协议|法律|法规)"
)
"""Refusals for what a prompt or picture shows."""

_ABSENT = re.compile(r"not found|not exist|not_exist|not_found|no such|unknown task|不存在|未找到|找不到")
_OF_A_TASK = re.compile(
    r"task|video|job|record|generation|creation|prediction|\bid\b|任务|任務|视频|记录|作业"
)
_PATHS = re.compile(
    r"invalid url|url[^.]{0,20}not found|(?:path|page|route|endpoint|api|url)s? (?:is |was |does )?not"
    r"|(?:no|unknown|invalid|unsupported) (?:such )?(?:path|route|endpoint|url|static resource|api)\b"
    r"|cannot (?:get|post) /|no static resource|no matching route|method not allowed|method is invalid"
    r"|(?:接口|路径|页面|路由|地址)[^，。]{0,4}(?:不存在|未找到|找不到|无效|错误)"
)
_MODEL_GONE = re.compile(
    r"model[^.]{0,60}(?:is|was|has been|currently) (?:currently |temporarily )?"
    r"(?:disabled|offline|unavailable|not available|not enabled|deprecated|retired|removed|discontinued|taken down)"
    r"|模型[^，。]{0,40}(?:已?下架|已?下线|已?禁用|已?停用|未启用|未开通|不可用|已?弃用)"
)
_DUPLICATE = re.compile(r"already exist|duplicate|已存在|重复")
_MODEL = re.compile(r"model|模型")
_RESOURCE = re.compile(r"video|image|audio|voice|element|session|face|effect|task")
_PARALLEL = re.compile(r"parallel task|resource pack limit|concurrency limit|并发")
_MONEY = re.compile(
    r"quota|(?<!load[ _-])(?<!load)balance(?!r)|insufficient (?!perm|priv|scope|right|access|auth|capac|memory|param)"
    r"|arrear|out of credit|not enough credit|top[ -]?up|recharge|billing|额度|余额|餘額|欠费|充值|点数不足|积分不足"
)
_SURELY_MONEY = re.compile(
    r"insufficient (?:\w+ ){0,2}(?:quota|balance|credit|fund)|not enough (?:\w+ ){0,2}(?:quota|balance|credit)"
    r"|(?:quota|balance|credits?) (?:is |are |has been |have been )?(?:not enough|insufficient|exhausted|used up|depleted)"
    r"|out of (?:quota|credit)|(?:余额|额度|餘額|点数|积分)\s*(?:不足|已?用尽|已?耗尽|已?用完)|欠费"
)
_RATE = re.compile(
    r"per (?:minute|second|hour|day)|/ ?min|\brpm\b|\btpm\b|\bqps\b|rate.?limit|too many requests|frequen|concurren"
    r"|parallel|resource pack limit|频率|频繁|每分钟|每秒|并发|速率|限流"
)
_TROUBLE = re.compile(
    r"upstream|time(?:d)?[ _-]?out|temporar|try again|retry|connection|network|unreachable|gateway|busy|overload"
    r"|internal|unavailable|not (?:yet )?(?:complete|finish|ready)|still |in progress|processing|处理中|生成中|未完成|排队|稍后|超时|上游|网络|繁忙|重试|内部错误"
)
_ASKED_WRONGLY = re.compile(r"pagesize|pagenum|missing|required|content-type|\bheader|必填|缺少")
_ENDED_CODE = re.compile(
    r"(?:video_|image_)?(?:task|generation|generate|creation|render|job|video|image)_?"
    r"(?:failed|failure|rejected|cancell?ed|expired|aborted|error|timeout|blocked)"
)
_ENDED = re.compile(
    r"(?<!get )(?<!fetch )(?<!query )\b(?:task|job|(?:video |image )?generation) (?:has |was |is |execution )?"
    r"(?:failed|rejected|expired|aborted|cancell?ed)|(?<!获取)(?<!查询)(?:任务|生成)(?:执行|处理|已|生成)?失败"
)
_TOO_LARGE = re.compile(r"(?:entity|payload|body|request) (?:is |was )?too large|请求体过大|请求实体过大")

_LENGTH = re.compile(r"duration|seconds|时长")


def says_content(message: str) -> bool:
    """Whether a message speaks of the content of a prompt or picture."""
    return _found(_CONTENT, message)


def failure_kind(reason: str | None) -> FailureKind:
    """Tell a refusal of content from another failure of a task that ran: it carries only free text (WIRE 2.6)."""
    return FailureKind.CONTENT if says_content(reason or "") else FailureKind.PROVIDER


def says_absent(message: str) -> bool:
    """Whether a message says that there is no such thing."""
    return _found(_ABSENT, message)


def says_no_such_task(message: str) -> bool:
    """Whether a message says that there is no such task, and not only that there is no such address."""
    # An address that is quoted may hold every word.
    plain = " ".join(part for part in message[:LOOKED_THROUGH].split() if "/" not in part)
    return says_absent(plain) and _found(_OF_A_TASK, plain) and not says_wrong_path(message)


def says_wrong_path(message: str) -> bool:
    """Whether a message says that nothing is served where it was asked."""
    return _found(_PATHS, message)


def says_duplicate(message: str) -> bool:
    """Whether a message says that our own id was used before."""
    return _found(_DUPLICATE, message)


def says_model(message: str) -> bool:
    """Whether a message speaks of a model."""
    return _found(_MODEL, message)


def is_about_the_model(message: str) -> bool:
    """Whether what does not exist is the model, and not something else that a request named."""
    return says_model(message) or not _found(_RESOURCE, message)


def says_model_gone(message: str) -> bool:
    """Whether a message says that a model is not offered, whatever is asked of it."""
    return _found(_MODEL_GONE, message)


def says_parallel(message: str) -> bool:
    """Whether a message says that too much runs at a time."""
    return _found(_PARALLEL, message)


def says_money(message: str) -> bool:
    """Whether a message speaks of a balance, and of no number of requests in a time."""
    return _found(_MONEY, message) and not _found(_RATE, message)


def says_no_money(message: str) -> bool:
    """Whether a message says that a balance is used up, whatever its status says."""
    return _found(_SURELY_MONEY, message) and not _found(_RATE, message)


def says_trouble(message: str) -> bool:
    """Whether a message speaks of somebody on the way who is not well, or of a later time."""
    return _found(_TROUBLE, message)


def says_asked_wrongly(message: str) -> bool:
    """Whether a message finds fault with the question, and not with a task."""
    return _found(_ASKED_WRONGLY, message)


def says_ended(code: str, message: str) -> bool:
    """Whether an error says that a task has failed, and not that it could not be looked at."""
    return _ENDED_CODE.fullmatch(code.strip().casefold()) is not None or _found(_ENDED, message)


def says_too_large(message: str) -> bool:
    """Whether a message says that a whole request is too large."""
    return _found(_TOO_LARGE, message)


def says_length(message: str) -> bool:
    """Whether a message speaks of how long a video lasts."""
    return _found(_LENGTH, message)


def _found(pattern: re.Pattern[str], message: str) -> bool:
    return pattern.search(message[:LOOKED_THROUGH].casefold()) is not None

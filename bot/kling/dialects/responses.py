"""Reads the answers of every dialect: liberal in the shape, strict in what counts as success. Pure.

Kling and the gateways in front of it wrap one and the same task in different envelopes:

    {code: 0, data: {task_id, task_status, task_result: {videos: […]}}}       Kling, /v1
    {code: 0, data: [{id, status, outputs: […]}]}                             Kling, newer standard
    {id, task_id, object: "video", status, metadata: {url}}                   OpenAI's video object
    {code: "success", data: {task_id, status, result_url, data: {…Kling…}}}   new-api
    {task_id, status, url, error: {code, message}}                            older new-api, OmniMaaS
    {task_id, task_status, task_result}                                       flat proxies
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.domain.outside import decoded, identity, number_of, opened, text_of, word_of
from bot.domain.tasks.matching import ListedTask
from bot.domain.types import Millis
from bot.kling.dialects import envelopes
from bot.kling.dialects.classes import by_kling_code, by_status, by_word
from bot.kling.dialects.envelopes import NESTING, Node, child, objects
from bot.kling.dialects.error_codes import amount, clean, percent, whole
from bot.kling.dialects.results import NO_HOST, results_of
from bot.kling.dialects.words import state_of
from bot.kling.errors import Ambiguous, NotFound, ProviderError, Unavailable
from bot.kling.wire import HttpResponse, RemoteState, Submission, TaskPage, TaskStatus

_PROOFS = frozenset({"1201", "1203", "200"})
"""Codes of NotFound that come from Kling: 200 is its empty list. A bare 404 may be a wrong address."""

_MODELS = ("model_name", "model")
"""What the model of a task is called, where a list tells it."""

_LISTS = ("result", "items", "list", "tasks", "records")
"""What a page calls the tasks on it."""

_FINE = frozenset(
    {"", "200", "201", "202", "success", "succeed", "succeeded", "successful", "ok", "none", "null", "true"}
)
"""Codes that tell of no failure, beside zeros."""

_CODES = ("code", "error_code", "errorCode", "err_code", "errcode", "errno")
_SURE_REASONS = ("task_status_msg", "fail_reason", "failReason", "failure_reason", "failMsg", "fail_msg")
_REASONS = (
    *_SURE_REASONS,
    *("error_msg", "errorMsg", "error_message", "errorMessage", "err_msg", "errmsg", "status_msg"),
    *("msg", "detail", "message", "reason"),
)
"""Where the reason of a failure may stand, what is surely one first."""


def data(response: HttpResponse, *, submitting: bool = False) -> Any:
    """Read what an answer holds, whatever it is; None where it holds nothing.

    `submitting`: it answers something that may have been done, so that garbage is no proof that it was not.

    Raises:
        ProviderError: the answer tells of a failure.

    """
    return _payload(response, submitting=submitting).get("data")


def fields(response: HttpResponse, *, submitting: bool = False) -> Node:
    """Read the object that an answer holds; `submitting` as in `data`.

    Raises:
        ProviderError: the answer tells of a failure, or holds no object.

    """
    held = data(response, submitting=submitting)
    if not isinstance(held, Mapping):
        raise _garbage("the answer holds nothing", response, submitting=submitting)
    return held


def _payload(response: HttpResponse, *, submitting: bool) -> Node:
    """An answer that tells of no failure."""
    # Whatever is no object is a failure.
    payload: Node = decoded(response.body)
    wrong = _failure(response, payload, submitting=submitting, depth=0)
    if wrong is not None:
        raise wrong
    return payload


def _failure(response: HttpResponse, payload: Any, *, submitting: bool, depth: int) -> ProviderError | None:
    if not isinstance(payload, Mapping):
        if 200 <= response.status < 300:
            return _garbage("the answer is not a JSON object", response, submitting=submitting)
        return by_status(response.status, "", response, submitting=submitting)
    code, message = _code(payload), _message(payload)
    error = payload.get("error") or payload.get("errors")
    if _tells_of_a_fault(error) and not envelopes.names_a_task(payload):
        # OpenAI's shape, or just a sentence.
        if isinstance(error, list):
            error = error[0]
        if isinstance(error, Mapping):
            code = _code(error) or word_of(error.get("type")) or code
            message = _message(error) or message
        else:
            message = text_of(error) or message
        code = "error" if _is_fine(code) else code
    elif _is_fine(code) and payload.get("success") is False:
        code = "error"
    if _is_fine(code):
        if 200 <= response.status < 300:
            return None
        return by_status(response.status, message, response, submitting=submitting)
    inner = _quoted(message) if depth < NESTING else None
    if inner is not None:
        nested = _failure(response, inner, submitting=submitting, depth=depth + 1)
        if nested is not None:
            return nested
    number = whole(code)
    if number is not None:
        if 1000 <= number < 6000:
            return by_kling_code(number, message, response, submitting=submitting)
        if 400 <= number < 600:
            return by_status(number, message, response, submitting=submitting)
    return by_word(code, message, response, submitting=submitting)


def _code(node: Node) -> str:
    """The code of an answer or of its error; empty where it has none, or one that tells of no failure."""
    found = (word_of(node.get(name)) for name in _CODES)
    return next((code for code in found if not _is_fine(code)), "")


def _is_fine(code: str) -> bool:
    return code.casefold() in _FINE or not code.strip("0")


def _message(node: Node) -> str:
    """What an answer says, under whatever name; a sentence that only says that all is well is none."""
    for name in _REASONS:
        value = node.get(name)
        if isinstance(value, list) and value:
            # FastAPI's: what is wrong with each field.
            value = value[0].get("msg") if isinstance(value[0], Mapping) else value[0]
        text = text_of(value) if isinstance(value, str) else ""
        if not _is_fine(text.rstrip(".!")):
            return text
    return ""


def _tells_of_a_fault(error: object) -> bool:
    """Whether an `error` is one: some gateways have an empty one in every answer."""
    if isinstance(error, list):
        error = error[0] if error else None
    if isinstance(error, Mapping):
        return bool(_code(error) or _message(error))
    return error is True or not _is_fine(text_of(error))


def _quoted(message: str) -> Node | None:
    """Another gateway's answer inside a message, from its brace on."""
    begin, end = message.find("{"), message.rfind("}")
    inner = decoded(message[begin : end + 1]) if 0 <= begin < end else None
    tells = isinstance(inner, Mapping) and any(name in inner for name in ("code", "error", "message", "msg"))
    return inner if tells else None


def submission(response: HttpResponse) -> Submission:
    """Read the answer to a submission.

    Raises:
        ProviderError: it was not accepted, or (Ambiguous) the answer does not tell.

    """
    payload = _payload(response, submitting=True)
    found, held = envelopes.find(payload), payload.get("data")
    name = found.id if found is not None else ""
    if not name and isinstance(held, (str, int)):
        name = identity(held)
    name = name or envelopes.other_id(payload)
    if name:
        return Submission(name, None if found is None else _external_identity(found))
    word = word_of(payload.get("status"))
    if state_of(word) is RemoteState.FAILED:
        # The gateway's own errand failed, and it names no task.
        raise by_word(word, _message(payload), response, submitting=True)
    raise Ambiguous("accepted, but without the id of a task", code=str(response.status))


def status(response: HttpResponse) -> TaskStatus:
    """Read the answer about one task. Its `provider_task_id` is empty where the answer names none.

    Raises:
        ProviderError: the answer is not about a task.

    """
    payload: Any = decoded(response.body)
    try:
        payload = _payload(response, submitting=False)
    except ProviderError:
        # The code may be the task's: its gateway hands on how it goes.
        found = envelopes.find(payload) if isinstance(payload, Mapping) else None
        seen = None if found is None or not (found.id and found.word) else _status(found, payload)
        if seen is None or seen.is_unclear:
            raise
        return seen
    held = payload.get("data")
    if isinstance(held, list) and not held:
        raise NotFound("the provider knows no such task", code=str(response.status))
    found = envelopes.find(payload)
    if found is None:
        raise _garbage("the answer is not about a task", response, submitting=False)
    return _status(found, payload)


def found(response: HttpResponse) -> TaskStatus | None:
    """Read the answer to a question by our own id; None only where Kling itself says that there is none.

    Raises:
        ProviderError: the answer does not settle it.

    """
    try:
        answer = status(response)
    except NotFound as error:
        if is_proof(error):
            return None
        raise _garbage(
            "an answer without proof that there is no such task", response, submitting=False
        ) from error
    if not answer.provider_task_id:
        raise _garbage("the answer names no task", response, submitting=False)
    return answer


def is_proof(error: NotFound) -> bool:
    """Whether it was Kling itself who said that there is no such thing."""
    return error.code in _PROOFS


def tasks(response: HttpResponse) -> tuple[TaskStatus, ...]:
    """Read an answer about many tasks.

    Raises:
        ProviderError: the answer is no list.

    """
    rows = data(response)
    if isinstance(rows, Mapping):
        # A page of the newer standard, or of a gateway.
        rows = next((rows[name] for name in _LISTS if isinstance(rows.get(name), list)), None)
    if not isinstance(rows, list):
        raise _garbage("the answer is not a list of tasks", response, submitting=False)
    found = [(node, envelopes.find(node)) for node in objects(rows)]
    return tuple(_status(one, node) for node, one in found if one is not None and one.id)


def page(response: HttpResponse) -> TaskPage:
    """Read a page of all tasks, with whatever tells them apart.

    Raises:
        ProviderError: the answer is no such page.

    """
    held = fields(response)
    rows = next((held[name] for name in _LISTS if isinstance(held.get(name), list)), None)
    if rows is None:
        raise _garbage("the answer is not a list of tasks", response, submitting=False)
    found = [(node, envelopes.find(node)) for node in objects(rows)]
    listed = tuple(
        ListedTask(
            provider_task_id=one.id,
            created_at=Millis(int(number_of(node.get("create_time")) or 0)),
            external_task_id=_external_identity(one),
            model=next((text for name in _MODELS if (text := text_of(node.get(name)))), None),
            prompt=text_of(node.get("prompt")) or None,
        )
        for node, one in found
        if one is not None and one.id
    )
    more = held.get("has_more") is not False
    return TaskPage(listed, text_of(held.get("next_cursor")) if more else "")


def _status(found: envelopes.Found, answer: Node) -> TaskStatus:
    """Read one task out of the object that names it."""
    node, raw, state = found.node, found.raw, state_of(found.word)
    waits = state in {RemoteState.QUEUED, RemoteState.RUNNING}
    videos = (
        ()
        if state is RemoteState.FAILED
        else results_of(node, raw, is_over=not waits, succeeded=state is RemoteState.SUCCEEDED)
        # Some stand beside the task, around which the answer is.
        or results_of(envelopes.around(answer), {}, is_over=not waits, succeeded=False)
    )
    if waits:
        # Without a host it may be where the task itself is looked at.
        videos = tuple(video for video in videos if not video.url.startswith(NO_HOST))
    if videos:
        # Where the result is, there the task has ended, whatever its word.
        state = RemoteState.SUCCEEDED
    seen = TaskStatus(
        provider_task_id=found.id,
        state=state,
        word=found.word,
        progress=percent(node.get("progress")),
        videos=videos,
        reason=_reason(node, raw, answer) if state is RemoteState.FAILED else None,
        external_task_id=_external_identity(found),
        cost=amount(node.get("final_unit_deduction"))
        or amount(raw.get("final_unit_deduction"))
        or _billed(node)
        or None,
    )
    return replace(seen, keys=envelopes.keys(answer)) if seen.is_unclear else seen


def listed(response: HttpResponse) -> tuple[TaskStatus, ...]:
    """Read an answer about one task or many.

    Raises:
        ProviderError: the answer is about none.

    """
    try:
        return tasks(response)
    except Unavailable:
        return (status(response),)


def _external_identity(found: envelopes.Found) -> str | None:
    """Our own id of a task, wherever an answer repeats it."""
    node, raw = found.node, found.raw
    info = child(node, "task_info") or child(raw, "task_info")
    return (
        identity(info.get("external_task_id"))
        or identity(node.get("external_id"))
        or identity(node.get("external_task_id"))
        or _told_back(node)
        or None
    )


def _told_back(node: Node) -> str:
    """Our own id in the metadata of a submission, which some gateways repeat, as an object or as text."""
    metadata = opened(node.get("metadata"))
    return identity(metadata.get("external_task_id")) if isinstance(metadata, Mapping) else ""


def _billed(node: Node) -> str:
    """The units that the newer standard took; money is no unit."""
    bills = (bill for bill in objects(node.get("billing")) if bill.get("charge_type") == "unit")
    return next((amount(bill.get("amount")) for bill in bills), "")


def _reason(node: Node, raw: Node, answer: Node) -> str | None:
    """Why a task failed, in its provider's words, wherever they stand."""
    error = node.get("error")
    sentence = _message(error) if isinstance(error, Mapping) else text_of(error)
    surely = next((text for name in _SURE_REASONS if (text := clean(node.get(name)))), "")
    told_last = (_message(node), clean(sentence), _message(raw), _message(answer), _code(node))
    return surely or next((text for text in map(clean, (sentence, *told_last)) if text), None)


def _garbage(text: str, response: HttpResponse, *, submitting: bool) -> ProviderError:
    code = str(response.status)
    return Ambiguous(text, code=code) if submitting else Unavailable(text, code=code)

"""Reads the answers of every dialect: liberal in the shape, strict in what counts as success. Pure.

Kling and the gateways in front of it wrap one and the same task in different envelopes:

    {code: 0, data: {task_id, task_status, task_result: {videos: […]}}}       Kling, /v1
    {code: 0, data: [{id, status, outputs: […]}]}                             Kling, newer standard
    {id, task_id, object: "video", status, metadata: {url}}                   OpenAI's video object
    {code: "success", data: {task_id, status, result_url, data: {…Kling…}}}   new-api
    {task_id, status, url, error: {code, message}}                            older new-api, OmniMaaS
    {task_id, task_status, task_result}                                       flat proxies
"""

from collections.abc import Iterator, Mapping
from typing import Any

from bot.domain.requests.request import Product
from bot.domain.tasks.task import RemoteVideo
from bot.kling.dialects.reading import (
    address,
    by_kling_code,
    by_status,
    by_word,
    clean,
    decoded,
    milliseconds,
    percent,
    state_of,
    text_of,
    whole,
)
from bot.kling.outcomes import Ambiguous, NotFound, ProviderError, Unavailable
from bot.kling.wire import HttpResponse, RemoteState, Submission, TaskStatus

Node = Mapping[str, Any]

_NESTING = 3
"""How deep gateways are followed that pass on another gateway's error as text."""

_PROOFS = frozenset({"1201", "1203", "200"})
"""Codes of NotFound that come from Kling: 200 is its empty list. A bare 404 may be a wrong address."""

_LISTS = ("result", "items", "list", "tasks", "records")
"""What a page calls the tasks on it."""

_FINE = frozenset({"", "0", "200", "success", "succeed", "ok"})


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
    code, message = text_of(payload.get("code")), text_of(payload.get("message"))
    error = payload.get("error")
    if error and not _names_a_task(payload):
        # OpenAI's shape, or just a sentence.
        if isinstance(error, Mapping):
            code = text_of(error.get("code")) or text_of(error.get("type")) or code
            message = text_of(error.get("message")) or message
        else:
            message = text_of(error) or message
        code = code if code.casefold() not in _FINE else "error"
    if code.casefold() in _FINE:
        if 200 <= response.status < 300:
            return None
        return by_status(response.status, message, response, submitting=submitting)
    inner = decoded(message) if message.startswith("{") and depth < _NESTING else None
    if isinstance(inner, Mapping):
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


def submission(response: HttpResponse) -> Submission:
    """Read the answer to a submission.

    Raises:
        ProviderError: it was not accepted, or (Ambiguous) the answer does not tell.

    """
    payload = _payload(response, submitting=True)
    held, node = payload.get("data"), _node(payload)
    identity = _identity(node) or (text_of(held) if isinstance(held, str) else "")
    if not identity:
        raise Ambiguous("accepted, but without the id of a task", code=str(response.status))
    return Submission(identity, _external_identity(node, _raw(node)))


def status(response: HttpResponse) -> TaskStatus:
    """Read the answer about one task. Its `provider_task_id` is empty where the answer names none.

    Raises:
        ProviderError: the answer is not about a task.

    """
    payload = _payload(response, submitting=False)
    held = payload.get("data")
    if isinstance(held, list) and not held:
        raise NotFound("the provider knows no such task", code=str(response.status))
    node = _node(payload)
    if not _word(node) and not _identity(node):
        raise _garbage("the answer is not about a task", response, submitting=False)
    return task(node)


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
    return tuple(task(node) for node in rows if isinstance(node, Mapping) and _identity(node))


def task(node: Node) -> TaskStatus:
    """Read one task out of the innermost object that names it."""
    word = _word(node)
    state = state_of(word)
    raw = _raw(node)
    return TaskStatus(
        provider_task_id=_identity(node),
        state=state,
        word=word,
        progress=percent(node.get("progress")),
        videos=_videos(node, raw) if state is RemoteState.SUCCEEDED else (),
        reason=_reason(node, raw) if state is RemoteState.FAILED else None,
        external_task_id=_external_identity(node, raw),
        cost=text_of(node.get("final_unit_deduction"))
        or text_of(raw.get("final_unit_deduction"))
        or _billed(node)
        or None,
    )


def listed(response: HttpResponse) -> tuple[TaskStatus, ...]:
    """Read an answer about one task or many.

    Raises:
        ProviderError: the answer is about none.

    """
    try:
        return tasks(response)
    except Unavailable:
        return (status(response),)


def _external_identity(node: Node, raw: Node) -> str | None:
    """Our own id of a task, wherever an answer repeats it."""
    info = _child(node, "task_info") or _child(raw, "task_info")
    return (
        text_of(info.get("external_task_id"))
        or text_of(node.get("external_id"))
        or text_of(node.get("external_task_id"))
        or _told_back(node)
        or None
    )


def _told_back(node: Node) -> str:
    """Our own id in the metadata of a submission, which some gateways repeat, as an object or as text."""
    metadata = node.get("metadata")
    if isinstance(metadata, str):
        metadata = decoded(metadata)
    return text_of(metadata.get("external_task_id")) if isinstance(metadata, Mapping) else ""


def _node(payload: Node) -> Node:
    """Find the object that names the task: the answer itself, its `data`, or the first of its `data`."""
    node = payload
    for _ in range(_NESTING):
        inner = node.get("data")
        if isinstance(inner, list) and inner:
            inner = inner[0]
        if _identity(node) or _word(node) or not isinstance(inner, Mapping):
            break
        node = inner
    return node


def _raw(node: Node) -> Node:
    """Kling's own task inside a gateway's: ``data: {code: 0, data: {task_id, …}}``, sometimes as text."""
    inner = node.get("data")
    if isinstance(inner, str):
        inner = decoded(inner)
    if not isinstance(inner, Mapping):
        return {}
    return _node(inner)


def _names_a_task(payload: Node) -> bool:
    return bool(_identity(payload) and _word(payload))


def _identity(node: Node) -> str:
    # In new-api's rows `id` is the number of the row, so `task_id` goes first.
    return text_of(node.get("task_id")) or text_of(node.get("id"))


def _word(node: Node) -> str:
    word = node.get("task_status", node.get("status"))
    return word.strip() if isinstance(word, str) else ""


def _child(node: Node, key: str) -> Node:
    child = node.get(key)
    return child if isinstance(child, Mapping) else {}


def _videos(node: Node, raw: Node) -> tuple[RemoteVideo, ...]:
    own = tuple(_listed(node))
    if own:
        return own
    inner = tuple(_listed(raw))
    # The gateway's own address goes first, unless Kling lists more results than it can name.
    url = (
        address(node.get("url"))
        or address(node.get("result_url"))
        or address(node.get("video_url"))
        or address(_child(node, "metadata").get("url"))
        or address(_child(node, "content").get("video_url"))
        or address(node.get("fail_reason"))
    )
    if url is None or len(inner) > 1:
        return inner
    if inner:
        return (RemoteVideo(url, inner[0].id, inner[0].duration_ms),)
    seconds = node.get("seconds") or _child(node, "metadata").get("duration") or node.get("duration")
    return (RemoteVideo(url, None, milliseconds(seconds)),)


def _listed(node: Node) -> Iterator[RemoteVideo]:
    """Every result that an object lists, in Kling's words of both standards."""
    results = _child(node, "task_result")
    for kind, name in ((Product.VIDEO, "videos"), (Product.IMAGE, "images"), (Product.AUDIO, "audios")):
        for result in _nodes(results.get(name)):
            yield from _result(kind, result)
    for output in _nodes(node.get("outputs")):
        word = text_of(output.get("type"))
        if word in _OUTPUTS:
            yield from _result(Product(word), output)


def _result(kind: Product, result: Node) -> Iterator[RemoteVideo]:
    url = next((found for name in _ADDRESSES if (found := address(result.get(name)))), None)
    if url is not None:
        seconds = next((result[name] for name in _DURATIONS if name in result), None)
        yield RemoteVideo(
            url,
            text_of(result.get("id")) or None,
            milliseconds(seconds),
            kind,
            address(result.get("watermark_url")),
        )


_OUTPUTS = frozenset(Product)
_ADDRESSES = ("url", "url_mp3", "mp3_url", "url_wav", "wav_url")
_DURATIONS = ("duration", "duration_mp3", "mp3_duration", "duration_wav", "wav_duration")


def _nodes(value: object) -> Iterator[Node]:
    return (one for one in value if isinstance(one, Mapping)) if isinstance(value, list) else iter(())


def _billed(node: Node) -> str:
    """The units that the newer standard took; money is no unit."""
    return next(
        (
            text_of(bill.get("amount"))
            for bill in _nodes(node.get("billing"))
            if bill.get("charge_type") == "unit"
        ),
        "",
    )


def _reason(node: Node, raw: Node) -> str | None:
    error = node.get("error")
    sentence = text_of(error) if isinstance(error, str) else text_of(_child(node, "error").get("message"))
    return (
        clean(node.get("task_status_msg"))
        or clean(node.get("fail_reason"))
        or clean(sentence)
        or clean(raw.get("task_status_msg"))
        or clean(node.get("message"))
        or None
    )


def _garbage(text: str, response: HttpResponse, *, submitting: bool) -> ProviderError:
    code = str(response.status)
    return Ambiguous(text, code=code) if submitting else Unavailable(text, code=code)

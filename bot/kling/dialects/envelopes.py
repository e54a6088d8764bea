"""Which object of an answer is the task: gateways wrap it, and say `success` of their own errand. Pure.

A status counts only beside a task's id, or inside an object that is surely the task's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.outside import identity, opened, word_of
from bot.kling.dialects.words import state_of
from bot.kling.wire import RemoteState

Node = Mapping[str, Any]

NESTING = 4
"""How deep answers are looked into."""

_INNER = ("data", "task", "output", "result", "response", "job", "generation", "prediction")
"""What a task is wrapped in."""

_IDS = ("task_id", "taskId")
_JOB_IDS = (
    *("generation_id", "generationId", "job_id", "jobId"),
    *("prediction_id", "predictionId", "video_id", "videoId"),
)
_OTHER_IDS = (
    *("taskID", "taskid"),
    *_JOB_IDS,
    *("creation_id", "creationId", "task_ids", "taskIds", "ids"),
)
_MADE = ("creation", "video")
"""Names of ids, and of objects with one, in the answer to a submission; in others they may be those of a result."""

_WORDS = ("task_status", "taskStatus", "status", "task_state", "state")
_OWN_WORDS = frozenset({"task_status", "taskStatus", "task_state"})
_MARKS = frozenset(
    {"object", "progress", "created_at", "createdAt", "submit_time", "task_result", "result_url", "video_url"}
    | {"fail_reason", "failReason", "task_status_msg", "outputs", "videos", "creations", "task_info"}
    | {*_JOB_IDS}
)
"""What stands beside the status of a task, and not in an envelope."""

_PLACES = frozenset({"url", "output", "video", "content"})
"""The same where the status tells of no failure."""


@dataclass(frozen=True, slots=True)
class Found:
    """A task in an answer: `node` names it; `raw` is Kling's own task inside a gateway's, or a part of it, else empty.

    `id` may be empty where the answer does not repeat it. `word` is empty where no status is about it.
    """

    id: str
    word: str
    node: Node
    raw: Node


NONE: Node = {}


def child(node: Node, key: str) -> Node:
    """The object that stands under a key; an empty one where there is none."""
    value = node.get(key)
    return value if isinstance(value, Mapping) else NONE


def items(value: object) -> Iterator[object]:
    """What a list holds; nothing where it is none."""
    return iter(value if isinstance(value, list) else ())


def objects(value: object) -> Iterator[Node]:
    """The objects that a list holds."""
    return (one for one in items(value) if isinstance(one, Mapping))


def names_a_task(node: Node) -> bool:
    """Whether an object holds the id and the status of something."""
    return bool(_id(node) and _word(node))


def find(payload: Node) -> Found | None:
    """Find the innermost object that names the task; None where the answer is about none."""
    nodes = list(_chain(payload))
    at = _named(nodes)
    if at is None:
        return _nameless(nodes)
    name = _id(nodes[at])
    alike = [at]
    # The same id further in: what is around it repeats it.
    alike += [inner for inner in range(at + 1, len(nodes)) if _id(nodes[inner]) == name]
    inner = alike[-1]
    deeper = nodes[inner + 1 :]
    # What is in it without an id of its own is a part of it.
    part = deeper[-1] if deeper else NONE
    raw = next((node for node in deeper if _id(node) or _OWN_WORDS & node.keys()), part)
    node: Node = nodes[inner]
    for outer in reversed(alike[:-1]):
        # What only the outer one says holds too.
        node = {**around(nodes[outer]), **_said(node)}
    return Found(name, _decided([nodes[one] for one in alike], raw), node, raw)


def other_id(payload: Node) -> str:
    """The id of what a submission made, under a name that elsewhere may be that of something else; empty without one."""
    for node in _chain(payload):
        for name in _OTHER_IDS:
            if found := identity(_first(node.get(name))):
                return found
        for name in _MADE:
            if found := _id(child(node, name)):
                return found
    return ""


def around(payload: Node) -> Node:
    """What stands beside the task: without what is wrapped, where other tasks may be too."""
    return {key: value for key, value in payload.items() if key not in _INNER}


def keys(payload: object) -> tuple[str, ...]:
    """The names in an answer, `data.task_id` for one inside, in order; some of the first where there are many."""
    return tuple(sorted(set(_keys(payload, "", 0)))[:40])


def _keys(value: object, before: str, depth: int) -> Iterator[str]:
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, Mapping) and depth < NESTING:
        for key, inner in list(value.items())[:40]:
            name = f"{before}{word_of(key)}"
            yield name
            yield from _keys(inner, f"{name}.", depth + 1)


def _chain(payload: Node) -> Iterator[Node]:
    """The answer and what it wraps, from the outermost on."""
    node: Node | None = payload
    for _ in range(NESTING + 1):
        if node is None:
            return
        yield node
        node = next((inner for name in _INNER if (inner := _opened(node.get(name)))), None)


def _opened(value: object) -> Node | None:
    """An object, the first of a list, or one that is written as text."""
    value = opened(value)
    if isinstance(value, list):
        value = value[0] if value else None
    return value if isinstance(value, Mapping) else None


def _named(nodes: list[Node]) -> int | None:
    """Which of the objects names the task as its gateway does: the outermost with its id.

    An `id` alone may be that of the exchange, where an object further in has a task's, and its word is about the
    exchange too.
    """
    own = next((at for at, node in enumerate(nodes) if _own_id(node)), None)
    any_id = next((at for at, node in enumerate(nodes) if _id(node)), None)
    if any_id is None or own is None:
        return any_id
    outer = nodes[any_id]
    return any_id if any_id < own and _word(outer) and _MARKS & outer.keys() else own


def _nameless(nodes: list[Node]) -> Found | None:
    """The object that is surely a task's although no id is in it."""
    for depth, node in enumerate(nodes):
        word = _word(node)
        if not word:
            continue
        state = state_of(word)
        waits = state in {RemoteState.QUEUED, RemoteState.RUNNING}
        marks = _OWN_WORDS | _MARKS | (frozenset() if state is RemoteState.FAILED else _PLACES)
        if marks & node.keys() or (depth and waits):
            raw = next((inner for inner in nodes[depth + 1 :] if _word(inner)), NONE)
            return Found("", word, node, raw)
    return None


def _decided(alike: list[Node], raw: Node) -> str:
    """The word about the task: the innermost, but a failure around it is not taken back by one that still waits."""
    said = [word for node in alike if (word := _word(node))]
    if not said:
        return _word(raw)
    waits = state_of(said[-1]) in {RemoteState.QUEUED, RemoteState.RUNNING}
    failed = next((word for word in said[:-1] if state_of(word) is RemoteState.FAILED), None)
    return failed if failed is not None and waits else said[-1]


def _said(node: Node) -> Node:
    return {key: value for key, value in node.items() if value not in (None, "")}


def _first(value: object) -> object:
    """The one of a list; a list of several names nothing."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _own_id(node: Node) -> str:
    return next((found for name in _IDS if (found := identity(node.get(name)))), "")


def _id(node: Node) -> str:
    # In new-api's rows `id` is the number of the row, so `task_id` goes first.
    return _own_id(node) or identity(node.get("id"))


def _word(node: Node) -> str:
    return next(
        (
            word
            for name in _WORDS
            if not isinstance(node.get(name), bool) and (word := word_of(node.get(name)))
        ),
        "",
    )

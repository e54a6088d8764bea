"""Whatever a provider answers, and in whichever order: every task ends in time, is booked once, and leaves its place."""

import asyncio
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response

from bot.domain.tasks.schedule import LATE_LIMIT
from bot.domain.tasks.task import LedgerKind, Task, TaskState
from bot.domain.types import SECOND, Millis
from bot.services.ports import Job
from tests.builders import stored
from tests.world.kling import a_film
from tests.world.services import ServiceWorld, open_services

TIMEOUT, WAITING, ANSWERING = 60 * SECOND, 120 * SECOND, 20 * SECOND
LATE_LOOKS = 4
SLACK = 10 * SECOND
"""How late a job may come that runs by the clock."""

TASK = "{task}"
WORDS = (
    "submitted",
    "processing",
    "succeed",
    "SUCCESS",
    "failed",
    "FAILURE",
    "done",
    "polished",
    "",
    "error",
)
KEYS = (
    "code",
    "message",
    "data",
    "task_id",
    "id",
    "status",
    "task_status",
    "error",
    "url",
    "result_url",
    "videos",
)
URL = "{kling}/files/a.mp4"
VALUES = st.one_of(
    st.sampled_from(
        (*WORDS, TASK, URL, "success", "risk control", "task_not_exist", "余额不足", "\ud83d", "\0")
    ),
    st.sampled_from(
        (0, 200, 1101, 1102, 1103, 1201, 1203, 1301, 1303, 5000, 5001, -5, 10**40, 0.5, True, None)
    ),
)
JSON = st.recursive(
    VALUES,
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from(KEYS), inner, max_size=4), st.lists(inner, max_size=2)
    ),
    max_leaves=8,
)
TASKS = st.builds(
    lambda word, extra: {
        "code": 0,
        "message": "SUCCEED",
        "data": {"task_id": TASK, "task_status": word} | extra,
    },
    st.sampled_from(WORDS),
    st.sampled_from(
        (
            {},
            {"task_status_msg": "not allowed: \ud83d"},
            {"task_status_msg": "Failure to pass the risk control system"},
            {"task_result": {"videos": [{"id": "1", "url": URL, "duration": "5"}]}},
        )
    ),
)
ERRORS = st.builds(
    lambda code, message: {"code": code, "message": message},
    st.sampled_from(
        (1002, 1101, 1102, 1103, 1200, 1201, 1202, 1203, 1301, 1302, 1303, 1304, 5000, 5001, "x")
    ),
    st.sampled_from(
        ("no", "Task not found by id/external id", "upstream timeout", "risk control", "余额不足")
    ),
)
BODIES = st.one_of(TASKS, TASKS, TASKS, ERRORS, JSON, st.just("<html>Just a moment…</html>"), st.just(""))
ANSWERS = st.tuples(
    st.sampled_from((200, 200, 200, 200, 400, 401, 403, 404, 408, 413, 429, 500, 502, 503)), BODIES
)
DIALECTS = st.sampled_from(("official", "generic", "flat", "unified"))


class Script:
    """What the provider answers, one after the other, and from then on the last."""

    def __init__(self, answers: Sequence[tuple[int, Any]], kling: str) -> None:
        self._left, self._kling = list(answers), kling

    async def __call__(self, request: Request) -> Response:
        status, body = self._left.pop(0) if len(self._left) > 1 else self._left[0]
        text = body if isinstance(body, str) else json.dumps(body)
        name = request.url.path.rpartition("/")[2] if request.method == "GET" else "kling-1"
        return Response(
            text.replace(TASK, name).replace("{kling}", self._kling).encode("utf-8", "replace"), status
        )


async def end(world: ServiceWorld, task: Task) -> None:
    """Run what runs by the clock until nothing about the task is due any more, and hold every deadline on the way."""
    limit = world.clock.now() + WAITING + ANSWERING + 20 * TIMEOUT + 3 * LATE_LIMIT
    late = 0
    while True:
        for job in (Job.RECOVER, Job.DISPATCH, Job.POLL, Job.DELIVER):
            await world.run(job)
        now, seen = world.clock.now(), await world.now(task)
        hold(world, seen, now)
        rows = await world.store.outbox.list_of(task.id)
        due = [row.due_at for row in rows if row.due_at is not None]
        due += [] if seen.due_at is None else [seen.due_at]
        due += [] if seen.state.is_final else [seen.deadline_at]
        if not due:
            return
        assert now < limit, seen
        late += seen.state is TaskState.EXPIRED
        # A day has many looks, and all but the first are alike.
        wait = LATE_LIMIT if late > LATE_LOOKS else min(due) - now
        world.clock.advance(max(SECOND, wait))


def hold(world: ServiceWorld, task: Task, now: Millis) -> None:
    """It is at its end by its deadline; one that is looked for on is let go after a day."""
    if not task.state.is_final:
        assert now <= task.deadline_at + max(SLACK, 5 * SECOND), task
    elif task.due_at is not None:
        assert now <= (task.finished_at or now) + 2 * LATE_LIMIT, task


async def scenario(
    dialect: str, submits: Sequence[tuple[int, Any]], not_found_count: Sequence[tuple[int, Any]]
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        async with open_services(Path(directory)) as world:
            key = {} if dialect == "official" else {"key": "sk-demo-generic"}
            seconds = {"timeout": TIMEOUT, "waiting": WAITING, "answering": ANSWERING}
            polling = "\n".join(f"{name} = {value // SECOND}" for name, value in seconds.items())
            await world.open(dialect=dialect, polling=f"retries = 2\n{polling}", **key)
            world.to_kling.always("submit", Script(submits, world.kling_url))
            for name in ("query", "list"):
                world.to_kling.always(name, Script(not_found_count, world.kling_url))
            world.to_kling.always("file", Response(a_film(), media_type="video/mp4"))
            until = Millis(world.clock.now() + WAITING)
            task = await stored(world.store, waits_until=until, deadline_at=until)
            await end(world, task)
            kinds = [row.kind for row in await world.store.credits.list_ledger(task.user_id)]
            assert kinds.count(LedgerKind.HOLD) == 1
            assert kinds.count(LedgerKind.CHARGE) + kinds.count(LedgerKind.RELEASE) == 1
            assert not await world.store.tasks.count_running()
            assert (await world.usage()).held == 0


@settings(
    max_examples=25,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),
)
@given(DIALECTS, st.lists(ANSWERS, min_size=1, max_size=4), st.lists(ANSWERS, min_size=1, max_size=8))
def test_every_task_ends_in_time_is_booked_once_and_leaves_its_place(dialect, submits, not_found_count):
    asyncio.run(scenario(dialect, submits, not_found_count))

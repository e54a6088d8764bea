"""Builders: say what a test is about, and leave the rest to these."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from bot.domain.credits.quota import Plan, Windows, windows
from bot.domain.library.asset import Asset
from bot.domain.requests.operations import LIBRARY_OPERATIONS, Operation, Product
from bot.domain.requests.question import NEXT_MESSAGE, Content, Question
from bot.domain.requests.request import GenerationRequest, ImageRef
from bot.domain.tasks.lifecycle import (
    Accepted,
    AnswerLost,
    CancelRequested,
    Claimed,
    DeadlinePassed,
    Event,
    Finished,
    Refused,
    transition,
)
from bot.domain.tasks.task import (
    Delivery,
    DeliveryState,
    FailureKind,
    LedgerKind,
    LedgerRow,
    Origin,
    RemoteResult,
    Task,
    TaskState,
)
from bot.domain.types import (
    HOUR,
    MINUTE,
    SECOND,
    AccountId,
    ChatId,
    Credits,
    Millis,
    ProviderName,
    TaskId,
    UserId,
)
from bot.services.ports import Balance
from bot.store import Draft, InboxRow, Store, StoredAttachment

NOW = Millis(1_767_225_600_000)
"""2026-01-01 00:00 UTC."""

ADA = UserId(1001)
ADAS_ACCOUNT = AccountId.of_person(ADA)
XIAOLIN = UserId(1002)
ADAS_CHAT = ChatId(1001)
OFFICIAL = ProviderName("official")
LEASE = Millis(90 * SECOND)

GENEROUS = Plan(name="generous", daily_credits=1_000_000, max_running=1000)
"""A plan that never says no."""

GRANTED_ONLY = Plan(name="granted only", max_running=1000)
"""A plan without any allowance: only granted credits can be spent."""

_numbers = itertools.count(1)
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def a_task_id() -> TaskId:
    """An id that no other task of the test run has."""
    number = next(_numbers)
    return TaskId("".join(_LETTERS[number >> shift & 31] for shift in range(25, -1, -5)))


def a_video(number: int = 0) -> RemoteResult:
    return RemoteResult(f"https://cdn.example/{number}.mp4", f"video-{number}", 5_000)


def an_image(content: bytes = b"a picture") -> StoredAttachment:
    return StoredAttachment(
        ImageRef(sha256=sha256(content).hexdigest(), media_type="image/jpeg", width=640, height=360), content
    )


def a_request(image: StoredAttachment | None = None, **changes: Any) -> GenerationRequest:
    """Words to video; with an image, image to video."""
    values: dict[str, Any] = {"model": "kling-v2-6", "prompt": "a fox in the snow"}
    if image is None:
        values["operation"] = Operation.TEXT_TO_VIDEO
    else:
        values |= {"operation": Operation.IMAGE_TO_VIDEO, "first_frame": image.ref, "aspect_ratio": None}
    return GenerationRequest.model_validate(values | changes)


def an_origin(**changes: Any) -> Origin:
    chat_id = changes.pop("chat_id", ADAS_CHAT)
    return replace(Origin(chat_id=chat_id, message_id=7, is_private=chat_id > 0), **changes)


def a_task(state: TaskState = TaskState.QUEUED, **changes: Any) -> Task:
    """A task as it looks in `state`; `changes` are fields of `Task`, and some of its origin."""
    origin = {name: changes.pop(name) for name in ("update_id", "chat_id", "thread_id") if name in changes}
    created_at = changes.pop("created_at", NOW)
    task_id = a_task_id()
    request = changes.pop("request", None) or a_request()
    task = Task(
        id=task_id,
        user_id=ADA,
        origin=an_origin(**origin),
        request=request,
        price=Credits(0 if request.operation in LIBRARY_OPERATIONS else 10),
        external_task_id=f"klingbot-{task_id}",
        created_at=created_at,
        deadline_at=Millis(created_at + 20 * MINUTE),
        waits_until=Millis(created_at + 20 * MINUTE),
        due_at=created_at,
    )
    for event in path_to(state, created_at):
        task = transition(task, event, created_at).after
    return replace(task, **changes)


def path_to(state: TaskState, now: Millis = NOW) -> tuple[Event, ...]:
    """The shortest way for a queued task to get into `state`."""
    claimed = Claimed(OFFICIAL, Millis(now + LEASE), Millis(now + 20 * MINUTE))
    accepted = Accepted("kling-1", Millis(now + 5 * SECOND))
    ways: dict[TaskState, tuple[Event, ...]] = {
        TaskState.QUEUED: (),
        TaskState.SUBMITTING: (claimed,),
        TaskState.UNCONFIRMED: (claimed, AnswerLost(now)),
        TaskState.IN_PROGRESS: (claimed, accepted),
        TaskState.SUCCEEDED: (claimed, accepted, Finished((a_video(),), "0.7")),
        TaskState.FAILED: (claimed, Refused(FailureKind.CONTENT, "sensitive")),
        TaskState.CANCELLED: (CancelRequested(),),
        TaskState.EXPIRED: (claimed, accepted, DeadlinePassed(Millis(now + 5 * MINUTE))),
    }
    return ways[state]


async def stored(
    store: Store,
    state: TaskState = TaskState.QUEUED,
    *,
    images: Sequence[StoredAttachment] = (),
    **changes: Any,
) -> Task:
    """Keep a task and lead it into `state`, with everything that is booked on the way."""
    task = await store.tasks.accept(a_task(**changes), images, GENEROUS, a_window())
    for event in path_to(state, task.created_at):
        task = await store.tasks.apply(transition(task, event, task.created_at), task.created_at)
    return task


def a_delivery(task: Task | None = None, **changes: Any) -> Delivery:
    """The delivery of a task's first video, which is about to be sent."""
    values: dict[str, Any] = {
        "id": 1,
        "task": task or a_task(TaskState.SUCCEEDED),
        "kind": Product.VIDEO,
        "position": 0,
        "state": DeliveryState.SENDING,
        "attempts": 1,
        "due_at": None,
        "video": a_video(),
    }
    return Delivery(**values | changes)


def a_balance(**changes: Any) -> Balance:
    """What somebody can spend who has used half of their day and most of their month."""
    values: dict[str, Any] = {
        "available": 80,
        "granted": 30,
        "held": 15,
        "day_limit": 100,
        "day_spent": 50,
        "month_limit": 1_000,
        "month_spent": 1_000 - 50,
        "resets_at": NOW + HOUR,
        "running": 1,
        "max_running": 3,
    }
    return Balance(**values | changes)


def an_asset(**changes: Any) -> Asset:
    """Ada's element, which is being made."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "id": f"A{number}",
        "user_id": ADA,
        "kind": Operation.ELEMENT,
        "name": f"Fox{number}",
        "description": "a small red fox",
        "provider": OFFICIAL,
        "made_at": NOW,
    }
    return Asset(**values | changes)


def an_asset_request(**changes: Any) -> GenerationRequest:
    """An element of Ada's, or with `operation` a voice."""
    operation = changes.get("operation", Operation.ELEMENT)
    values: dict[str, Any] = {
        "operation": operation,
        "model": operation,
        "name": f"Fox{next(_numbers)}",
        "prompt": "a small red fox",
        "duration": 0,
        "aspect_ratio": None,
        "account": OFFICIAL,
    }
    return GenerationRequest(**values | changes)


def a_window(now: Millis = NOW, zone: str = "UTC") -> Windows:
    return windows(now, ZoneInfo(zone))


def a_grant(amount: int = 100, **changes: Any) -> LedgerRow:
    values: dict[str, Any] = {
        "account": ADAS_ACCOUNT,
        "kind": LedgerKind.GRANT,
        "amount": amount,
        "held": 0,
        "allowance": 0,
        "at": NOW,
        "counted_at": NOW,
        "idempotency_key": f"grant:{next(_numbers)}",
    }
    return LedgerRow(**values | changes)


def an_update(update_id: int, **changes: Any) -> InboxRow:
    values: dict[str, Any] = {
        "update_id": update_id,
        "chat_id": ADAS_CHAT,
        "payload": {"update_id": update_id, "message": {"text": "/video 狐狸"}},
        "sent_at": NOW,
        "received_at": NOW,
    }
    return InboxRow(**values | changes)


def a_draft(**changes: Any) -> Draft:
    values: dict[str, Any] = {
        "user_id": ADA,
        "chat_id": ADAS_CHAT,
        "data": {"request": a_request().model_dump(mode="json"), "source_message_id": 7},
        "message_id": 8,
        "updated_at": NOW,
    }
    return Draft(**values | changes)


def a_question(**changes: Any) -> Question:
    values: dict[str, Any] = {
        "chat_id": ADAS_CHAT,
        "message_id": NEXT_MESSAGE,
        "user_id": ADA,
        "kind": "photo",
        "payload": "",
        "accepts": Content.PHOTO,
        "expires_at": NOW + 15 * MINUTE,
    }
    return Question(**values | changes)

"""Rows of the database to the domain's objects, and back."""

import json
import sqlite3
from typing import Any

from bot.domain.library.recipe import Recipe
from bot.domain.requests.preferences import Preferences
from bot.domain.requests.request import VideoRequest
from bot.domain.tasks.task import (
    Delivery,
    DeliveryKind,
    DeliveryState,
    FailureKind,
    LedgerKind,
    LedgerRow,
    Origin,
    RemoteVideo,
    Task,
    TaskState,
)
from bot.domain.units import ChatId, Credits, Millis, ProviderName, TaskId, UserId
from bot.store.base import Awaited, InboxRow, User


def task_values(task: Task) -> dict[str, Any]:
    """Every column of a task but its sequence."""
    return {
        "id": task.id,
        "user_id": task.user_id,
        "chat_id": task.origin.chat_id,
        "message_id": task.origin.message_id,
        "thread_id": task.origin.thread_id,
        "update_id": task.origin.update_id,
        "language": task.origin.language,
        "is_private": int(task.origin.is_private),
        "request": task.request.model_dump_json(exclude_defaults=True),
        "model": task.request.model,
        "mode": task.request.mode,
        "duration": task.request.duration,
        "price": task.price,
        "priority": task.priority,
        "external_task_id": task.external_task_id,
        "deadline_at": task.deadline_at,
        "created_at": task.created_at,
        **changing_values(task),
        "status_message_id": task.status_message_id,
    }


def changing_values(task: Task) -> dict[str, Any]:
    """The columns that transitions change."""
    return {
        "state": str(task.state),
        "version": task.version,
        "due_at": task.due_at,
        "provider": task.provider,
        "provider_task_id": task.provider_task_id,
        "attempts": task.attempts,
        "looks": task.looks,
        "excluded": json.dumps(task.excluded),
        "submitted_at": task.submitted_at,
        "finished_at": task.finished_at,
        "progress": task.progress,
        "failure": None if task.failure is None else str(task.failure),
        "failure_detail": task.failure_detail,
        "real_cost": task.real_cost,
    }


def task_of(row: sqlite3.Row) -> Task:
    """Read a task."""
    return Task(
        id=TaskId(row["id"]),
        user_id=UserId(row["user_id"]),
        origin=Origin(
            chat_id=ChatId(row["chat_id"]),
            message_id=row["message_id"],
            thread_id=row["thread_id"],
            update_id=row["update_id"],
            language=row["language"],
            is_private=bool(row["is_private"]),
        ),
        request=VideoRequest.model_validate_json(row["request"]),
        price=Credits(row["price"]),
        external_task_id=row["external_task_id"],
        created_at=Millis(row["created_at"]),
        deadline_at=Millis(row["deadline_at"]),
        state=TaskState(row["state"]),
        version=row["version"],
        due_at=row["due_at"],
        provider=row["provider"],
        provider_task_id=row["provider_task_id"],
        attempts=row["attempts"],
        looks=row["looks"],
        excluded=tuple(ProviderName(name) for name in json.loads(row["excluded"])),
        submitted_at=row["submitted_at"],
        finished_at=row["finished_at"],
        progress=row["progress"],
        failure=None if row["failure"] is None else FailureKind(row["failure"]),
        failure_detail=row["failure_detail"],
        real_cost=row["real_cost"],
        status_message_id=row["status_message_id"],
        favourite=bool(row["favourite"]),
        hidden=bool(row["hidden"]),
        priority=row["priority"],
    )


def delivery_of(row: sqlite3.Row, task: Task) -> Delivery:
    """Read an outbox row."""
    video = None
    if row["url"] is not None:
        video = RemoteVideo(row["url"], row["remote_id"], row["remote_duration_ms"])
    return Delivery(
        id=row["id"],
        task=task,
        kind=DeliveryKind(row["kind"]),
        position=row["position"],
        state=DeliveryState(row["state"]),
        attempts=row["attempts"],
        due_at=row["due_at"],
        video=video,
        file_id=row["file_id"],
        message_id=row["message_id"],
        width=row["width"],
        height=row["height"],
        duration_ms=row["duration_ms"],
        size_bytes=row["size_bytes"],
        failure=row["failure"],
    )


def ledger_values(row: LedgerRow) -> dict[str, Any]:
    """Every column of a ledger row but its id."""
    return {
        "user_id": row.user_id,
        "kind": str(row.kind),
        "amount": row.amount,
        "held": row.held,
        "allowance": row.allowance,
        "at": row.at,
        "counted_at": row.counted_at,
        "operation_id": row.operation_id,
        "task_id": row.task_id,
        "actor_id": row.actor_id,
        "expires_at": row.expires_at,
        "note": row.note,
    }


def ledger_row_of(row: sqlite3.Row) -> LedgerRow:
    """Read a ledger row."""
    return LedgerRow(
        user_id=UserId(row["user_id"]),
        kind=LedgerKind(row["kind"]),
        amount=Credits(row["amount"]),
        held=Credits(row["held"]),
        allowance=Credits(row["allowance"]),
        at=Millis(row["at"]),
        counted_at=Millis(row["counted_at"]),
        operation_id=row["operation_id"],
        task_id=row["task_id"],
        actor_id=row["actor_id"],
        expires_at=row["expires_at"],
        note=row["note"],
    )


def user_of(row: sqlite3.Row) -> User:
    """Read a user."""
    return User(
        id=UserId(row["id"]),
        name=row["name"],
        username=row["username"],
        telegram_language=row["telegram_language"],
        language=row["language"],
        plan=row["plan"],
        plan_until=row["plan_until"],
        subscribed_plan=row["subscribed_plan"],
        subscribed_until=row["subscribed_until"],
        created_at=Millis(row["created_at"]),
        seen_at=Millis(row["seen_at"]),
        preferences=Preferences.read(row["preferences"]),
        invited_by=None if row["invited_by"] is None else UserId(row["invited_by"]),
    )


def inbox_row_of(row: sqlite3.Row) -> InboxRow:
    """Read a stored update."""
    return InboxRow(
        update_id=row["update_id"],
        chat_id=row["chat_id"],
        payload=json.loads(row["payload"]),
        sent_at=row["sent_at"],
        received_at=Millis(row["received_at"]),
    )


def recipe_values(recipe: Recipe) -> dict[str, Any]:
    """Every column of a recipe."""
    return {
        "token": recipe.token,
        "user_id": recipe.user_id,
        "name": recipe.name,
        "folded_name": recipe.name.casefold(),
        "settings": json.dumps(recipe.settings, ensure_ascii=False),
        "frame_count": recipe.frames,
        "picture_count": recipe.references,
        "created_at": recipe.created_at,
    }


def recipe_of(row: sqlite3.Row) -> Recipe:
    """Read a recipe."""
    return Recipe(
        token=row["token"],
        user_id=UserId(row["user_id"]),
        name=row["name"],
        settings=json.loads(row["settings"]),
        frames=row["frame_count"],
        references=row["picture_count"],
        created_at=Millis(row["created_at"]),
    )


def awaited_of(row: sqlite3.Row) -> Awaited:
    """Read what a person was asked for."""
    return Awaited(
        user_id=UserId(row["user_id"]),
        chat_id=ChatId(row["chat_id"]),
        kind=row["kind"],
        subject=row["subject"],
        asked_at=Millis(row["asked_at"]),
    )


def insert(
    connection: sqlite3.Connection, table: str, values: dict[str, Any], *, conflict: str = "ABORT"
) -> int:
    """Insert one row; the number of rows that it made (0 where `conflict` is IGNORE and it existed)."""
    columns = ", ".join(values)
    places = ", ".join(f":{name}" for name in values)
    cursor = connection.execute(f"INSERT OR {conflict} INTO {table} ({columns}) VALUES ({places})", values)  # noqa: S608  names are ours
    return cursor.rowcount

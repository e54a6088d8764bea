"""What `klingbot doctor` finds in the running bot and in its database: what is stuck, and what to do."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from bot.cli.checks.findings import Finding, Level, Subject, found
from bot.cli.health import document
from bot.domain.tasks.task import Task, TaskState
from bot.domain.types import DAY, HOUR, MINUTE, SECOND, Millis, format_task_id
from bot.store import Store

ENDED_BY_ITSELF = Millis(10 * MINUTE)
"""A task that is past its deadline is ended within five minutes, by a bot that runs."""

ANSWERED_BY_ITSELF = Millis(10 * MINUTE)
"""What became of a lost submission is known within minutes, or else its person is asked."""

SENT_WITHIN = Millis(15 * MINUTE)
LISTED = 1_000

ADVICE = {
    "Unauthorized": "refuses the key: correct it in the settings",
    "AddressRefused": "refuses this machine's address: add it to the allow-list of the key",
    "NotEnabled": "does not let this account use it: enable it there, or take it out of `models`",
    "OutOfBalance": "has no balance left: top up the account",
    "PackEmpty": "has none of such a resource pack left: buy another",
    "NoSuchModel": "does not have it: take it out of `models`",
    "Untrusted": "shows a certificate that nobody vouches for: check base_url, and this machine's certificates",
    "WrongPath": "has nothing at this path: check base_url and dialect",
    "NoPrice": "has no price for it: its administrator must set one",
}
"""What to do about a provider that is closed, by the class of its error."""

PASSING = {"Throttled", "TooManyAtOnce"}
"""What ends by itself."""


async def running(subject: Subject) -> list[Finding]:
    """Whether the bot runs and does its work, when Telegram answered it last, and how its providers are."""
    listen = subject.settings.monitoring.listen
    status, reason = await asyncio.to_thread(document, listen, "status")
    if status is None:
        if subject.holder is None:
            return [Finding("bot", "does not run: start it with `klingbot run`", Level.FAIL)]
        text = f"{subject.holder} serves with the database, but {reason}: wait a minute, else start it again"
        return [Finding("bot", text, Level.FAIL)]
    parts, providers = status.get("parts") or {}, status.get("providers") or []
    fetched = parts.get("updates", {}).get("age_seconds")
    age = "not yet" if fetched is None else f"{_lasting(round(fetched * SECOND))} ago"
    return [
        *found("bot", f"runs, and does its work; Telegram last answered {age}", _late(parts)),
        *(finding for provider in providers for finding in _provider(provider)),
    ]


def _late(parts: Mapping[str, Any]) -> Iterator[Finding]:
    for name, part in parts.items():
        if part["ok"]:
            continue
        since = "has not succeeded yet"
        if part["age_seconds"] is not None:
            since = f"last succeeded {_lasting(round(part['age_seconds'] * SECOND))} ago"
        do = {
            "updates": "see the log, and `klingbot check` for Telegram and the proxy",
            "store": "see the log, and the disk",
        }.get(name, "see the log; if it lasts, start the bot again")
        trouble = f" ({part['trouble']})" if part.get("trouble") else ""
        yield Finding(name, f"{since}{trouble}: {do}", Level.FAIL)


def _provider(provider: Mapping[str, Any]) -> list[Finding]:
    subject = f"provider {provider['name']}"
    if provider["paused"]:
        return [Finding(subject, "paused by an admin: resume it in /providers, or leave it", Level.WARN)]
    findings = []
    for closed in provider["closed"]:
        why = closed["why"]
        what = f"{closed['what']}: " if closed["what"] else ""
        advice = ADVICE.get(why, f"does not answer as it should ({why}): see `klingbot check`")
        if why in PASSING:
            advice = "is too busy: nothing to do"
        text = f"{what}{advice}; it is tried again in {_lasting(closed['seconds'] * SECOND)}"
        findings.append(Finding(subject, text, Level.WARN if why in PASSING else Level.FAIL))
    return findings or [Finding(subject, "takes tasks")]


async def waiting(subject: Subject) -> list[Finding]:
    """What has waited for too long in the database."""
    seen = subject.store
    if seen is None or not seen.is_there or seen.pending or seen.problem:
        return []
    store = await Store.open(subject.settings.store.url)
    try:
        return [finding async for finding in _waiting(subject, store)]
    finally:
        await store.close()


async def _waiting(subject: Subject, store: Store) -> AsyncIterator[Finding]:
    now = subject.runtime.clock.now()
    census = await store.operations.take_census()
    last = await store.inbox.get_last()
    yield Finding(
        "updates", "none came yet" if last is None else f"the last one came {_lasting(now - last[1])} ago"
    )
    number, limit = census.tasks.get(TaskState.QUEUED, 0), subject.settings.alerts.queue_minutes * MINUTE
    if census.queued_since is not None and now - census.queued_since >= limit:
        text = (
            f"{number} tasks wait, the oldest for {_lasting(now - census.queued_since)}: see the providers; "
            "raise max_concurrent, or add one"
        )
        yield Finding("queue", text, Level.FAIL)
    else:
        yield Finding("queue", f"{number} tasks wait")
    overdue = await store.tasks.list_overdue(Millis(now - ENDED_BY_ITSELF), LISTED)
    if overdue:
        late = f"{len(overdue)} past their deadline, the oldest {_named(overdue[0])} for {_lasting(now - overdue[0].deadline_at)}"
        yield Finding(
            "tasks", f"{late}: a bot that runs ends them; see its log, and start it again", Level.FAIL
        )
    else:
        yield Finding("tasks", f"{sum(census.tasks.values())} under way, none past its deadline")
    lost = [
        task
        for task in await store.tasks.list_in([TaskState.UNCONFIRMED], LISTED)
        if now - (task.submitted_at or task.created_at) >= ANSWERED_BY_ITSELF
    ]
    if lost:
        since = _lasting(now - (lost[0].submitted_at or lost[0].created_at))
        text = (
            f"{len(lost)} tasks were sent and never answered, the oldest {_named(lost[0])} {since} ago: look for it "
            f"in the provider's console (`klingbot admin task {_named(lost[0])}`); its person is asked what to do"
        )
        yield Finding("unconfirmed", text, Level.FAIL)
    due = 0 if census.outbox_due is None else now - census.outbox_due
    if due >= SENT_WITHIN:
        text = f"{census.outbox} wait to be sent, the oldest for {_lasting(due)}: see the log for `delivery postponed`"
        yield Finding("deliveries", text, Level.FAIL)
    else:
        yield Finding("deliveries", f"{census.outbox} wait to be sent")
    if given_up := await store.outbox.list_undeliverable(Millis(now - DAY), LISTED):
        text = (
            f"{len(given_up)} results of the last day could not be sent, and were refunded where they were paid for; "
            f"the last one: {given_up[0][:80] or 'no reason'}"
        )
        yield Finding("undeliverable", text, Level.WARN)
    if census.quarantined:
        text = f"{census.quarantined} updates could not be read, and were set aside: update klingbot, or report the log"
        yield Finding("quarantine", text, Level.WARN)


def _named(task: Task) -> str:
    return format_task_id(task.id)


def _lasting(milliseconds: int) -> str:
    for unit, word in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if milliseconds >= 2 * unit:
            return f"{milliseconds // unit} {word}"
    return f"{max(0, milliseconds) // SECOND} s"

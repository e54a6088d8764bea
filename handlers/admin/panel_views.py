"""The admin panel as text and buttons: people, tasks, failures, texts, broadcasts and the log. Pure.

Every button holds `panel` and where it leads (`card.1001`); only whom it was made for may press it, and the
services check the role once more.
"""

from collections.abc import Sequence
from html import escape
from zoneinfo import ZoneInfo

from bot.domain.operations.actions import AuditRow, BroadcastState
from bot.domain.people.access import Permission, Person, Standing
from bot.domain.tasks.task import Task, TaskState
from bot.domain.units import Millis, TaskId, UserId, short_hash, shown
from bot.i18n import NAMES, Texts
from bot.services.operations.broadcast import Letter
from bot.services.operations.panel import AUDIT_ON_A_PAGE, PEOPLE_ON_A_PAGE, PersonCard
from bot.services.tasks.admin import Failures
from handlers.admin import grants
from handlers.admin.access import person_label
from handlers.admin.panel_buttons import back, pages, to
from handlers.chat import html
from handlers.chat.html import View, inline, settings_line
from handlers.chat.keyboards import Button, in_rows

GRANTS = (10, 50, 100)
"""Credits that one tap gives."""


def home(t: Texts, standing: Standing, waiting: int) -> View:
    """Where everything begins; what the role does not allow is not shown."""
    owner = standing.user_id
    rows = [
        [to(owner, t("button.panel_people"), "people.0"), to(owner, t("button.panel_find"), "find")],
        [to(owner, t("button.panel_tasks"), "tasks"), to(owner, t("button.panel_failures"), "failures")],
    ]
    if standing.may(Permission.ADMIT) and waiting:
        rows.append(
            [to(owner, t("button.panel_requests", count=t.number(waiting)), "requests", confirm=True)]
        )
    if standing.may(Permission.OPERATE):
        rows.append(
            [to(owner, t("button.panel_providers"), "providers"), to(owner, t("button.panel_door"), "door")]
        )
        rows.append(
            [to(owner, t("button.panel_terms"), "terms"), to(owner, t("button.panel_prices"), "prices.0")]
        )
        rows.append([to(owner, t("button.panel_notice"), "notice")])
    if standing.may(Permission.BROADCAST):
        rows[-1].append(to(owner, t("button.panel_broadcast"), "write"))
    if standing.may(Permission.AUDIT):
        rows.append([to(owner, t("button.panel_audit"), "audit.0")])
    return View(t("panel.home", role=t(f"role.{standing.role}")), rows)


def people(t: Texts, found: Sequence[Person], words: str, page: int, owner: UserId) -> View:
    """A page of people, each with a button to their card."""
    rows = [
        [to(owner, f"{html.cut(person.name, 30)} · {person.id}", f"card.{person.id}")]
        for person in found[:PEOPLE_ON_A_PAGE]
    ]
    if not words:
        rows.append(pages(t, owner, "people", page, more=len(found) > PEOPLE_ON_A_PAGE))
    rows.append([to(owner, t("button.panel_find"), "find"), *back(t, owner)])
    head = t("panel.people_found", words=inline(words, 60)) if words else t("panel.people")
    return View(head if found else t("panel.nobody"), rows)


def card(t: Texts, card_: PersonCard, me: Standing, zone: ZoneInfo, now: Millis) -> View:
    """One person, and what may be done about them."""
    person, owner = card_.person, me.user_id
    identity = f"@{person.username} · {person.id}" if person.username else str(person.id)
    view = grants.user_card(
        t, person.name, identity, person.plan, card_.balance, card_.running, card_.ledger, zone, now
    )
    lines = [view.html]
    if card_.standing.role is not None:
        lines.append(t("panel.role", role=t(f"role.{card_.standing.role}")))
    if card_.standing.ban is not None:
        lines.append(t("panel.banned", reason=inline(card_.standing.ban, 200)))
    key = str(person.id)
    rows = [[to(owner, t("button.panel_their_tasks"), f"theirs.{key}")]]
    if me.may(Permission.MESSAGE):
        rows[0].append(to(owner, t("button.panel_message"), f"message.{key}"))
    if me.may(Permission.CREDITS):
        rows.append([to(owner, f"+{amount}", f"grant.{key}.{amount}") for amount in GRANTS])
        rows.append(
            [
                to(owner, t("button.panel_grant"), f"amount.{key}"),
                to(owner, t("button.panel_plan"), f"plans.{key}"),
            ]
        )
    if me.may(Permission.BAN):
        rows.append([_ban_button(t, card_, owner)])
    if me.may(Permission.AUDIT):
        rows[-1].append(to(owner, t("button.panel_audit"), f"log.{key}"))
    return View("\n".join(lines), [*rows, back(t, owner)])


def _ban_button(t: Texts, card_: PersonCard, owner: UserId) -> Button:
    if card_.standing.ban is None:
        return to(owner, t("button.panel_ban"), f"ban.{card_.person.id}", danger=True)
    return to(owner, t("button.panel_unban"), f"unban.{card_.person.id}")


def plans(t: Texts, person: Person, names: Sequence[str], owner: UserId) -> View:
    """Which plan a person is to have."""
    rows = [[to(owner, name, f"plan.{person.id}.{short_hash(name)}")] for name in names]
    text = t("panel.choose_plan", name=person_label(person), plan=escape(person.plan))
    return View(text, [*rows, [to(owner, t("button.panel_person"), f"card.{person.id}")]])


def tasks(
    t: Texts, found: Sequence[Task], stuck: frozenset[TaskId], now: Millis, owner: UserId, again: str
) -> View:
    """Tasks, each with a button to it; those that seem stuck are marked by a word."""
    if not found:
        return View(t("panel.no_tasks"), [[to(owner, t("button.panel_home"), "home")]])
    lines = []
    for task in found:
        mark = f" · <b>{t('panel.stuck')}</b>" if task.id in stuck else ""
        words = inline(task.request.prompt, 50)
        age = t.duration(now - task.created_at)
        lines.append(f"<code>{shown(task.id)}</code> {t(f'panel.state.{task.state}')} · {age}{mark}\n{words}")
    buttons = [to(owner, shown(task.id), f"task.{task.id}") for task in found]
    rows = in_rows(buttons, 3)
    refresh = to(owner, t("button.panel_refresh"), again)
    return View("\n\n".join([t("panel.tasks"), *lines]), [*rows, [refresh, *back(t, owner)]])


def task(t: Texts, task_: Task, person: Person, me: Standing, zone: ZoneInfo, now: Millis) -> View:
    """One task, and what may be done about it."""
    owner = me.user_id
    lines = [
        f"<code>{shown(task_.id)}</code> {t(f'panel.state.{task_.state}')} · {person_label(person)}",
        html.quoted(task_.request.prompt, 500),
        f"{settings_line(t, task_.request)} · {html.credits(t, task_.price)}",
        t("panel.task_times", made=t.moment(task_.created_at, zone, now), provider=task_.provider or "–"),
    ]
    if task_.failure is not None:
        lines.append(t("panel.task_failure", kind=t(f"failure.{task_.failure}")))
    if task_.failure_detail:
        lines.append(t("notice.reason", reason=inline(task_.failure_detail, 300)))
    if task_.real_cost is not None:
        lines.append(t("panel.task_cost", cost=escape(task_.real_cost)))
    row = []
    if not task_.state.is_final:
        row.append(to(owner, t("button.panel_cancel_task"), f"cancel.{task_.id}", danger=True))
    elif me.may(Permission.TASKS):
        row.append(to(owner, t("button.panel_retry"), f"retry.{task_.id}"))
    if task_.state is TaskState.SUCCEEDED and me.may(Permission.CREDITS):
        row.append(to(owner, t("button.panel_refund"), f"refund.{task_.id}"))
    rows = [row, [to(owner, t("button.panel_person"), f"card.{person.id}"), *back(t, owner)]]
    return View("\n".join(line for line in lines if line), rows)


def failures(t: Texts, found: Failures, owner: UserId) -> View:
    """What failed within the last day, by kind, with the newest ones to look at."""
    failed = sum(count for _, count in found.by_kind)
    lines = [t("panel.failures", failed=t.number(failed), ended=t.number(found.ended))]
    lines += [f"{t(f'failure.{kind}')}: {t.number(count)}" for kind, count in found.by_kind]
    buttons = [to(owner, shown(task.id), f"task.{task.id}") for task in found.examples]
    rows = in_rows(buttons, 3)
    return View("\n".join(lines), [*rows, back(t, owner)])


def audit(
    t: Texts,
    rows: Sequence[tuple[AuditRow, str]],
    page: int,
    owner: UserId,
    of: str,
    zone: ZoneInfo,
    now: Millis,
) -> View:
    """Who did what, and when. The name of who did it goes with each row."""
    lines = [_audit_line(t, row, name, zone, now) for row, name in rows[:AUDIT_ON_A_PAGE]]
    where = f"log.{of}" if of else "audit"
    turning = pages(t, owner, where, page, more=len(rows) > AUDIT_ON_A_PAGE)
    head = t("panel.audit") if lines else t("panel.audit_empty")
    return View(html.fitting([head, *lines], "\n"), [turning, back(t, owner)])


def _audit_line(t: Texts, row: AuditRow, name: str, zone: ZoneInfo, now: Millis) -> str:
    who = t("audit.shell") if row.actor is None else inline(name, 30)
    line = f"{t.moment(row.at, zone, now)} · {who} · {t(f'audit.{row.action}')} · {inline(row.subject, 40)}"
    change = " → ".join(inline(part, 80) for part in (row.before, row.after) if part)
    return f"{line}\n<i>{change}</i>" if change else line


def asks(t: Texts, key: str, owner: UserId, **params: object) -> View:
    """A question that the admin's next message answers."""
    return View(t(key, **params), [[to(owner, t("button.panel_never_mind"), "stop")]])


def notice(t: Texts, text: str, owner: UserId) -> View:
    """The text of the day, and how it is changed."""
    now = html.quoted(text, 600) if text else t("panel.no_notice")
    rows = [[to(owner, t("button.panel_change"), "notice_write")]]
    if text:
        rows[0].append(to(owner, t("button.panel_remove"), "notice_clear", danger=True))
    return View(f"{t('panel.notice')}\n{now}", [*rows, back(t, owner)])


def broadcast(t: Texts, letter: Letter, plan_names: Sequence[str], owner: UserId) -> View:
    """A broadcast before it is sent, while it is, and afterwards."""
    audience = [t("broadcast.plan", plan=escape(letter.plan))] if letter.plan else []
    audience += [t("broadcast.language", language=NAMES[letter.language])] if letter.language else []
    audience_words = ", ".join(audience) or t("broadcast.everybody")
    figures = {name: t.number(getattr(letter, name)) for name in ("sent", "failed", "total")}
    lines = [t(f"broadcast.{letter.state}", to=audience_words, **figures), html.quoted(letter.text, 3_000)]
    rows: list[list[Button]] = []
    if letter.state is BroadcastState.DRAFT:
        send = t("button.broadcast_send", count=figures["total"])
        rows.append([to(owner, send, f"send.{letter.id}", confirm=True)])
        rows.append([to(owner, t("broadcast.everybody"), f"to.{letter.id}.*")])
        rows += [
            [to(owner, t("broadcast.plan", plan=name), f"to.{letter.id}.p{short_hash(name)}")]
            for name in plan_names
        ]
        rows.append([to(owner, name, f"to.{letter.id}.l{code}") for code, name in NAMES.items()])
    if letter.state in {BroadcastState.DRAFT, BroadcastState.SENDING}:
        rows.append([to(owner, t("button.broadcast_stop"), f"halt.{letter.id}", danger=True)])
    return View("\n".join(lines), rows)


def letter(t: Texts, text: str) -> View:
    """A broadcast as people get it."""
    return View(f"{escape(text)}\n\n{t('broadcast.why')}")


def message(t: Texts, text: str) -> View:
    """A message of those who run the bot to one person."""
    return View(f"{t('panel.message_from')}\n{html.quoted(text, 3_500)}")

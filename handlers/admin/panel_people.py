"""People in the admin panel: find them, look at their card, and change what it shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from bot.domain.people.access import Permission, Person, Standing
from bot.domain.units import UserId, short_hash
from bot.errors import UserError
from bot.i18n import Texts, for_language
from bot.services.operations.panel import PEOPLE_ON_A_PAGE, PersonCard
from handlers.admin import grants
from handlers.admin.access import person_label
from handlers.admin.panel_pages import ShowCard, ShowLog, back, page, question, reply, to
from handlers.admin.panel_tasks import ShowTasksOf
from handlers.chat import html
from handlers.chat.html import View, inline
from handlers.chat.keyboards import Button, Payload, neighbours
from handlers.chat.turn import Turn

GRANTS = (10, 50, 100)
"""Credits that one press grants."""


@dataclass(frozen=True)
class ShowPeople(Payload, action="panel.people"):
    """Show a page of all people."""

    page: int = 0


class AskSearch(Payload, action="panel.find"):
    """Ask for a name or id to search for."""


@dataclass(frozen=True)
class _OfPerson(Payload):
    """A button about one person."""

    user_id: UserId


class AskMessage(_OfPerson, action="panel.message"):
    """Ask what to write to a person."""


class AskAmount(_OfPerson, action="panel.amount"):
    """Ask how many credits to grant."""


class AskBanReason(_OfPerson, action="panel.ban"):
    """Ask for the reason of a ban."""


class Unban(_OfPerson, action="panel.unban"):
    """Unban a person."""


class ChoosePlan(_OfPerson, action="panel.plans"):
    """Show the plans that a person can be moved to."""


@dataclass(frozen=True)
class GrantCredits(Payload, action="panel.grant"):
    """Grant credits to a person."""

    user_id: UserId
    amount: int


@dataclass(frozen=True)
class SetPlan(Payload, action="panel.plan"):
    """Move a person to a plan, named by its short hash."""

    user_id: UserId
    plan: str


# -- pages -------------------------------------------------------------------------------------------


async def _show_people(turn: Turn, button: ShowPeople) -> View:
    found = await turn.services.admin.people(turn.user_id, "", button.page)
    return _people_view(turn.t, found, "", button.page, turn.user_id)


async def search(turn: Turn, words: str) -> View:
    """The people whose names hold some words; the card of the only one."""
    found = await turn.services.admin.people(turn.user_id, words, 0)
    if len(found) == 1:
        return await _card(turn, found[0].id)
    return _people_view(turn.t, found, words, 0, turn.user_id)


async def _show_card(turn: Turn, button: ShowCard) -> View:
    return await _card(turn, button.user_id)


async def _card(turn: Turn, user_id: UserId) -> View:
    card = await turn.services.admin.card(turn.user_id, user_id)
    standing = await turn.services.access.standing(turn.user_id)
    return _card_view(turn.t, card, standing, turn.local_now())


async def _grant(turn: Turn, button: GrantCredits) -> View:
    services = turn.services
    person = await services.access.person(button.user_id)
    await services.admin.grant(turn.user_id, person.id, button.amount, turn.idempotency_key)
    if button.amount > 0:
        balance = await services.accounts.balance(person.id)
        await turn.tell(person.id, grants.gift(for_language(person.language), button.amount, balance))
    return await _card(turn, person.id)


async def _choose_plan(turn: Turn, button: ChoosePlan) -> View:
    access = turn.services.access
    person = await access.person(button.user_id)
    return _plans_view(turn.t, person, access.plans, turn.user_id)


async def _set_plan(turn: Turn, button: SetPlan) -> View:
    access = turn.services.access
    plan = {short_hash(name): name for name in access.plans}.get(button.plan)
    if plan is None:
        raise UserError("error.button.stale")
    await access.move(turn.user_id, button.user_id, plan, turn.idempotency_key)
    return await _card(turn, button.user_id)


async def _unban(turn: Turn, button: Unban) -> View:
    await turn.services.access.unban(turn.user_id, str(button.user_id), turn.idempotency_key)
    return await _card(turn, button.user_id)


# -- answers to questions ----------------------------------------------------------------------------


async def _on_search_reply(turn: Turn, _: AskSearch) -> View:
    return await search(turn, turn.text)


async def _on_message_reply(turn: Turn, asked: AskMessage) -> View:
    person = await turn.services.access.person(asked.user_id)
    await turn.services.admin.wrote(turn.user_id, person.id, turn.text, turn.idempotency_key)
    message = _message_view(for_language(person.language), turn.text)
    is_sent = await turn.tell(person.id, message, preview=True)
    key = "panel.message_sent" if is_sent else "panel.message_lost"
    return View(turn.t(key, name=person_label(person)))


async def _on_amount_reply(turn: Turn, asked: AskAmount) -> View:
    number, _, note = turn.text.strip().partition(" ")
    digits = number.lstrip("+-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise UserError("error.admin.grant_usage")
    await turn.services.admin.grant(turn.user_id, asked.user_id, int(number), turn.idempotency_key, note)
    return await _card(turn, asked.user_id)


async def _on_ban_reason_reply(turn: Turn, asked: AskBanReason) -> View:
    await turn.services.access.ban(turn.user_id, str(asked.user_id), turn.text, turn.idempotency_key)
    return await _card(turn, asked.user_id)


# -- views -------------------------------------------------------------------------------------------


def _people_view(t: Texts, found: Sequence[Person], words: str, number: int, owner: UserId) -> View:
    """A page of people, each with a button to their card."""
    rows = [
        [to(owner, f"{html.cut(person.name, 30)} · {person.id}", ShowCard(person.id))]
        for person in found[:PEOPLE_ON_A_PAGE]
    ]
    if not words:
        rows.append(neighbours(t, ShowPeople, number, owner, more=len(found) > PEOPLE_ON_A_PAGE))
    rows.append([to(owner, t("button.panel_find"), AskSearch()), *back(t, owner)])
    head = t("panel.people_found", words=inline(words, 60)) if words else t("panel.people")
    return View(head if found else t("panel.nobody"), rows)


def _card_view(t: Texts, card: PersonCard, me: Standing, now: datetime) -> View:
    """One person, and what the reader may do about them."""
    person, owner, key = card.person, me.user_id, card.person.id
    identity = f"@{person.username} · {person.id}" if person.username else str(person.id)
    view = grants.user_card(
        t, person.name, identity, person.plan, card.balance, card.running, card.ledger, now
    )
    lines = [view.html]
    if card.standing.role is not None:
        lines.append(t("panel.role", role=t(f"role.{card.standing.role}")))
    if card.standing.ban is not None:
        lines.append(t("panel.banned", reason=inline(card.standing.ban, 200)))
    rows = [[to(owner, t("button.panel_their_tasks"), ShowTasksOf(key))]]
    if me.may(Permission.MESSAGE):
        rows[0].append(to(owner, t("button.panel_message"), AskMessage(key)))
    if me.may(Permission.CREDITS):
        rows.append([to(owner, f"+{amount}", GrantCredits(key, amount)) for amount in GRANTS])
        rows.append(
            [
                to(owner, t("button.panel_grant"), AskAmount(key)),
                to(owner, t("button.panel_plan"), ChoosePlan(key)),
            ]
        )
    if me.may(Permission.BAN):
        rows.append([_ban_button(t, card, owner)])
    if me.may(Permission.AUDIT):
        rows[-1].append(to(owner, t("button.panel_audit"), ShowLog(key)))
    return View("\n".join(lines), [*rows, back(t, owner)])


def _ban_button(t: Texts, card: PersonCard, owner: UserId) -> Button:
    if card.standing.ban is None:
        return to(owner, t("button.panel_ban"), AskBanReason(card.person.id), danger=True)
    return to(owner, t("button.panel_unban"), Unban(card.person.id))


def _plans_view(t: Texts, person: Person, names: Sequence[str], owner: UserId) -> View:
    """The plans that a person can be moved to."""
    rows = [[to(owner, name, SetPlan(person.id, short_hash(name)))] for name in names]
    text = t("panel.choose_plan", name=person_label(person), plan=escape(person.plan))
    return View(text, [*rows, [to(owner, t("button.panel_person"), ShowCard(person.id))]])


def _message_view(t: Texts, text: str) -> View:
    """A message from the admins to one person."""
    return View(f"{t('panel.message_from')}\n{html.quoted(text, 3_500)}")


BUTTONS = (
    page(ShowPeople, _show_people, Permission.VIEW),
    question(AskSearch, "panel.ask_search", Permission.VIEW),
    page(ShowCard, _show_card, Permission.VIEW),
    question(AskMessage, "panel.ask_message", Permission.MESSAGE),
    page(GrantCredits, _grant, Permission.CREDITS),
    question(AskAmount, "panel.ask_amount", Permission.CREDITS),
    page(ChoosePlan, _choose_plan, Permission.CREDITS),
    page(SetPlan, _set_plan, Permission.CREDITS),
    question(AskBanReason, "panel.ask_reason", Permission.BAN),
    page(Unban, _unban, Permission.BAN),
)
QUESTIONS = (
    reply(AskSearch, _on_search_reply),
    reply(AskMessage, _on_message_reply),
    reply(AskAmount, _on_amount_reply),
    reply(AskBanReason, _on_ban_reason_reply),
)

"""People in the admin panel: find them, look at their card, and change what it shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.people.access import Membership, Permission, Person
from bot.domain.types import UserId
from bot.i18n import Texts
from bot.services.operations.panel import PEOPLE_ON_A_PAGE, PersonCard
from handlers.admin import grants
from handlers.admin.action_buttons import action_rows
from handlers.admin.panel_pages import ShowCard, ShowLog, back, page, question, reply, to
from handlers.admin.panel_tasks import ShowTasksOf
from handlers.chat import html
from handlers.chat.html import View, snippet
from handlers.chat.keyboards import Button, Payload, neighbours
from handlers.chat.turn import Turn


@dataclass(frozen=True)
class ShowPeople(Payload, action="panel.people"):
    """Show a page of all people."""

    page: int = 0


class AskSearch(Payload, action="panel.find"):
    """Ask for a name or id to search for."""


# -- pages -------------------------------------------------------------------------------------------


async def _show_people(turn: Turn, button: ShowPeople) -> View:
    found = await turn.services.admin.people("", button.page)
    return _people_view(turn.t, found, "", button.page, turn.user_id)


async def search(turn: Turn, words: str) -> View:
    """The people whose names hold some words; the card of the only one."""
    found = await turn.services.admin.people(words, 0)
    if len(found) == 1:
        return await show_card(turn, found[0].id)
    return _people_view(turn.t, found, words, 0, turn.user_id)


async def _show_card(turn: Turn, button: ShowCard) -> View:
    return await show_card(turn, button.user_id)


async def show_card(turn: Turn, user_id: UserId) -> View:
    """The card of a person."""
    card = await turn.services.admin.card(user_id)
    membership = await turn.services.access.membership(turn.user_id)
    rows = action_rows(turn.t, membership, card.membership, turn.services.actions.declared)
    return _card_view(turn.t, card, membership, rows, turn.local_now())


# -- answers to questions ----------------------------------------------------------------------------


async def _on_search_reply(turn: Turn, _: AskSearch) -> View:
    return await search(turn, turn.text)


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
    head = t("panel.people_found", words=snippet(words, 60)) if words else t("panel.people")
    return View(head if found else t("panel.nobody"), rows)


def _card_view(
    t: Texts, card: PersonCard, me: Membership, actions: Sequence[Sequence[Button]], now: datetime
) -> View:
    """One person, and what the reader may do about them."""
    person, owner, key = card.person, me.user_id, card.person.id
    identity = f"@{person.username} · {person.id}" if person.username else str(person.id)
    view = grants.user_card(
        t, person.name, identity, person.plan, card.balance, card.running, card.ledger, now
    )
    lines = [view.html]
    if card.membership.role is not None:
        lines.append(t("panel.role", role=t(f"role.{card.membership.role}")))
    if card.membership.ban is not None:
        lines.append(t("panel.banned", reason=snippet(card.membership.ban, 200)))
    looks = [to(owner, t("button.panel_their_tasks"), ShowTasksOf(key))]
    if me.may(Permission.AUDIT):
        looks.append(to(owner, t("button.panel_audit"), ShowLog(key)))
    return View("\n".join(lines), [looks, *actions, back(t, owner)])


BUTTONS = (
    page(ShowPeople, _show_people, Permission.VIEW),
    question(AskSearch, "panel.ask_search", Permission.VIEW),
    page(ShowCard, _show_card, Permission.VIEW),
)
QUESTIONS = (reply(AskSearch, _on_search_reply, Permission.VIEW),)

"""Promo codes as admins see them: a new one with its link, the list, and the button that ends one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from bot.domain.credits.promos import PromoCode
from bot.domain.people.access import Permission
from bot.i18n import Texts
from bot.services.operations import actions_on_promos
from handlers.admin.action_buttons import perform
from handlers.chat.html import View, credits  # noqa: A004  the word of the domain
from handlers.chat.keyboards import DANGER, Button, Payload
from handlers.chat.routes import Press
from handlers.chat.turn import Turn

PROMO_PREFIX = "promo_"


@dataclass(frozen=True)
class RevokePromo(Payload, action="promo.revoke"):
    """Revoke a promo code."""

    code: str


async def show_promos(turn: Turn) -> None:
    """Show the codes that are valid."""
    await turn.answer(await _promos(turn))


async def on_revoke(turn: Turn, button: RevokePromo) -> str:
    """Revoke a promo code."""
    await perform(turn, actions_on_promos.RevokePromo(button.code))
    await turn.edit(await _promos(turn))
    return turn.t("promo.revoked")


async def _promos(turn: Turn) -> View:
    return promos_view(turn.t, await turn.services.promos.list_valid(), turn.local_now())


def promo_view(turn: Turn, promo: PromoCode) -> View:
    """A new code with its link."""
    link = f"https://t.me/{turn.username}?start={PROMO_PREFIX}{promo.code}"
    return made_view(turn.t, promo, link, turn.local_now())


# -- views -------------------------------------------------------------------------------------------


def made_view(t: Texts, promo: PromoCode, link: str, now: datetime) -> View:
    """A new code, what it gives to how many, and its link."""
    text = t("promo.made" if promo.days is None else "promo.made_days", **_values(t, promo, now))
    return View(
        f"{text}\n{escape(link)}",
        [
            [Button(t("button.copy_link"), copy=link)],
            [Button(t("button.revoke"), RevokePromo(promo.code), style=DANGER)],
        ],
    )


def promos_view(t: Texts, promos: Sequence[PromoCode], now: datetime) -> View:
    """The promo codes that are valid, and how to make one."""
    lines = [
        t("promo.line" if promo.days is None else "promo.line_days", **_values(t, promo, now))
        for promo in promos
    ]
    rows = [
        [Button(t("button.revoke_one", code=promo.code), RevokePromo(promo.code), style=DANGER)]
        for promo in promos
    ]
    head = t("promo.list") if promos else t("promo.none")
    return View("\n".join([head, *lines, "", t("promo.usage")]), rows)


def _values(t: Texts, promo: PromoCode, now: datetime) -> dict[str, str]:
    """What texts say of a code; `days` is empty where what it gives never ends."""
    return {
        "code": escape(promo.code),
        "credits": credits(t, promo.credits),
        "used": t.number(promo.used),
        "uses": t.number(promo.uses),
        "moment": t.moment(promo.ends_at, now),
        "days": "" if promo.days is None else t.number(promo.days),
    }


BUTTONS = (Press(RevokePromo, on_revoke, permission=Permission.CREDITS),)

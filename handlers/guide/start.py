"""`/start`, `/help`, `/invite` and `/redeem`: the first screen, what a link to the bot brings, and all commands.

A link `t.me/<bot>?start=<payload>` arrives as `/start <payload>`. The beginning of the payload says which
function of `START_LINKS` goes on with the rest; anybody may type such a payload, so each function checks it.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from bot.domain.credits.promos import Redeemed
from bot.domain.people.access import AccessLevel, invite_code, read_invite_code, readable_name
from bot.domain.types import UserId
from bot.errors import UserError
from bot.i18n import Texts
from bot.services.ports import Balance
from bot.services.requests.card import PROMPT
from handlers.admin import access, promos
from handlers.chat.html import View, credits, keep_fitting, quoted, snippet  # noqa: A004  the word of the domain
from handlers.chat.keyboards import CONFIRM, Button, Payload
from handlers.chat.menus import Menu, Section
from handlers.chat.people import full_name
from handlers.chat.routes import Command, Press, Words
from handlers.chat.turn import Turn
from handlers.library import templates
from handlers.library.template_views import ShowIdeas
from handlers.making.submit import open_card, wanted_model
from handlers.results import history
from handlers.results import inline as inline_mode

StartLink = Callable[[Turn, str], Awaitable[None]]
"""Acts on the part of a payload behind its prefix."""

REFERRAL_PREFIX = "ref_"
TASK_PREFIX = "task_"

EXAMPLES = ("1", "2", "3")
"""The prompts to try: `start.example_1` is what is made, `start.try_1` what its button says."""


@dataclass(frozen=True)
class TryExample(Payload, action="try"):
    """Show an example of /start as a draft."""

    number: str


async def start(turn: Turn, words: Words) -> None:
    """Go on where a link leads; without one, show what the bot does."""
    payload = words[0] if words else ""
    for prefix, follow in START_LINKS.items():
        if payload.startswith(prefix):
            await follow(turn, payload.removeprefix(prefix))
            return
    await welcome(turn)


async def welcome(turn: Turn) -> None:
    """Show one screen: what the bot does, the balance, and something to try."""
    services = turn.services
    balance = await services.accounts.balance(turn.user_id)
    notice = services.live.now.access.notice
    await turn.answer(start_page(turn.t, _name(turn), balance, turn.user_id, notice))
    role = services.access.roles.get(turn.user_id)
    if role is not None and turn.is_private:
        # Telegram takes a menu only for a chat that exists, and this is how it begins to.
        await turn.menus.set_for(turn.user_id, role)


def _name(turn: Turn) -> str:
    return readable_name(turn.user.first_name or full_name(turn.user), turn.user.username, turn.user_id)


async def help_(turn: Turn) -> None:
    """List the commands, options and models."""
    role = turn.services.access.roles.get(turn.user_id)
    commands = turn.menus.listed(role, is_selling=turn.services.payments.is_open)
    await turn.answer(help_text(turn.t, commands, turn.services.compose.models()))


async def invite(turn: Turn) -> None:
    """Give the person a link for others, which says who gave it to them."""
    link = f"https://t.me/{turn.username}?start={REFERRAL_PREFIX}{invite_code(turn.user_id)}"
    await turn.answer(invitation(turn.t, link))


async def redeem(turn: Turn, words: Words) -> None:
    """`/redeem <code>`: what the link of a promo code does, too.

    Raises:
        UserError: no code was typed, or it gives the person nothing.

    """
    if len(words) != 1:
        raise UserError("error.promo.usage")
    await _redeem_promo(turn, words[0])


async def on_try(turn: Turn, button: TryExample) -> None:
    """Show an example as a draft, so that a careless tap spends nothing.

    Raises:
        UserError: the example is one of another version.

    """
    if button.number not in EXAMPLES:
        raise UserError("error.button.stale")
    compose = turn.services.compose
    parsed = compose.parse(turn.t(f"start.example_{button.number}"))
    request = compose.video(parsed, None, turn.preferences)
    await open_card(turn, request, None, PROMPT, turn.reply_target.below, wanted=wanted_model(turn, parsed))


# -- links -------------------------------------------------------------------------------------------


async def _follow_referral(turn: Turn, code: str) -> None:
    """Note who invited a newcomer, and welcome them; so does an unreadable code."""
    inviter = read_invite_code(code)
    if inviter is not None:
        await turn.services.accounts.note_inviter(turn.user_id, inviter)
    await welcome(turn)


async def _redeem_invite(turn: Turn, code: str) -> None:
    """Let a person in by an admin's code.

    Raises:
        UserError: the code is not valid.

    """
    await turn.services.access.redeem(turn.user_id, code)
    await welcome(turn)


async def _redeem_promo(turn: Turn, code: str) -> None:
    """Give the person the credits of a promo code.

    Raises:
        UserError: it gives them nothing.

    """
    services = turn.services
    redeemed = await services.promos.redeem(turn.user_id, code, turn.idempotency_key)
    balance = await services.accounts.balance(turn.user_id)
    await turn.answer(redeemed_view(turn.t, redeemed, balance, turn.local_now()))


START_LINKS: dict[str, StartLink] = {
    REFERRAL_PREFIX: _follow_referral,
    access.INVITE_PREFIX: _redeem_invite,
    promos.PROMO_PREFIX: _redeem_promo,
    templates.LINK_PREFIX: templates.follow_link,
    templates.FORMER_LINK_PREFIX: templates.follow_link,
    TASK_PREFIX: history.open_task,
    inline_mode.LINK_PREFIX: inline_mode.follow_link,
}
"""What each kind of link does, by the beginning of its payload."""


# -- views -------------------------------------------------------------------------------------------


def start_page(t: Texts, name: str, balance: Balance, owner: UserId, notice: str = "") -> View:
    """One screen: what the bot does, what one may spend, and three things to try."""
    text = t("start.text", name=snippet(name, 60), credits=credits(t, balance.available))
    tries = [
        [
            Button(
                t(f"start.try_{number}"),
                TryExample(number),
                owner=owner,
                style=CONFIRM if number == "1" else None,
            )
        ]
        for number in EXAMPLES
    ]
    more = [
        Button(t("tips.button.ideas"), ShowIdeas(), owner=owner),
        Button(t("button.copy_example"), copy=t("example.command")),
    ]
    if notice:
        text = f"{text}\n{quoted(notice, 600)}"
    return View(text, [*tries, more])


def invitation(t: Texts, link: str) -> View:
    """The link that invites somebody, to be passed on."""
    return View(f"{t('invite.text')}\n{snippet(link, 200)}", [[Button(t("button.copy_link"), copy=link)]])


def redeemed_view(t: Texts, redeemed: Redeemed, balance: Balance, now: datetime) -> View:
    """What a promo code gave, until when it can be spent, and the balance."""
    values = {"credits": credits(t, redeemed.credits), "available": credits(t, balance.available)}
    if redeemed.expires_at is None:
        return View(t("promo.redeemed", **values))
    return View(t("promo.redeemed_until", **values, moment=t.moment(redeemed.expires_at, now)))


def help_text(t: Texts, commands: Sequence[str], models: Sequence[str]) -> View:
    """How to begin, the commands that the reader has, options, and the models on offer."""
    listed = "\n".join(f"/{name} – {t(f'command.{name}')}" for name in commands)
    offered = t("help.models", models=escape(", ".join(models)))
    parts = [t("help.text"), listed, t("help.options", model=escape(models[0])), offered]
    return View(keep_fitting(parts, "\n\n"), [[Button(t("button.copy_example"), copy=t("example.command"))]])


def _start_access(payload: str) -> AccessLevel:
    if payload.startswith(access.INVITE_PREFIX):
        return AccessLevel.INVITED
    # A promo code is for those who may use the bot, whichever way it comes.
    return AccessLevel.USE if payload.startswith(promos.PROMO_PREFIX) else AccessLevel.VIEW


COMMANDS = (
    Command("help", help_, access=AccessLevel.VIEW, section=Section.GUIDE, menu=Menu.PRIVATE),
    Command("invite", invite, access=AccessLevel.VIEW, section=Section.GUIDE),
    Command("redeem", redeem, section=Section.ACCOUNT),
    Command("start", start, access=_start_access),
)
BUTTONS = (Press(TryExample, on_try),)

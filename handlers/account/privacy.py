"""`/privacy`, `/export` and `/forget`: what is stored about a person, as a file, and how it is deleted."""

from dataclasses import replace

from bot.domain.people.access import AccessLevel
from bot.domain.types import UserId
from bot.errors import UserError
from bot.i18n import Texts
from handlers.chat.html import View
from handlers.chat.keyboards import DANGER, Button, Payload, confirmation, in_rows
from handlers.chat.menus import Section
from handlers.chat.routes import Command, Press
from handlers.chat.turn import Turn
from handlers.sending.media import Media, MediaKind
from handlers.shop import subscriptions


class Export(Payload, action="export"):
    """Send the person's data as a file."""


class AskToForget(Payload, action="forget.ask"):
    """Ask before deleting everything."""


class Forget(Payload, action="forget.yes"):
    """Delete everything for good."""


class KeepData(Payload, action="forget.no"):
    """Keep everything after all."""


async def privacy(turn: Turn) -> None:
    """Say what is stored, for how long, and who gets it."""
    await turn.answer(privacy_page(turn.t, turn.services.privacy.retention_days, turn.user_id))


async def export(turn: Turn) -> None:
    """Send the person's data as a file.

    Raises:
        UserError: others would see it.

    """
    _require_private(turn)
    content = await turn.services.privacy.export(turn.user_id)
    file = Media(kind=MediaKind.DOCUMENT, source=content, filename=f"{turn.username}-{turn.user_id}.json")
    target = replace(turn.reply_target, message_id=None)
    await turn.chat.send_media(target, file, View(turn.t("export.done")))


async def forget(turn: Turn) -> None:
    """Ask whether to delete everything.

    Raises:
        UserError: others would see it.

    """
    _require_private(turn)
    await turn.answer(forget_question(turn.t, turn.user_id))


async def on_forget(turn: Turn) -> None:
    """Delete everything; first the subscription stops renewing, so that no payment follows."""
    subscription = await turn.services.payments.subscriptions.current(turn.user_id)
    if subscription is not None and subscription.renews:
        await subscriptions.set_renewal(turn, subscription, renews=False)
    await turn.services.privacy.forget(turn.user_id)
    await turn.edit(View(turn.t("forget.done")))


async def on_keep(turn: Turn) -> None:
    """Keep everything."""
    await turn.edit(View(turn.t("forget.kept")))


def _require_private(turn: Turn) -> None:
    if not turn.is_private:
        raise UserError("error.privacy.private_chat")


# -- views -------------------------------------------------------------------------------------------


def privacy_page(t: Texts, days: int, owner: UserId) -> View:
    """What is kept, for how long, who gets it, and what one can do about it."""
    parts = [
        t("privacy.kept"),
        t.plural("privacy.how_long", days),
        t("privacy.who"),
        t("privacy.rights"),
    ]
    return View(
        "\n\n".join(parts),
        [
            [Button(t("button.export"), Export(), owner=owner)],
            [Button(t("button.forget"), AskToForget(), owner=owner, style=DANGER)],
        ],
    )


def forget_question(t: Texts, owner: UserId) -> View:
    """Ask once before everything is gone."""
    buttons = confirmation(t, Forget(), KeepData(), owner, ("button.forget_all", "button.keep_all"))
    return View(t("forget.question"), in_rows(buttons, 1))


COMMANDS = (
    Command("privacy", privacy, access=AccessLevel.OPEN, section=Section.ACCOUNT),
    Command("export", export, access=AccessLevel.OPEN, section=Section.ACCOUNT),
    Command("forget", forget, access=AccessLevel.OPEN, section=Section.ACCOUNT),
)
BUTTONS = (
    Press(Export, export, AccessLevel.OPEN),
    Press(AskToForget, forget, AccessLevel.OPEN),
    Press(Forget, on_forget, AccessLevel.OPEN),
    Press(KeepData, on_keep, AccessLevel.OPEN),
)

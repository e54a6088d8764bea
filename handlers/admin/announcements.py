"""The notice and broadcasts in the admin panel, and `/unsubscribe`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from html import escape

from bot.domain.operations.records import BroadcastContent, BroadcastMedia, BroadcastState
from bot.domain.people.access import AccessLevel, Permission
from bot.domain.requests.question import Content
from bot.domain.types import ChatId, UserId, short_hash
from bot.errors import UserError
from bot.i18n import NAMES, Texts, for_language
from bot.services.operations.broadcast import BroadcastDraft, read_content, read_start
from bot.services.ports import ChatGone, ChatRefused
from handlers.admin.panel_pages import ask, back, page, question, reply, to
from handlers.chat import html
from handlers.chat.html import View
from handlers.chat.keyboards import Button, Payload
from handlers.chat.menus import Section
from handlers.chat.reading import formatted, written
from handlers.chat.routes import Command
from handlers.chat.turn import Turn
from handlers.sending.chat import Chat, ReplyTarget
from handlers.sending.media import Media, MediaKind
from handlers.sending.pacing import Urgency

ANNOUNCED = Content.TEXT | Content.PHOTO | Content.VIDEO
"""What a broadcast is written with."""


class ShowNotice(Payload, action="panel.notice"):
    """Show the notice that /start carries."""


class AskNotice(Payload, action="panel.notice_write"):
    """Ask for another notice."""


class DeleteNotice(Payload, action="panel.notice_clear"):
    """Delete the notice."""


class AskBroadcast(Payload, action="panel.write"):
    """Ask for the text of a broadcast."""


@dataclass(frozen=True)
class SetAudience(Payload, action="panel.to"):
    """Choose who gets a broadcast: `*` everybody, `p…` a plan by its short hash, `l…` a language."""

    broadcast_id: int
    audience: str = "*"

    @classmethod
    def on_plan(cls, broadcast_id: int, plan: str) -> "SetAudience":
        """Everybody on a plan."""
        return cls(broadcast_id, f"p{short_hash(plan)}")

    @classmethod
    def with_language(cls, broadcast_id: int, language: str) -> "SetAudience":
        """Everybody with a language."""
        return cls(broadcast_id, f"l{language}")

    @property
    def language(self) -> str | None:
        """The language; None: any."""
        return self.audience[1:] if self.audience.startswith("l") else None

    def plan(self, names: Sequence[str]) -> str | None:
        """The plan, out of those that exist; None: any."""
        return next((name for name in names if f"p{short_hash(name)}" == self.audience), None)


@dataclass(frozen=True)
class AskVersion(Payload, action="panel.version"):
    """Ask for the version of a broadcast in a language."""

    broadcast_id: int
    language: str


@dataclass(frozen=True)
class SendTest(Payload, action="panel.test"):
    """Send a broadcast to its author alone."""

    broadcast_id: int


@dataclass(frozen=True)
class SendBroadcast(Payload, action="panel.send"):
    """Send a broadcast."""

    broadcast_id: int


@dataclass(frozen=True)
class AskStart(Payload, action="panel.later"):
    """Ask when to send a broadcast. `message_id` is the message that shows how far it is."""

    broadcast_id: int
    message_id: int = 0


@dataclass(frozen=True)
class ShowBroadcast(Payload, action="panel.broadcast"):
    """Show a broadcast that is to be sent later."""

    broadcast_id: int


@dataclass(frozen=True)
class StopBroadcast(Payload, action="panel.halt"):
    """Discard a broadcast, or stop sending it."""

    broadcast_id: int


# -- the notice --------------------------------------------------------------------------------------


async def _show_notice(turn: Turn, _: ShowNotice) -> View:
    return _notice_view(turn.t, turn.services.live.now.access.notice, turn.user_id)


async def _delete_notice(turn: Turn, _: DeleteNotice) -> View:
    return await _set_notice(turn, "")


async def _on_notice_reply(turn: Turn, _: AskNotice) -> View:
    return await _set_notice(turn, turn.text.strip())


async def _set_notice(turn: Turn, text: str) -> View:
    await turn.services.overrides.set(turn.user_id, "access.notice", text, turn.idempotency_key)
    return _notice_view(turn.t, text, turn.user_id)


# -- broadcasts --------------------------------------------------------------------------------------


async def _ask_broadcast(turn: Turn, button: AskBroadcast) -> View:
    """Ask for another one; those that are to be sent later stand below."""
    asked = await ask(turn, button, "panel.ask_broadcast")
    now = turn.local_now()
    later = [
        [to(turn.user_id, turn.t("button.broadcast_scheduled", moment=moment), ShowBroadcast(draft.id))]
        for draft in await turn.services.broadcasts.scheduled(turn.user_id)
        if draft.scheduled is not None and (moment := turn.t.moment(draft.scheduled, now))
    ]
    return replace(asked, buttons=[*later, *asked.buttons])


async def _show(turn: Turn, button: ShowBroadcast) -> View:
    draft = await turn.services.broadcasts.letter(turn.user_id, button.broadcast_id)
    return broadcast_view(turn.t, draft, turn.services.accounts.plans, turn.user_id, turn.local_now())


async def _ask_start(turn: Turn, button: AskStart) -> View:
    about = replace(button, message_id=turn.message_id or 0)
    return await ask(turn, about, "panel.ask_start", zone=str(turn.services.accounts.zone))


async def _on_start_reply(turn: Turn, about: AskStart) -> View:
    starts_at = read_start(turn.text, turn.now(), turn.services.accounts.zone)
    sent = await turn.services.broadcasts.send(
        turn.user_id, about.broadcast_id, about.message_id, turn.idempotency_key, starts_at
    )
    return broadcast_view(turn.t, sent, (), turn.user_id, turn.local_now())


async def _on_broadcast_reply(turn: Turn, _: AskBroadcast) -> View:
    draft = await turn.services.broadcasts.draft(turn.user_id, _read_message(turn))
    return broadcast_view(turn.t, draft, turn.services.accounts.plans, turn.user_id)


async def _ask_version(turn: Turn, button: AskVersion) -> View:
    language = NAMES.get(button.language)
    if language is None:
        raise UserError("error.button.stale")
    return await ask(turn, button, "panel.ask_version", language=language)


async def _on_version_reply(turn: Turn, about: AskVersion) -> View:
    draft = await turn.services.broadcasts.add_version(
        turn.user_id, about.broadcast_id, about.language, _read_message(turn)
    )
    return broadcast_view(turn.t, draft, turn.services.accounts.plans, turn.user_id)


def _read_message(turn: Turn) -> BroadcastContent:
    """What a message says, as a broadcast. Raises UserError: it is an album, or a file of another kind."""
    message = turn.message
    if message is None or len(turn.messages) > 1:
        raise UserError("error.broadcast.file")
    content = read_content(written(message))
    told: dict[str, object] = {"html": formatted(message, len(content.text))}
    if message.photo:
        largest = max(message.photo, key=lambda size: size.width * size.height)
        told |= {"media": BroadcastMedia.PHOTO, "file_id": largest.file_id}
    elif message.video is not None:
        told |= {"media": BroadcastMedia.VIDEO, "file_id": message.video.file_id}
    elif message.animation is not None:
        told |= {"media": BroadcastMedia.ANIMATION, "file_id": message.animation.file_id}
    elif message.effective_attachment is not None:
        raise UserError("error.broadcast.file")
    return content.model_copy(update=told)


async def _test(turn: Turn, button: SendTest) -> View:
    """Send every version to whoever tests, each in its language; then it may be sent to all."""
    broadcasts = turn.services.broadcasts
    draft = await broadcasts.letter(turn.user_id, button.broadcast_id)
    if draft.state is not BroadcastState.DRAFT:
        raise UserError("error.button.stale")
    for content in draft.contents:
        t = for_language(content.language or turn.t.language)
        try:
            await send_announcement(turn.chat, turn.user_id, t, content, Urgency.ANSWER)
        except (ChatGone, ChatRefused):
            raise UserError("error.broadcast.refused") from None
    tested = await broadcasts.note_test(turn.user_id, draft)
    return broadcast_view(turn.t, tested, turn.services.accounts.plans, turn.user_id)


async def _set_audience(turn: Turn, button: SetAudience) -> View:
    plans = turn.services.accounts.plans
    draft = await turn.services.broadcasts.narrow(
        turn.user_id, button.broadcast_id, button.plan(plans), button.language
    )
    return broadcast_view(turn.t, draft, plans, turn.user_id)


async def _send(turn: Turn, button: SendBroadcast) -> View:
    sent = await turn.services.broadcasts.send(
        turn.user_id, button.broadcast_id, turn.message_id or 0, turn.idempotency_key
    )
    return broadcast_view(turn.t, sent, (), turn.user_id)


async def _stop(turn: Turn, button: StopBroadcast) -> View:
    stopped = await turn.services.broadcasts.stop(turn.user_id, button.broadcast_id, turn.idempotency_key)
    return broadcast_view(turn.t, stopped, (), turn.user_id)


async def unsubscribe(turn: Turn) -> None:
    """`/unsubscribe`: get no more broadcasts; the same command subscribes again."""
    access = turn.services.access
    is_wanted = not (await access.membership(turn.user_id)).reachable
    await access.set_reachable(turn.user_id, is_wanted)
    await turn.answer(View(turn.t("broadcast.again" if is_wanted else "broadcast.no_more")))


# -- views -------------------------------------------------------------------------------------------


def _notice_view(t: Texts, text: str, owner: UserId) -> View:
    """The notice, and how to change it."""
    shown = html.quoted(text, 600) if text else t("panel.no_notice")
    rows = [[to(owner, t("button.panel_change"), AskNotice())]]
    if text:
        rows[0].append(to(owner, t("button.panel_remove"), DeleteNotice(), danger=True))
    return View(f"{t('panel.notice')}\n{shown}", [*rows, back(t, owner)])


def broadcast_view(
    t: Texts, draft: BroadcastDraft, plans: Sequence[str], owner: UserId, now: datetime | None = None
) -> View:
    """A broadcast before it is sent, while it is, and afterwards; `now` where it may be scheduled."""
    audience = [t("broadcast.plan", plan=escape(draft.plan))] if draft.plan else []
    audience += [t("broadcast.language", language=NAMES[draft.language])] if draft.language else []
    recipients = ", ".join(audience) or t("broadcast.everybody")
    counts = {name: t.number(getattr(draft, name)) for name in ("sent", "failed", "total")}
    lines = [t(f"broadcast.{draft.state}", to=recipients, **counts)]
    if draft.scheduled is not None and now is not None:
        moment = t.moment(draft.scheduled, now)
        lines = [t("broadcast.scheduled", to=recipients, total=counts["total"], moment=moment)]
    for content in draft.contents:
        lines += [NAMES[content.language]] if content.language else []
        lines.append(html.quoted(_outline(t, content), 3_000 // len(draft.contents)))
    rows: list[list[Button]] = []
    if draft.state is BroadcastState.DRAFT:
        test = to(owner, t("button.broadcast_test"), SendTest(draft.id), confirm=not draft.is_tested)
        send = to(
            owner,
            t("button.broadcast_send", count=counts["total"]),
            SendBroadcast(draft.id),
            confirm=True,
        )
        later = to(owner, t("button.broadcast_later"), AskStart(draft.id))
        rows.append([test, later, send] if draft.is_tested else [test])
        if not draft.is_tested:
            lines.append(t("broadcast.test_first"))
        rows.append(
            [
                to(owner, t("button.broadcast_version", language=name), AskVersion(draft.id, code))
                for code, name in NAMES.items()
            ]
        )
        rows.append([to(owner, t("broadcast.everybody"), SetAudience(draft.id))])
        rows += [
            [to(owner, t("broadcast.plan", plan=name), SetAudience.on_plan(draft.id, name))] for name in plans
        ]
        languages = NAMES.items()
        rows.append([to(owner, name, SetAudience.with_language(draft.id, code)) for code, name in languages])
    if draft.state in {BroadcastState.DRAFT, BroadcastState.SENDING}:
        rows.append([to(owner, t("button.broadcast_stop"), StopBroadcast(draft.id), danger=True)])
    return View("\n".join(lines), rows)


def _outline(t: Texts, content: BroadcastContent) -> str:
    """A version in words: its file, its text and its buttons."""
    file = [t(f"broadcast.with_{content.media}")] if content.media is not None else []
    text = [content.text] if content.text else []
    return "\n".join([*file, *text, *(f"{link.title} – {link.url}" for link in content.links)])


def announcement(t: Texts, content: BroadcastContent) -> View:
    """A broadcast as people get it."""
    text = content.html or escape(content.text)
    rows = [[Button(link.title, url=link.url)] for link in content.links]
    return View("\n\n".join(filter(None, (text, t("broadcast.why")))), rows)


async def send_announcement(
    chat: Chat, user_id: UserId, t: Texts, content: BroadcastContent, urgency: Urgency
) -> None:
    """Send a broadcast to a person in private; a link in its text shows its page.

    Raises:
        ChatError: Telegram does not take it.

    """
    target, view = ReplyTarget(ChatId(user_id)), announcement(t, content)
    if content.media is None or content.file_id is None:
        await chat.send(target, view, preview=True, urgency=urgency)
    else:
        media = Media(kind=MediaKind(content.media), source=content.file_id)
        await chat.send_media(target, media, view, urgency=urgency)


COMMANDS = (Command("unsubscribe", unsubscribe, access=AccessLevel.OPEN, section=Section.ACCOUNT),)
BUTTONS = (
    page(ShowNotice, _show_notice, Permission.OPERATE),
    question(AskNotice, "panel.ask_notice", Permission.OPERATE),
    page(DeleteNotice, _delete_notice, Permission.OPERATE),
    page(AskBroadcast, _ask_broadcast, Permission.BROADCAST),
    page(ShowBroadcast, _show, Permission.BROADCAST),
    page(AskStart, _ask_start, Permission.BROADCAST),
    page(AskVersion, _ask_version, Permission.BROADCAST),
    page(SendTest, _test, Permission.BROADCAST),
    page(SetAudience, _set_audience, Permission.BROADCAST),
    page(SendBroadcast, _send, Permission.BROADCAST),
    page(StopBroadcast, _stop, Permission.BROADCAST),
)
QUESTIONS = (
    reply(AskNotice, _on_notice_reply, Permission.OPERATE),
    reply(AskBroadcast, _on_broadcast_reply, Permission.BROADCAST, ANNOUNCED),
    reply(AskStart, _on_start_reply, Permission.BROADCAST),
    reply(AskVersion, _on_version_reply, Permission.BROADCAST, ANNOUNCED),
)

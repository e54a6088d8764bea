"""What Telegram says of the token, and what keeps the bot from seeing what people write."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import httpx

from bot.cli.checks.findings import Finding, Level, Subject
from bot.cli.proxies import check_proxies
from bot.errors import LoggedOut
from bot.network import Network, why_unreachable
from bot.settings import sections

TIMEOUT_SECONDS = 15.0
MANY_WAITING = 1_000
"""Updates that wait for the bot: it was away for long, and answers all of them at its start."""


async def telegram(subject: Subject) -> list[Finding]:
    """Whether the token is taken, and what keeps updates from being fetched."""
    settings = subject.settings
    me, reason = await who_am_i(settings.telegram, subject.network)
    if reason:
        return [Finding("telegram", reason, Level.FAIL)]
    webhook: dict[str, Any] = {}
    # Not every server that is compatible has it.
    with suppress(httpx.HTTPError, ValueError):
        webhook = await ask(settings.telegram, subject.network, "getWebhookInfo")
    described = webhook.get("result")
    return [
        Finding("telegram", f"@{me.get('username', '?')}"),
        *(_webhook(described) if isinstance(described, dict) else ()),
        *_groups(me, settings.access),
    ]


async def fetching(subject: Subject) -> list[Finding]:
    """The same without what the bot's own settings mean for groups."""
    return [each for each in await telegram(subject) if each.subject != "groups"]


async def proxies(subject: Subject) -> list[Finding]:
    """Whether each proxy of the settings lets through what goes through it."""
    return [
        Finding("proxy", str(each), Level.FAIL if each.problem else Level.OK)
        async for each in check_proxies(subject.settings, subject.network)
    ]


async def who_am_i(settings: sections.Telegram, network: Network) -> tuple[Mapping[str, Any], str]:
    """The bot of a token as `getMe` tells it, or why it is not told; the other one is empty."""
    try:
        answer = await ask(settings, network, "getMe")
    except (httpx.HTTPError, ValueError) as error:
        # The text of the error may hold the address, and so the token.
        return {}, f"not reached: {why_unreachable(error) or type(error).__name__}"
    if "ok" not in answer:
        return {}, "something answers at telegram.base_url, but not as a Bot API does"
    if not answer["ok"]:
        told = answer.get("description", "no reason given")
        return {}, str(LoggedOut()) if told == LoggedOut.ANSWER else f"the token was refused: {told}"
    me = answer.get("result")
    return (
        (me, "") if isinstance(me, dict) else ({}, "something answers at telegram.base_url, but tells no bot")
    )


async def ask(
    settings: sections.Telegram,
    network: Network,
    method: str,
    *,
    seconds: float = TIMEOUT_SECONDS,
    **parameters: str | int,
) -> dict[str, Any]:
    """Call a method of the Bot API; its answer, empty where it is not one of a Bot API.

    Raises:
        httpx.HTTPError: it was not reached. The text of the error may hold the token.
        ValueError: the answer is no JSON.

    """
    address = f"{settings.base_url}{settings.token.get_secret_value()}/{method}"
    async with network.client(timeout=seconds, proxies=network.proxies_for(settings.proxy)) as http:
        answer = (await http.get(address, params=parameters)).json()
    return answer if isinstance(answer, dict) else {}


def _webhook(told: Mapping[str, Any]) -> Iterator[Finding]:
    """What is left of an earlier webhook, and what waits."""
    if url := str(told.get("url") or ""):
        host = urlsplit(url).hostname or "?"
        text = (
            f"one is set, to {host}, and takes all updates; `klingbot run` removes it and fetches them itself: "
            "stop what uses it"
        )
        yield Finding("webhook", text, Level.WARN)
    waiting = told.get("pending_update_count")
    if isinstance(waiting, int) and waiting > MANY_WAITING:
        text = (
            f"{waiting} updates wait; of older commands people are asked first (telegram.stale_after_minutes)"
        )
        yield Finding("updates", text, Level.WARN)


def _groups(me: Mapping[str, Any], access: sections.Access) -> Iterator[Finding]:
    """What the bot's own settings at @BotFather mean for groups."""
    if me.get("can_join_groups") is False:
        text = "nobody can add the bot to groups (@BotFather, /setjoingroups)"
        if access.groups:
            text += ", but access.groups names some"
        yield Finding("groups", text, Level.WARN if access.groups else Level.OK)
    elif me.get("can_read_all_group_messages"):
        yield Finding("groups", "the bot sees every message, and answers commands, mentions and replies only")
    else:
        yield Finding("groups", "the bot sees commands, mentions and replies to it; privacy mode is on")

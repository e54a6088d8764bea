"""What the bot depends on at this machine, and how it is reached and receives people."""

import asyncio
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from bot.cli.checks.findings import Finding, Level, Subject, found
from bot.domain.people.access import AccessMode
from bot.domain.types import SECOND, Millis
from bot.errors import ConfigError, StoreError
from bot.kling.auth import scheme_of
from bot.kling.pool import ConfiguredOffer
from bot.media.charts import has_all_letters
from bot.network import is_loopback, why_unreachable
from bot.services.added_providers import with_added
from bot.services.container import administration
from bot.settings.config import Settings
from bot.store import Inspection, Store, inspect, path_of

TIMEOUT_SECONDS = 10.0
MEGABYTE = 1_000_000
LEAST_BYTES = 200 * MEGABYTE
"""Without so much room, videos on their way soon fill the disk."""

CLOCK_WARNED = Millis(5 * SECOND)
CLOCK_FAILS = Millis(30 * SECOND)
"""Signed keys are good from a few seconds before they are made: of a clock that is off by more, Kling refuses them."""


async def config_file(subject: Subject) -> list[Finding]:
    """Whether others can read the secrets in the settings file."""
    path = subject.path
    if path is None:
        return [Finding("config", "the environment")]
    holds_secrets = any(secret in path.read_text("utf-8-sig") for secret in subject.settings.secrets())
    others = stat.S_IMODE(path.stat().st_mode) & (stat.S_IRGRP | stat.S_IROTH)
    if holds_secrets and others:
        text = f"{path} holds secrets that other users of this machine can read: chmod 600 {path}"
        return [Finding("config", text, Level.WARN)]
    return [Finding("config", str(path))]


async def store(subject: Subject) -> list[Finding]:
    """Whether the database is sound, and what it holds of overrides and of what the providers' answers taught."""
    url = subject.settings.store.url
    try:
        seen = await asyncio.to_thread(inspect, path_of(url))
        if seen.is_there and not seen.pending and not seen.problem:
            await _read(subject)
    except ConfigError as error:
        return [Finding("store", "; ".join(error.problems), Level.FAIL)]
    except (OSError, sqlite3.Error, StoreError) as error:
        return [Finding("store", str(error), Level.FAIL)]
    subject.store = seen
    if seen.problem:
        text = f"{url} is damaged: {seen.problem}; stop the bot, and put a copy of it back"
        return [Finding("store", text, Level.FAIL)]
    return [Finding("store", f"{url}{_state(seen)}")]


def _state(seen: Inspection) -> str:
    if not seen.is_there:
        return " is made at the first start"
    used = "" if seen.holder is None else f", in use by {seen.holder}"
    return f"{used}, brought to this version at the next start" if seen.pending else used


async def _read(subject: Subject) -> None:
    """Take up what the store holds."""
    opened = await Store.open(subject.settings.store.url)
    try:
        configured = await with_added(subject.settings, opened)
        offer = ConfiguredOffer(configured.providers)
        services = administration(
            configured, store=opened, offer=offer, runtime=subject.runtime, wake=lambda _: None
        )
        await services.live.refresh()
        subject.settings = services.live.now
        subject.learned = {
            each.name: await opened.providers.list_learned(each.name, each.fingerprint)
            for each in subject.settings.providers
        }
    finally:
        await opened.close()


async def disk(subject: Subject) -> list[Finding]:
    """Whether there is room for the database and for videos on their way."""
    settings = subject.settings
    places = {_existing(path_of(settings.store.url)), _existing(settings.storage.directory)}
    by_device = {place.stat().st_dev: place for place in sorted(places)}
    return [_room(place, settings.alerts.disk_free_percent) for place in by_device.values()]


def _existing(path: Path) -> Path:
    """The directory that a file or directory is in, or will be."""
    return next(each for each in (path.absolute(), *path.absolute().parents) if each.is_dir())


def _room(place: Path, percent: float) -> Finding:
    usage = shutil.disk_usage(place)
    text = f"{usage.free // MEGABYTE} MB free at {place}"
    if usage.free < LEAST_BYTES:
        return Finding("disk", f"{text}; make room: at least {LEAST_BYTES // MEGABYTE} MB", Level.FAIL)
    if usage.free < usage.total * percent / 100:
        text = f"{text}, less than {percent:g} % of the disk; make room (alerts.disk_free_percent)"
        return Finding("disk", text, Level.WARN)
    return Finding("disk", text)


async def fonts(subject: Subject) -> list[Finding]:
    """Whether charts can be written in Chinese."""
    del subject
    if has_all_letters():
        return [Finding("fonts", "charts speak English and Chinese")]
    return [Finding("fonts", "charts speak English; for Chinese install fonts-noto-cjk", Level.WARN)]


async def access(subject: Subject) -> list[Finding]:
    """Who may spend the operator's balance."""
    modes = {
        AccessMode.PUBLIC: "everyone may use the bot",
        AccessMode.REQUEST: "people ask, and admins approve them",
        AccessMode.ALLOW_LIST: "only admins, and whom they or the settings name",
    }
    return found("access", modes[subject.settings.access.mode], _risks(subject.settings))


def _risks(settings: Settings) -> Iterator[Finding]:
    if not settings.telegram.admins:
        text = "there is no admin, so nobody approves people or hears of problems: set telegram.admins to your user id"
        yield Finding("admins", text, Level.WARN)
    if settings.is_public_without_cap:
        text = "everyone may spend your balance, without a limit: set spending.daily_units, or another access.mode"
        yield Finding("access", text, Level.WARN)


async def public_address(subject: Subject) -> list[Finding]:
    """Whether Kling can reach the address that it is given."""
    web = subject.settings.web
    if not web.public_url:
        return [Finding("callbacks", "off (web.public_url is empty); tasks are asked about")]
    on = f"on, at {web.public_url}/callback/…, served on {web.listen}"
    if is_loopback(urlsplit(web.public_url).hostname or ""):
        return [Finding("callbacks", f"{on}; only this machine reaches it", Level.WARN)]
    reason = await _unserved(subject, f"{web.public_url}/healthz")
    if not reason:
        return [Finding("callbacks", on)]
    if subject.holder is None:
        text = f"{on}; not tried, as the bot does not run ({reason}): start it, and check again"
        return [Finding("callbacks", text, Level.WARN)]
    text = f"{on}; but {reason}: let your reverse proxy pass {web.public_url} on to {web.listen}"
    return [Finding("callbacks", text, Level.FAIL)]


async def _unserved(subject: Subject, url: str) -> str:
    """Why the bot does not answer at an address; empty: it does."""
    try:
        async with subject.network.client(timeout=TIMEOUT_SECONDS) as http:
            answer = await http.get(url)
    except httpx.HTTPError as error:
        return why_unreachable(error) or type(error).__name__
    if answer.status_code != httpx.codes.OK or answer.text.strip() != "ok":
        return f"another server answers there, with {answer.status_code}"
    return ""


async def clock(subject: Subject) -> list[Finding]:
    """How far the clocks of Telegram and of the providers are from ours, by their answers."""
    ahead = max(subject.network.ahead.values(), key=abs, default=None)
    if ahead is None:
        return []
    seconds = round(abs(ahead) / SECOND)
    if abs(ahead) <= CLOCK_WARNED:
        return [Finding("clock", "as those of Telegram and the providers")]
    host = next(host for host, each in subject.network.ahead.items() if each == ahead)
    text = f"{seconds} s {'behind' if ahead > 0 else 'ahead of'} that of {host}: set it (timedatectl set-ntp true)"
    signs = any(
        scheme_of(each.auth, each.key.get_secret_value(), each.base_url, each.spoken) == "jwt"
        for each in subject.settings.providers
        if each.enabled
    )
    return [Finding("clock", text, Level.FAIL if signs and abs(ahead) > CLOCK_FAILS else Level.WARN)]

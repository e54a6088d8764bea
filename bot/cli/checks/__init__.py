"""`klingbot check`: each thing that the bot depends on, tried once, without spending or changing anything."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from bot.cli.checks import accounts, machine, stuck, telegram
from bot.cli.checks.findings import Check, Finding, Level, Subject
from bot.clock import Runtime, Sleep
from bot.settings.config import Settings

BEFORE: tuple[tuple[str, Check], ...] = (("config", machine.config_file), ("store", machine.store))
"""What the others build on, one after the other."""

CHECKS: tuple[tuple[str, Check], ...] = (
    ("disk", machine.disk),
    ("fonts", machine.fonts),
    ("access", machine.access),
    ("proxy", telegram.proxies),
    ("telegram", telegram.telegram),
    ("callbacks", machine.public_address),
    ("providers", accounts.providers),
)
"""All at the same time; their findings are told in this order."""

AFTER: tuple[tuple[str, Check], ...] = (("clock", machine.clock),)
"""What looks at the answers to the others."""

STUCK: tuple[tuple[str, Check], ...] = (
    ("disk", machine.disk),
    ("telegram", telegram.fetching),
    ("bot", stuck.running),
    ("waiting", stuck.waiting),
)
"""What `klingbot doctor` looks at, after the store."""

LONGEST_SECONDS = 60.0
"""How long one check may take: three servers that do not answer, one after the other."""


async def check(
    settings: Settings,
    path: Path | None = None,
    *,
    runtime: Runtime | None = None,
    sleep: Sleep = asyncio.sleep,
    seconds: float = LONGEST_SECONDS,
) -> list[Finding]:
    """Everything that is found out about some settings, read from `path`; no check takes longer than `seconds`."""
    subject = Subject(settings=settings, path=path, runtime=runtime or Runtime(), sleep=sleep)
    return await _run((*((each,) for each in BEFORE), CHECKS, AFTER), subject, seconds)


async def diagnose(
    settings: Settings,
    path: Path | None = None,
    *,
    runtime: Runtime | None = None,
    sleep: Sleep = asyncio.sleep,
    seconds: float = LONGEST_SECONDS,
) -> list[Finding]:
    """What is stuck, in the running bot and in its database; it is asked whether it runs or not."""
    subject = Subject(settings=settings, path=path, runtime=runtime or Runtime(), sleep=sleep)
    return await _run(((("store", machine.store),), STUCK), subject, seconds)


async def _run(
    stages: Sequence[Sequence[tuple[str, Check]]], subject: Subject, seconds: float
) -> list[Finding]:
    told: list[Finding] = []
    for checks in stages:
        for findings in await asyncio.gather(
            *(_bounded(name, run, subject, seconds) for name, run in checks)
        ):
            told += findings
    return told


async def _bounded(name: str, run: Check, subject: Subject, seconds: float) -> Sequence[Finding]:
    """What a check finds, or that it did not end: one that fails leaves the others alone."""
    try:
        async with asyncio.timeout(seconds):
            return await run(subject)
    except TimeoutError:
        return [Finding(name, f"gave no answer within {seconds:g} s; try again", Level.FAIL)]
    except Exception as error:  # noqa: BLE001  its text may hold a secret
        return [Finding(name, f"could not be checked: {type(error).__name__}", Level.FAIL)]

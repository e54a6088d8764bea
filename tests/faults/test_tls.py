"""Connections that go wrong before there is a request: nothing is said to whoever is not to be trusted."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.counts import Counts
from tests.faults.places import FILE_DEADLINE, VIDEO, Outcome
from tests.faults.secure import SECURE_PLACES, secure_world
from tests.faults.table import SECURE_ROWS, Row, note
from tests.world.telegram import ADA, BOSS
from tests.world.tls import TLS_FAULTS

LONG = bool(os.environ.get("FAULT_LONG"))
TIMES = 2
"""So many connections in a row meet a fault."""

FOREVER = 10**9
EXPIRED = TLS_FAULTS["a certificate that has expired"]
MANY = 5
SHORT_SILENCE = "[alerts]\nsilence_minutes = 0.03"


def batches() -> Iterator[object]:
    """What one process meets."""
    if not LONG:
        yield pytest.param([row for row in SECURE_ROWS if row.usual], id="usual")
        return
    for place in SECURE_PLACES:
        yield pytest.param([row for row in SECURE_ROWS if row.place == place], id=place)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("rows", list(batches()))
async def test_each_fault_of_a_connection_comes_to_its_outcome(
    tmp_path: Path, rows: list[Row], counts: Counts
):
    async with secure_world(tmp_path) as world:
        found = {row: await world.try_tls(SECURE_PLACES[row.place], row.fault, TIMES) for row in rows}
        submitted = world.bot.kling.submissions
    note(counts, found.items(), submitted)
    assert {row.fault: outcome for row, outcome in found.items() if outcome != row.outcome} == {}
    assert set(submitted.values()) == {1}


async def test_a_provider_whose_certificate_stays_bad_is_named_and_hears_nothing(tmp_path: Path):
    polling = "min_interval = 0.2\nmax_interval = 0.5\nretries = 0"
    async with secure_world(tmp_path, polling=polling) as world:
        people = [world.newcomer() for _ in range(MANY)]
        planned = world.to_kling.plan(EXPIRED, FOREVER)
        for person in people:
            await world.bot.telegram.say(person.id, f"/video {person.prompt}")
        await world.bot.wait_for(lambda: all(person.is_over() for person in people))
        await world.bot.telegram.wait_text(BOSS, "The certificate of stand-in is refused: certificate has")
        for person in people:
            (told,) = world.bot.written(person.id, "credits are refunded")
            assert "certificate" not in told["text"]
            assert world.bot.balance(person.id) == (0, 0)
        await world.bot.telegram.say(BOSS, "/providers")
        await world.bot.telegram.wait_text(BOSS, "its certificate is refused")
        world.check(world.to_kling)
        # The page asks for the account as well.
        assert planned.met >= MANY
        assert world.kling.passed == []
        (told,) = world.bot.events("operators are told")
    assert (told["alert"], told["about_provider"]) == ("alert.provider.certificate", "stand-in")
    assert told["about_detail"] == "certificate has expired"


async def test_results_from_a_server_whose_certificate_stays_bad_wait_and_the_operator_is_told(
    tmp_path: Path,
):
    async with secure_world(tmp_path) as world:
        person = world.newcomer()
        place = SECURE_PLACES["file"]
        planned = world.to_kling.plan(EXPIRED, FOREVER, lambda: place.is_next(person))
        await place.ask(person)
        words = "the certificate of 127.0.0.1 is refused (certificate has expired)"
        await world.bot.telegram.wait_text(BOSS, words, timeout_seconds=FILE_DEADLINE)
        world.check(world.to_kling)
        assert not any("/files/" in path for _, path in world.kling.passed)
        world.to_kling.planned.remove(planned)
        await world.bot.wait_for(person.is_over)
        assert person.outcome(world.alerts) == Outcome(VIDEO, "alert.download.certificate", "charged")


async def test_a_telegram_whose_certificate_stays_bad_gets_no_token_and_the_log_names_it(tmp_path: Path):
    async with secure_world(tmp_path, begin=False, extra=SHORT_SILENCE) as world:
        planned = world.to_telegram.plan(EXPIRED, FOREVER)
        await world.bot.begin()
        event = "Telegram cannot be reached"
        await world.bot.wait_for(lambda: world.bot.events(event))
        assert world.bot.events(event)[0]["reason"] == "its certificate is refused: certificate has expired"
        world.to_telegram.planned.remove(planned)
        await world.bot.telegram.say(ADA, "/quota")
        await world.bot.telegram.wait_text(ADA, "Balance:")

        planned = world.to_telegram.plan(EXPIRED, FOREVER)
        world.to_telegram.drop()
        await world.bot.wait_for(lambda: world.alerts == ["alert.updates.certificate"])
        (refused,) = [
            each
            for each in world.bot.events("updates could not be fetched")
            if "certificate" in each["error"]
        ]
        assert refused["error"] == "certificate: certificate has expired"
        world.check(world.to_telegram)
        world.to_telegram.planned.remove(planned)
        await world.bot.telegram.say(ADA, "/video a fox")
        await world.bot.telegram.wait_video(ADA, timeout_seconds=FILE_DEADLINE)
        await world.bot.ended()
        assert world.bot.balance(ADA) == (-15, 0)


async def test_the_check_of_the_settings_says_that_certificates_are_refused(tmp_path: Path):
    async with secure_world(tmp_path, begin=False) as world:
        world.to_telegram.plan(EXPIRED, FOREVER)
        world.to_kling.plan(EXPIRED, FOREVER)
        status, said = await world.bot.command("check")
        for before in (world.to_telegram, world.to_kling):
            world.check(before)
    assert status != 0
    assert said.count("its certificate is refused: certificate has expired") == 2

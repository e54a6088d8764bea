"""How fast people and groups may ask: a minute is counted on from each request."""

import pytest

from bot.domain.types import MINUTE, SECOND, ChatId, UserId
from bot.errors import UserError
from bot.services.people.limits import REMEMBERED, Limits
from bot.settings import sections
from tests.builders import ADA, XIAOLIN

GROUP, OTHER_CLUB = ChatId(-100), ChatId(-200)


@pytest.fixture
def limits(clock):
    return Limits(
        limits=sections.Limits(requests_per_minute=2),
        groups=sections.Groups(requests_per_minute=3),
        clock=clock,
    )


def refused(limits: Limits, user_id: UserId, group: ChatId | None = None) -> tuple[str, object]:
    with pytest.raises(UserError) as raised:
        limits.take(user_id, group)
    return raised.value.key, raised.value.params["seconds"]


def test_a_person_who_asks_too_fast_is_told_when_to_try_again(limits, clock):
    limits.take(ADA, None)
    clock.advance(10 * SECOND)
    limits.take(ADA, None)
    clock.advance(10 * SECOND + 1)
    assert refused(limits, ADA) == ("error.limit.person", 40)
    clock.advance(40 * SECOND)
    limits.take(ADA, None)


def test_a_request_that_was_refused_does_not_count(limits, clock):
    limits.take(ADA, None)
    limits.take(ADA, None)
    for _ in range(5):
        refused(limits, ADA)
    clock.advance(MINUTE)
    limits.take(ADA, None)


def test_people_in_a_group_share_its_limit(limits):
    limits.take(ADA, GROUP)
    limits.take(ADA, GROUP)
    limits.take(XIAOLIN, GROUP)
    assert refused(limits, XIAOLIN, GROUP) == ("error.limit.group", 60)
    limits.take(XIAOLIN, OTHER_CLUB)


def test_a_person_has_one_limit_everywhere(limits):
    limits.take(ADA, GROUP)
    limits.take(ADA, None)
    assert refused(limits, ADA, OTHER_CLUB)[0] == "error.limit.person"


def test_only_so_many_people_are_remembered(limits):
    for number in range(1, REMEMBERED + 2):
        limits.take(UserId(number), None)
    assert len(limits._people) == REMEMBERED

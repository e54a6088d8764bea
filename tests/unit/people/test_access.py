"""The door as a decision: who passes with what, in every mode; and what each role may do."""

import itertools

import pytest

from bot.domain.people.access import (
    PERMISSIONS,
    AccessDecision,
    AccessLevel,
    AccessMode,
    AccessPolicy,
    Admission,
    InviteCode,
    InviteProblem,
    Membership,
    Permission,
    Role,
    decide_access,
    outranks,
    problem_with,
)
from bot.domain.types import Millis, UserId

NOW = Millis(1_000)
ADA = UserId(1001)
CLOSED = (AccessMode.ALLOW_LIST, AccessMode.REQUEST)


def decide(mode: AccessMode, level: AccessLevel, maintenance: bool = False, **membership) -> AccessDecision:
    return decide_access(AccessPolicy(mode, maintenance), Membership(ADA, **membership), level, NOW)


@pytest.mark.parametrize("mode", AccessMode)
def test_nobody_is_kept_from_their_rights(mode):
    for admission, ban in itertools.product(Admission, (None, "loud")):
        assert decide(mode, AccessLevel.OPEN, True, admission=admission, ban=ban) is AccessDecision.PASS


@pytest.mark.parametrize("mode", AccessMode)
@pytest.mark.parametrize("level", sorted(set(AccessLevel) - {AccessLevel.OPEN}))
def test_a_ban_keeps_out_also_who_is_let_in_or_runs_the_bot_but_no_owner(mode, level):
    assert decide(mode, level, ban="loud", admission=Admission.ALLOWED) is AccessDecision.BANNED
    assert decide(mode, level, ban="loud", role=Role.ADMIN) is AccessDecision.BANNED
    assert decide(mode, level, ban="loud", role=Role.OWNER) is AccessDecision.PASS


@pytest.mark.parametrize(
    ("mode", "admission", "expected"),
    [
        (AccessMode.PUBLIC, Admission.UNDECIDED, AccessDecision.PASS),
        (AccessMode.PUBLIC, Admission.DENIED, AccessDecision.PASS),
        (AccessMode.ALLOW_LIST, Admission.UNDECIDED, AccessDecision.CLOSED),
        (AccessMode.ALLOW_LIST, Admission.ASKED, AccessDecision.CLOSED),
        (AccessMode.REQUEST, Admission.UNDECIDED, AccessDecision.ASK),
        (AccessMode.REQUEST, Admission.ASKED, AccessDecision.WAITING),
        (AccessMode.REQUEST, Admission.DENIED, AccessDecision.DENIED),
        *((mode, Admission.ALLOWED, AccessDecision.PASS) for mode in AccessMode),
    ],
)
def test_strangers_are_received_as_the_mode_says(mode, admission, expected):
    assert decide(mode, AccessLevel.USE, admission=admission) is expected
    assert decide(mode, AccessLevel.VIEW, admission=admission) is expected


@pytest.mark.parametrize("mode", CLOSED)
def test_an_invite_code_and_a_role_open_the_policy(mode):
    assert decide(mode, AccessLevel.INVITED) is AccessDecision.PASS
    assert decide(mode, AccessLevel.USE, True, role=Role.SUPPORT) is AccessDecision.PASS


def test_maintenance_and_breaks_keep_from_new_work_only():
    assert decide(AccessMode.PUBLIC, AccessLevel.USE, True) is AccessDecision.MAINTENANCE
    assert decide(AccessMode.PUBLIC, AccessLevel.VIEW, True) is AccessDecision.PASS
    assert decide(AccessMode.PUBLIC, AccessLevel.USE, paused_until=Millis(NOW + 1)) is AccessDecision.PAUSED
    assert decide(AccessMode.PUBLIC, AccessLevel.VIEW, paused_until=Millis(NOW + 1)) is AccessDecision.PASS
    assert decide(AccessMode.PUBLIC, AccessLevel.USE, paused_until=NOW) is AccessDecision.PASS


def test_each_role_may_do_what_the_one_below_may_and_more():
    assert PERMISSIONS[Role.SUPPORT] < PERMISSIONS[Role.ADMIN] < PERMISSIONS[Role.OWNER]
    assert PERMISSIONS[Role.OWNER] == set(Permission)
    assert not any(Membership(ADA).may(permission) for permission in Permission)


@pytest.mark.parametrize(
    ("actor", "subject", "expected"),
    [
        (Role.OWNER, Role.ADMIN, True),
        (Role.OWNER, None, True),
        (Role.OWNER, Role.OWNER, False),
        (Role.ADMIN, None, True),
        (Role.ADMIN, Role.SUPPORT, False),
        (Role.ADMIN, Role.OWNER, False),
    ],
)
def test_nobody_acts_upon_their_equals(actor, subject, expected):
    assert outranks(Membership(ADA, role=actor), Membership(UserId(7), role=subject)) is expected


def test_a_shell_is_an_owners():
    assert outranks(None, Membership(ADA, role=Role.ADMIN))
    assert not outranks(None, Membership(ADA, role=Role.OWNER))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({}, None),
        ({"used": 2}, InviteProblem.USED_UP),
        ({"ends_at": NOW}, InviteProblem.ENDED),
        (None, InviteProblem.UNKNOWN),
    ],
)
def test_a_code_says_why_it_lets_nobody_in(changes, problem):
    values = {
        "code": "abc",
        "uses": 2,
        "used": 1,
        "ends_at": Millis(NOW + 1),
        "plan": None,
        "created_by": ADA,
        "created_at": NOW,
    }
    invite = None if changes is None else InviteCode(**(values | changes))
    assert problem_with(invite, NOW) is problem

"""Who may use the bot, who may run it, and what each role may do. Pure."""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum, auto

from bot.domain.types import Millis, UserId


class AccessMode(StrEnum):
    """Who may use the bot without being let in by anybody."""

    PUBLIC = "public"
    ALLOW_LIST = "allow-list"
    """Those whom the settings, an admin or an invite code let in; others hear where they stand."""
    REQUEST = "request"
    """The same, and a stranger's first words bring the admins a card to decide on."""


class Role(StrEnum):
    """Who runs the bot: owners stand in the settings, the others are appointed by owners."""

    OWNER = "owner"
    ADMIN = "admin"
    SUPPORT = "support"


class Permission(StrEnum):
    """What somebody who runs the bot may do."""

    VIEW = auto()
    """People, their tasks and ledger, failures, statistics."""
    MESSAGE = auto()
    """Write to a person in the bot's name."""
    TASKS = auto()
    """Cancel and repeat somebody's tasks."""
    RESULTS = auto()
    """Open somebody's results and go on with them."""
    ADMIT = auto()
    """Let people in, by a decision or by an invite code."""
    BAN = auto()
    CREDITS = auto()
    """Give and take credits and plans."""
    OPERATE = auto()
    """Providers, maintenance, the way in, plans and prices, and texts of the day."""
    BROADCAST = auto()
    AUDIT = auto()
    """Read who did what."""
    APPOINT = auto()
    """Give and take roles."""


_SUPPORT = frozenset({Permission.VIEW, Permission.MESSAGE, Permission.TASKS})

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.ADMIN: frozenset(Permission) - {Permission.APPOINT},
    Role.SUPPORT: _SUPPORT,
}


class Admission(StrEnum):
    """What was decided about a person."""

    UNDECIDED = "undecided"
    ASKED = "asked"
    """The admins have a card about them."""
    ALLOWED = "allowed"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as those who run the bot see them. `language` is the one to write to them in."""

    id: UserId
    name: str
    username: str | None
    language: str
    plan: str


_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols of Unicode that show nothing; people make names of them."""

_SHOWN = "LNPS"
"""The first letters of the categories of Unicode that show something by themselves."""


def readable_name(name: str, username: str | None, user_id: UserId) -> str:
    """A person's name; where it shows nothing (empty, spaces, invisible characters) their @name, else their id."""
    if any(unicodedata.category(each)[0] in _SHOWN and each not in _BLANK for each in name):
        return " ".join(name.split())
    return f"@{username}" if username else str(user_id)


@dataclass(frozen=True, slots=True)
class Membership:
    """How a person stands with the bot. `version` grows with every change (compare and set).

    `ban` is the reason that the person is told, None where there is no ban. `reachable` is False where the
    person wants no broadcasts.
    """

    user_id: UserId
    admission: Admission = Admission.UNDECIDED
    role: Role | None = None
    ban: str | None = None
    reachable: bool = True
    paused_until: Millis = Millis(0)
    version: int = 0

    def may(self, permission: Permission) -> bool:
        """Whether the person's role allows something."""
        return self.role is not None and permission in PERMISSIONS[self.role]


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """How the bot receives people now. While in `maintenance` nothing new begins, and what runs goes on."""

    mode: AccessMode = AccessMode.PUBLIC
    maintenance: bool = False


class AccessLevel(StrEnum):
    """How much a command, button or message asks of whoever sends it."""

    OPEN = auto()
    """Open to everybody, also to the banned: one's own data, terms, the language, a payment that was made."""
    INVITED = auto()
    """Brings an invite code."""
    VIEW = auto()
    """Looks at what there is, or ends something."""
    USE = auto()
    """Everything else: it may begin something new."""


class AccessDecision(StrEnum):
    """What the gate says; everything but PASS has a text."""

    PASS = auto()
    BANNED = auto()
    PAUSED = auto()
    """Too many of the person's requests were refused lately."""
    CLOSED = auto()
    """Strangers are not let in."""
    ASK = auto()
    """The admins are to be asked."""
    WAITING = auto()
    """The admins have been asked."""
    DENIED = auto()
    MAINTENANCE = auto()


def decide_access(
    policy: AccessPolicy, membership: Membership, level: AccessLevel, now: Millis
) -> AccessDecision:
    """Decide whether a person may go on at a level.

    A ban goes before a role: an owner who bans an admin means it. Owners cannot be banned.
    """
    if level is AccessLevel.OPEN or membership.role is Role.OWNER:
        return AccessDecision.PASS
    if membership.ban is not None:
        return AccessDecision.BANNED
    if membership.role is not None or level is AccessLevel.INVITED:
        return AccessDecision.PASS
    if policy.mode is not AccessMode.PUBLIC and membership.admission is not Admission.ALLOWED:
        return _stranger(policy.mode, membership.admission)
    if level is AccessLevel.VIEW:
        return AccessDecision.PASS
    if policy.maintenance:
        return AccessDecision.MAINTENANCE
    return AccessDecision.PAUSED if membership.paused_until > now else AccessDecision.PASS


def _stranger(mode: AccessMode, admission: Admission) -> AccessDecision:
    if admission is Admission.DENIED:
        return AccessDecision.DENIED
    if mode is AccessMode.ALLOW_LIST:
        return AccessDecision.CLOSED
    return AccessDecision.WAITING if admission is Admission.ASKED else AccessDecision.ASK


def outranks(actor: Membership | None, subject: Membership) -> bool:
    """Whether one may ban or demote the other: owners everybody but owners, admins whoever has no role.

    An actor of None is a shell, which is an owner's.
    """
    if subject.role is Role.OWNER:
        return False
    return actor is None or actor.role is Role.OWNER or subject.role is None


@dataclass(frozen=True, slots=True)
class InviteCode:
    """A code that lets people in, so often (`uses`) and until `ends_at`, with a `plan` where one is named.

    `created_by` is None where it was made from a shell.
    """

    code: str
    uses: int
    used: int
    ends_at: Millis
    plan: str | None
    created_by: UserId | None
    created_at: Millis


class InviteProblem(StrEnum):
    """Why a code lets nobody in."""

    UNKNOWN = "unknown"
    USED_UP = "used_up"
    ENDED = "ended"


def problem_with(invite: InviteCode | None, now: Millis) -> InviteProblem | None:
    """Why a code cannot be used now; None where it can."""
    if invite is None:
        return InviteProblem.UNKNOWN
    if invite.ends_at <= now:
        return InviteProblem.ENDED
    return InviteProblem.USED_UP if invite.used >= invite.uses else None


_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LONGEST = 12
"""Digits; Telegram's ids have 52 bits, which are 11 digits."""


def invite_code(inviter: UserId) -> str:
    """The code of a person's link: their id to the base of 36."""
    number, code = int(inviter), ""
    while number:
        number, digit = divmod(number, len(_DIGITS))
        code = _DIGITS[digit] + code
    return code


def read_invite_code(code: str) -> UserId | None:
    """Who invited; None where it is no such code."""
    cleaned = code.casefold()
    if not 0 < len(cleaned) <= _LONGEST or not set(cleaned) <= set(_DIGITS):
        return None
    return UserId(int(cleaned, len(_DIGITS)))

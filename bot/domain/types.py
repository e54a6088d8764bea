"""Types for money, time and ids, so that a mix-up of two integers does not type-check."""

import hashlib
import random
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, auto
from typing import NewType, Self

Millis = NewType("Millis", int)
"""UTC milliseconds since the epoch, or a length of time in milliseconds."""

Credits = NewType("Credits", int)
"""The integer unit of quota. By default one credit is a tenth of Kling's own unit."""

TaskId = NewType("TaskId", str)
"""Short id of a task that people can read out: ``K7Q29F`` (format_task_id as ``K7Q2-9F``)."""

UserId = NewType("UserId", int)
ChatId = NewType("ChatId", int)
ProviderName = NewType("ProviderName", str)

_LOWEST_CHAT = -(2**42)
"""Telegram's chats have ids of at least -4 * 10**12 (TDLib, DialogId.h); pseudonyms have 62 bits and lie below."""


def to_millis(moment: datetime) -> Millis:
    """A moment, in whatever time zone it is told."""
    return Millis(round(moment.timestamp() * 1000))


def is_private(chat_id: int) -> bool:
    """Whether a chat is one with a person: Telegram gives groups and channels negative ids."""
    return chat_id > 0


class AccountKind(StrEnum):
    """Whose an account is."""

    PERSON = auto()
    GROUP = auto()
    """A group's own credits, under the id that its chat had first."""
    FORGOTTEN = auto()
    """Those of a person who asked to be forgotten, under a pseudonym (see `bot.store.privacy`)."""


@dataclass(frozen=True, slots=True)
class AccountId:
    """Where credits are booked. The sign and size of `number`, as it is stored, are read here and nowhere else."""

    kind: AccountKind
    number: int

    @classmethod
    def read(cls, number: int) -> Self:
        """The account of a stored number, or of a chat: a private one has its person's."""
        if is_private(number):
            return cls(AccountKind.PERSON, number)
        return cls(AccountKind.GROUP if number >= _LOWEST_CHAT else AccountKind.FORGOTTEN, number)

    @classmethod
    def of_person(cls, user_id: UserId) -> Self:
        """A person's account."""
        return cls(AccountKind.PERSON, user_id)

    @property
    def user_id(self) -> UserId | None:
        """Whose it is; None: a group's, or forgotten."""
        return UserId(self.number) if self.kind is AccountKind.PERSON else None

    def __str__(self) -> str:
        """The number, for logs and tables."""
        return str(self.number)


SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U, so that an id survives being read aloud."""

_LENGTH = 6


def draw_id(rng: random.Random, length: int) -> str:
    """Draw an id of so many characters of five bits each."""
    return "".join(rng.choice(ALPHABET) for _ in range(length))


CODE_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
_CODE_LENGTH = 10


def draw_code(rng: random.Random) -> str:
    """Draw a code that people type or follow: ten letters that are not taken for one another, 49 bits."""
    return "".join(rng.choice(CODE_LETTERS) for _ in range(_CODE_LENGTH))


def short_hash(text: str, length: int = 8) -> str:
    """A name of any length in a few characters that stay the same, as the data of a button takes them."""
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def new_task_id(rng: random.Random) -> TaskId:
    """Draw a task id out of 2^30; the store's unique index decides whether it is free."""
    return TaskId(draw_id(rng, _LENGTH))


def format_task_id(task_id: TaskId) -> str:
    """Write an id as people see it: ``K7Q2-9F``."""
    return f"{task_id[:4]}-{task_id[4:]}"


def read_task_id(text: str) -> TaskId | None:
    """Read an id as people type it (any case, with or without the dash, O for 0), or None."""
    cleaned = text.strip().upper().replace("-", "").translate(str.maketrans("OIL", "011"))
    if len(cleaned) == _LENGTH and all(letter in ALPHABET for letter in cleaned):
        return TaskId(cleaned)
    return None


def megabytes(size: int) -> float:
    """A size in bytes, for people: in megabytes, at least 0.1."""
    return max(0.1, round(size / 1_000_000, 1))

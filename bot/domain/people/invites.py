"""Invitations: who invited somebody, as a short code in a link to the bot. Pure."""

from bot.domain.units import UserId

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

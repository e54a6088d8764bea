"""Credentials: how a key becomes an Authorization header, as a function of the key and the time.

Facts: Kling signs with HS256; `iss` is the access key, `exp` half an hour ahead, `nbf` five seconds
back, and `typ` stands in the header.
"""

from dataclasses import dataclass, field
from typing import Literal

import jwt

from bot.kling.dialects.registry import is_kling_host

Scheme = Literal["jwt", "bearer", "raw"]

LIFETIME_SECONDS = 1_800
RENEW_BEFORE_SECONDS = 300
NOT_BEFORE_SECONDS = 5


def scheme_of(auth: Scheme | Literal["auto"], key: str, base_url: str, dialect: str) -> Scheme:
    """The scheme of a key: as configured, or by its shape and by whom it goes to.

    A key of two halves is signed with wherever it can be, for sent as it is it would be given away.
    """
    if auth != "auto":
        return auth
    if key.count("|") == 1 and (is_kling_host(base_url) or dialect == "official"):
        return "jwt"
    return "bearer"


@dataclass(slots=True)
class Signer:
    """Makes the Authorization header. `skew_seconds` is how far the provider's clock is ahead of ours."""

    scheme: Scheme
    key: str = field(repr=False)
    skew_seconds: int = 0
    _token: str = field(default="", repr=False)
    _expires: float = 0

    def authorization(self, now_seconds: float) -> str:
        """The header's value at this moment; a signed token is kept until shortly before its end."""
        if self.scheme == "raw":
            return self.key
        if self.scheme == "bearer":
            return f"Bearer {self.key}"
        if now_seconds >= self._expires - RENEW_BEFORE_SECONDS:
            self._sign(now_seconds)
        return f"Bearer {self._token}"

    def renew(self, skew_seconds: int | None) -> None:
        """Forget the token, and remember the skew where one was measured."""
        self._expires = 0
        if skew_seconds is not None:
            self.skew_seconds = skew_seconds

    def _sign(self, now_seconds: float) -> None:
        access, _, secret = self.key.partition("|")
        theirs = int(now_seconds) + self.skew_seconds
        claims = {"iss": access, "exp": theirs + LIFETIME_SECONDS, "nbf": theirs - NOT_BEFORE_SECONDS}
        self._token = jwt.encode(claims, secret, algorithm="HS256", headers={"typ": "JWT"})
        self._expires = now_seconds + LIFETIME_SECONDS

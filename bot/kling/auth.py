"""Signs requests: what goes into `Authorization` is a function of the key and the time.

No key appears in a repr, an exception or a log line.
"""

import json
from typing import Literal

from jwt.algorithms import HMACAlgorithm
from jwt.api_jws import PyJWS

from bot.kling.dialects import is_key_pair, is_kling_host

Scheme = Literal["jwt", "bearer", "raw"]

LIFETIME = 1_800
"""Seconds that a token is good for, as in every example of Kling's."""

LEEWAY = 5
"""Seconds before now from which a token is good, for clocks that differ a little."""

RENEWAL = 300
"""Seconds before its end at which a token is replaced."""


class _AnyLength(HMACAlgorithm):
    """HS256 with secrets of any length: the secret's length is the provider's choice, not ours."""

    def check_key_length(self, key: bytes) -> str | None:  # noqa: ARG002  the base class's signature
        """Accept every length."""
        return None


_JWS = PyJWS(algorithms=["none"])
_JWS.register_algorithm("HS256", _AnyLength(HMACAlgorithm.SHA256))


def scheme_of(auth: Scheme | Literal["auto"], key: str, base_url: str, dialect: str) -> Scheme:
    """Decide how a provider's key is used.

    Under ``auto`` a pair is made into a token on Kling's own hosts and wherever the official API is
    spoken, so that its secret half never leaves.
    """
    if auth != "auto":
        return auth
    at_home = dialect == "official" or is_kling_host(base_url)
    return "jwt" if at_home and is_key_pair(key) else "bearer"


class Signer:
    """One key and the way it is used. Tokens are kept until five minutes before their end.

    Raises:
        ValueError: the key cannot be sent, or is no pair where tokens are to be made of it.

    """

    def __init__(self, scheme: Scheme, key: str, skew_seconds: int = 0) -> None:
        key = key.strip()
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise ValueError("the key is empty or holds characters that cannot be sent")
        if scheme == "jwt" and not is_key_pair(key):
            raise ValueError("auth = jwt needs a key of the form access_key|secret_key")
        self.scheme = scheme
        self.skew_seconds = skew_seconds
        self._key = key
        self._token = ""
        self._good_from = 0
        self._good_until = 0

    def __repr__(self) -> str:
        return f"Signer({self.scheme!r}, ***)"

    def authorization(self, now_seconds: float) -> str:
        """Build the header's value at a moment, in UTC seconds by our clock."""
        match self.scheme:
            case "raw":
                return self._key
            case "bearer":
                return f"Bearer {self._key}"
            case "jwt":
                return f"Bearer {self._current(int(now_seconds) + self.skew_seconds)}"

    def renew(self, skew_seconds: int | None) -> None:
        """Forget the token, and sign with the provider's time where its lead over ours was measured."""
        self._token = ""
        if skew_seconds is not None:
            self.skew_seconds = skew_seconds

    def _current(self, theirs: int) -> str:
        # A clock that was set back makes a kept token one of the future: it is replaced, too.
        if not self._token or not self._good_from <= theirs < self._good_until - RENEWAL:
            access_key, secret_key = self._key.split("|")
            claims = {"iss": access_key, "exp": theirs + LIFETIME, "nbf": theirs - LEEWAY}
            payload = json.dumps(claims, separators=(",", ":")).encode()
            self._token = _JWS.encode(payload, secret_key, algorithm="HS256")
            self._good_from, self._good_until = theirs - LEEWAY, theirs + LIFETIME
        return self._token

"""What can go wrong with a provider, by what may be done about it.

    ProviderError
     +-- Rejected       the request is refused for good: release, tell the user why
     +-- Throttled      not accepted, come back later: the hold stays
     |    +-- TooManyAtOnce   as many tasks run as may run at a time
     +-- Unavailable    not accepted or not reached: the hold stays, another provider may take it
     |    +-- NoChannel       the gateway has nobody who has this model now
     |    +-- Misconfigured   the operator and the gateway must agree first: tell the operators what to do
     |    |    +-- WrongPath       nothing is served where the settings say
     |    |    +-- NoPrice         the gateway has no price for the model
     |    |    +-- TooLarge        the request is too large for somebody on the way: a smaller picture may do
     |    +-- Untrusted       its certificate is refused: nothing is sent, not even the key
     +-- Unauthorized   the key is not good: another provider may take it, tell the operators
     |    +-- NotEnabled      the key is good, but not for this model
     |    +-- AddressRefused  the key is not good for this machine's address
     +-- OutOfBalance   the account has no money: as Unauthorized
     |    +-- PackEmpty       it has no units left of one kind
     +-- NoSuchModel    the provider has no such model: as Unauthorized
     +-- Ambiguous      the task may exist: ask before anything is sent again
     +-- NotFound       the provider does not know the task that it was asked about
     +-- Unsendable     a fault of ours: it could not be written in the provider's words, and nothing was sent

No message holds a key, a URL or a prompt.
"""

from bot.domain.tasks.task import FailureKind
from bot.domain.types import Millis


class ProviderError(Exception):
    """A provider did not do what it was asked; `code` is its business code or HTTP status, as text.

    `retry_after` is how long it asks to be left alone, in milliseconds, where it says so.
    """

    def __init__(self, message: str, *, code: str = "", retry_after: Millis | None = None) -> None:
        super().__init__(f"{message} ({code})" if code else message)
        self.message = message
        self.code = code
        self.retry_after = retry_after


class Rejected(ProviderError):
    """Refused for good. `kind` says whether content or parameters; the message is the provider's own."""

    def __init__(self, message: str, *, code: str = "", kind: FailureKind = FailureKind.PARAMETERS) -> None:
        super().__init__(message, code=code)
        self.kind = kind


class Throttled(ProviderError):
    """Too many requests or too many tasks at once: surely not accepted."""


class TooManyAtOnce(Throttled):
    """The account has as many tasks of this model running as it may (Kling: 1303): surely not accepted."""


class Unavailable(ProviderError):
    """Down or out of reach: surely not accepted."""


class FormerUnavailable(Unavailable):
    """An account that the provider had before cannot be asked; it says nothing of the one that it has now."""


class NoChannel(Unavailable):
    """A gateway has nobody to hand a request for this model to: surely not accepted."""


class Misconfigured(Unavailable):
    """At odds with the settings here or there, and no fault of the request: surely not accepted."""


class WrongPath(Misconfigured):
    """Nothing is served at the path that the provider's settings lead to; it says nothing of any task."""


class NoPrice(Misconfigured):
    """The gateway's administrator has set no price for the model."""


class TooLarge(Misconfigured):
    """The request is larger than a proxy on the way lets through.

    `size` is that of its pictures in bytes as they are written in it, 0 without any, and is set once they were
    sent as small as they can be.
    """

    def __init__(self, message: str, *, code: str = "", size: int = 0) -> None:
        super().__init__(message, code=code)
        self.size = size


class Untrusted(Unavailable):
    """Its certificate is refused: surely nothing was sent. `reason` in OpenSSL's words."""

    def __init__(self, reason: str, *, code: str = "") -> None:
        super().__init__(f"its certificate is refused: {reason}", code=code)
        self.reason = reason


class Unauthorized(ProviderError):
    """The key is wrong, expired, not permitted, or not allowed from this address."""


class NotEnabled(Unauthorized):
    """The key may not use this model or resource."""


class AddressRefused(Unauthorized):
    """The address that the request comes from is not on the key's allow-list."""


class OutOfBalance(ProviderError):
    """The account behind the key has no units left, or is in arrears."""


class PackEmpty(OutOfBalance):
    """The account has no units left of the kind that this takes: videos, images, sounds or try-ons."""


class NoSuchModel(ProviderError):
    """The provider does not have the model that it was asked for."""


class Ambiguous(ProviderError):
    """Something was sent and the answer does not tell what became of it."""


class NotFound(ProviderError):
    """The provider knows no such task."""


class Unsendable(ProviderError):
    """The request cannot be written in the provider's words, which nobody foresaw: surely nothing was sent."""

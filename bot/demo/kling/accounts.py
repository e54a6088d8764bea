"""Who may ask: the stand-in's keys, and the strict reading of an Authorization header.

The accounts of the demo, one for each way to reach Kling (`keys` lists them for pasting):

| dialect | key | speaks |
| --- | --- | --- |
| official | `demo-access|demo-secret-that-signs-for-nothing` | `/v1/*`, with signed tokens |
| unified | `demo-api-key` | `/text-to-video/{model}` and the like, `/tasks`; also `/v1/*`; signed callbacks |
| generic | `sk-demo-generic` | `/v1/video/generations` of older gateways: answers without an envelope |
| newapi | `sk-demo-newapi` | the same of newer ones, `/v1/videos` and `/kling/v1/videos/*`: rows in an envelope |
| prefixed | `sk-demo-prefixed` | `/kling/v1/videos/*` with Kling's own envelope |
| crazyrouter | `sk-demo-crazyrouter` | `/kling/v1/*`, asked for with one flat shape in an envelope |
| omnimaas | `sk-demo-omnimaas` | `/v1/video/generations` with ratios and lists of images |
| flat | `sk-demo-flat` | `/v1/videos/*` without an envelope |

Besides, `sk-demo-aliases` is a prefixed one whose models are named by function (`kling_video`), and
`demo-lenient-key` an official one that ignores unknown fields, as the real service does.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt

from bot.demo.kling.refusals import Refusal

RAW_KEYS = frozenset({"generic", "newapi", "prefixed", "crazyrouter"})
"""Dialects of gateways that also take a key without the word Bearer."""


UNITS = {"video": 100_000.0, "image": 100_000.0, "try-on": 10_000.0}
"""Units of each pack that an account begins with."""


@dataclass(frozen=True)
class Account:
    """A key, and how its holder speaks.

    `dialect` is one of official (both standards), generic, newapi, prefixed, crazyrouter, omnimaas, flat.
    A `secret` makes the key a pair that signs tokens. `concurrent` is how many tasks of one model may run,
    `concurrent_images` how many images, of whose package each takes a place.
    `webhook_secret` (`whsec_…`) signs callbacks. `lenient` ignores unknown fields, for clients that are
    not ours. `aliases` are further names of models. `units` are those of its packs, by product; with `cash` it pays
    with money. `name` is how the console calls the key.
    """

    key: str
    dialect: str
    secret: str = field(default="", repr=False)
    concurrent: int = 5
    concurrent_images: int = 10
    webhook_secret: str = field(default="", repr=False)
    lenient: bool = False
    aliases: Mapping[str, str] = field(default_factory=dict, hash=False)
    units: Mapping[str, float] = field(default_factory=lambda: dict(UNITS), hash=False)
    cash: bool = False
    name: str = "demo"


WEBHOOK_SECRET = "whsec_ZGVtby1zZWNyZXQtb2YtY2FsbGJhY2tz"  # noqa: S105  the demo's own
FUNCTION_NAMES = {
    "kling_video": "kling-v1-6",
    "kling_extend": "kling-v1-6",
    "kling_effects": "kling-v1-6",
    "kling_lip_sync": "kling-v1-6",
    "kling_virtual_try_on": "kolors-virtual-try-on-v1-5",
    "kling_image": "kling-v2",
    "kling_image_expand": "kling-v2",
}
ACCOUNTS = (
    Account("demo-access", "official", secret="demo-secret-that-signs-for-nothing"),  # noqa: S106  the demo's own
    Account("demo-api-key", "official", webhook_secret=WEBHOOK_SECRET),
    Account("demo-lenient-key", "official", lenient=True),
    Account("sk-demo-generic", "generic"),
    Account("sk-demo-newapi", "newapi"),
    Account("sk-demo-prefixed", "prefixed"),
    Account("sk-demo-aliases", "prefixed", aliases=FUNCTION_NAMES),
    Account("sk-demo-crazyrouter", "crazyrouter"),
    Account("sk-demo-omnimaas", "omnimaas"),
    Account("sk-demo-flat", "flat"),
)


def keys(accounts: Iterable[Account] = ACCOUNTS) -> dict[str, str]:
    """A key for each dialect, as one pastes it into a configuration: `access|secret` or the key itself."""
    found: dict[str, str] = {}
    for account in accounts:
        # The newer standard takes no tokens: its key is the first official one without a secret.
        plain = account.dialect == "official" and not account.secret
        dialect = "unified" if plain else account.dialect
        found.setdefault(dialect, f"{account.key}|{account.secret}" if account.secret else account.key)
    return found


def signed_in(accounts: Iterable[Account], header: str | None, now: float) -> Account:
    """The account that the header proves. `now` is in seconds.

    Raises:
        Refusal: 1001 without a header, 1003 and 1004 for a token too early or too late, 1002 otherwise.

    """
    if not header:
        raise Refusal(1001)
    bearer = header.startswith("Bearer ")
    token = header.removeprefix("Bearer ")
    accounts = tuple(accounts)
    for account in accounts:
        if not account.secret and _same_key(account, token) and (bearer or account.dialect in RAW_KEYS):
            return account
    if bearer and token.count(".") == 2:
        return _signed(accounts, token, now)
    raise Refusal(1002)


def is_token(header: str) -> bool:
    """Whether the header holds a signed token rather than a key."""
    return header.count(".") == 2


def _same_key(account: Account, token: str) -> bool:
    if account.dialect in RAW_KEYS:
        return token.removeprefix("sk-") == account.key.removeprefix("sk-")
    return token == account.key


def _signed(accounts: tuple[Account, ...], token: str, now: float) -> Account:
    try:
        head = jwt.get_unverified_header(token)
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except jwt.InvalidTokenError:
        raise Refusal(1002) from None
    account = next((account for account in accounts if account.secret and account.key == issuer), None)
    if account is None or head.get("alg") != "HS256" or head.get("typ") != "JWT":
        raise Refusal(1002)
    # The clock is ours, and short secrets are the vendor's choice.
    options: Any = {"verify_exp": False, "verify_nbf": False, "enforce_minimum_key_length": False}
    try:
        claims = jwt.decode(token, account.secret, algorithms=["HS256"], options=options)
    except jwt.InvalidTokenError:
        raise Refusal(1002) from None
    starts, ends = claims.get("nbf"), claims.get("exp")
    if type(starts) is not int or type(ends) is not int:
        raise Refusal(1002, "Authorization must hold exp and nbf as whole seconds")
    if starts > now:
        raise Refusal(1003)
    if ends <= now:
        raise Refusal(1004)
    return account

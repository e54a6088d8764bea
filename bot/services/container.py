"""The services that handlers may call, in one typed place."""

from dataclasses import dataclass

from bot.clock import Clock
from bot.services.accounts import Accounts
from bot.services.compose import Compose
from bot.services.links import Links
from bot.services.providers import Providers
from bot.services.results import Results
from bot.services.status import Status
from bot.services.submit import Submit


@dataclass(frozen=True, slots=True)
class Services:
    """What a handler can ask for. `stale_after` is in milliseconds: older commands are asked about first."""

    compose: Compose
    submit: Submit
    results: Results
    links: Links
    accounts: Accounts
    status: Status
    providers: Providers
    clock: Clock
    stale_after: int

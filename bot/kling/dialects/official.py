"""Kling's own API, `/v1/videos/*` with the model in the body. Pure.

kling.ai/document-api: "Text to Video", "Image to Video", "Callback", "Account information". A task can
be asked for by our own `external_task_id`, and a second submission with the same one is refused (1201,
"already exists"): together they make a submission safe to settle after a lost answer.
"""

from collections.abc import Mapping

from bot.domain.units import DAY
from bot.kling.dialects import answers
from bot.kling.dialects.profile import Native, Profile
from bot.kling.dialects.reading import clean, text_of
from bot.kling.outcomes import Unavailable
from bot.kling.wire import HttpRequest, HttpResponse

PROFILE = Profile(
    name="official",
    missing_models=frozenset({"kling-v3-turbo"}),
    looks_up=True,
    lists=True,
    advanced_lip_sync=True,
    library=True,
)

COSTS_SINCE = 365 * DAY
"""How far back resource packs are asked for (milliseconds)."""


class Official(Native):
    """The official dialect, whose probe also tells what is left of the account."""

    def __init__(self, profile: Profile = PROFILE) -> None:
        super().__init__(profile)

    def probe(self, now_ms: int) -> HttpRequest:
        """Ask for the resource packs: free, at most one question a second."""
        query = {"start_time": str(max(0, now_ms - COSTS_SINCE)), "end_time": str(now_ms)}
        return HttpRequest("GET", "/account/costs", query=query)

    def parse_probe(self, response: HttpResponse) -> str:
        """Read what is left of the packs that can be used now; the answer is wrapped twice."""
        account = answers.data(response)
        if not isinstance(account, Mapping):
            raise Unavailable("the answer is not about an account", code=str(response.status))
        packs = account.get("resource_pack_subscribe_infos")
        usable = [
            f"{clean(pack.get('resource_pack_name')) or 'pack'}: {_amount(pack)} left"
            for pack in (packs if isinstance(packs, list) else ())
            if isinstance(pack, Mapping) and text_of(pack.get("status")) == "online"
        ]
        return "; ".join(usable) if usable else "the key is accepted; no resource pack in use"


def _amount(pack: Mapping[str, object]) -> str:
    amount = pack.get("remaining_quantity")
    return f"{amount:g}" if isinstance(amount, (int, float)) else text_of(amount) or "an unknown amount"


OFFICIAL = Official()

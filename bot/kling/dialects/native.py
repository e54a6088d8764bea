"""Dialects with Kling's own bodies: the official API, gateways that keep them under a prefix, and flat proxies. Pure.

Official: `/v1/videos/*` with the model in the body. kling.ai/document-api: "Text to Video", "Image to Video",
"Callback", "Account information". A task can be asked for by our own `external_task_id`, and a second submission
with the same one is refused (1201, "already exists"): together they make a submission safe to settle after a lost
answer.
"""

from collections.abc import Mapping

from bot.domain.outside import word_of
from bot.domain.requests.operations import Operation
from bot.domain.types import DAY
from bot.kling.dialects import responses
from bot.kling.dialects.bodies import BodyFormat
from bot.kling.dialects.error_codes import amount, clean
from bot.kling.dialects.profile import FRAMES, PATHS, Profile, ProfileDialect
from bot.kling.errors import Unavailable
from bot.kling.wire import HttpRequest, HttpResponse

PROFILE = Profile(
    name="official",
    has_newer_models=False,
    supports_lookup=True,
    supports_list=True,
    advanced_lip_sync=True,
    operations=frozenset(Operation),
    default_operations=frozenset(Operation),
)

MOST_PACKS = 20
"""Resource packs that are told of."""

COSTS_SINCE = 365 * DAY
"""How far back resource packs are asked for (milliseconds)."""


class Official(ProfileDialect):
    """The official dialect, whose probe also tells what is left of the account."""

    def __init__(self, profile: Profile = PROFILE) -> None:
        super().__init__(profile)

    def probe(self, now_ms: int) -> HttpRequest:
        """Ask for the resource packs: free, at most one question a second."""
        query = {"start_time": str(max(0, now_ms - COSTS_SINCE)), "end_time": str(now_ms)}
        return HttpRequest("GET", "/account/costs", query=query)

    def parse_probe(self, response: HttpResponse) -> str:
        """Read what is left of the packs that can be used now; the answer is wrapped twice."""
        account = responses.data(response)
        if not isinstance(account, Mapping):
            raise Unavailable("the answer is not about an account", code=str(response.status))
        packs = account.get("resource_pack_subscribe_infos")
        usable = [
            f"{clean(pack.get('resource_pack_name')) or 'pack'}: {_amount(pack)} left"
            for pack in (packs if isinstance(packs, list) else ())
            if isinstance(pack, Mapping) and word_of(pack.get("status")) == "online"
        ][:MOST_PACKS]
        return "; ".join(usable) if usable else "the key is accepted; no resource pack in use"


def _amount(pack: Mapping[str, object]) -> str:
    left = pack.get("remaining_quantity")
    return f"{left:g}" if isinstance(left, float) else amount(left) or "an unknown amount"


OFFICIAL = Official()


PREFIXED = ProfileDialect(
    Profile(
        name="prefixed",
        prefix="/kling",
        # new-api takes these two; its forks and others take more.
        default_operations=FRAMES,
        style=BodyFormat(image_ratio=True, needs_mode=True, try_on=True),
        needs_prompt=True,
    )
)
"""Gateways under `/kling/v1/videos/*`. Answers come in Kling's envelope, as OpenAI's video object, or as the gateway's
own row: all are read. They hand `external_task_id` on and cannot be asked for it, and they want a prompt beside an
image too (new-api, middleware/kling_adapter.go)."""


FLAT = ProfileDialect(
    Profile(
        name="flat",
        # Several pictures go to the same place as one.
        paths={Operation.REFERENCES_TO_VIDEO: PATHS[Operation.IMAGE_TO_VIDEO]},
        operations=frozenset(
            {Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO, Operation.REFERENCES_TO_VIDEO}
        ),
        style=BodyFormat(
            durations="integer", needs_mode=True, image_ratio=True, images="strings", camera="value"
        ),
        modes=("std", "pro"),
        sound=False,
        supports_external_id=False,
    )
)
"""Proxies with Kling's own paths and answers without an envelope. Seconds are integers, seven ratios are documented,
`mode` is required, errors are HTTP statuses, and `completed` is the word for success."""

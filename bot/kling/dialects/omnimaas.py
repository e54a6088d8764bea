"""OmniMaaS: `/v1/video/generations` with a ratio for a size, a list of images, metadata as text. Pure.

Its models carry the mode in their name (`kling-v2-5-turbo-pro`). How it reports failures is not
documented: whatever a gateway is known to answer is read.
"""

import json
from typing import Any

from bot.domain.requests.request import VideoRequest
from bot.kling.dialects.bodies import base64_of
from bot.kling.dialects.generic import SIZES, Generic, metadata
from bot.kling.wire import HttpRequest, SubmitContext

FOLDED = frozenset({"kling-v2-5-turbo"})
"""Models that are offered once for each mode, under two names."""


class Omnimaas(Generic):
    """The OmniMaaS dialect."""

    name = "omnimaas"

    def unsupported(self, request: VideoRequest) -> tuple[str, ...]:
        """Name the fields of `request` that this wire format cannot express, empty if none."""
        more = (("seed", request.seed is not None), ("count", request.count > 1))
        return super().unsupported(request) + tuple(field for field, missing in more if missing)

    def submit(self, request: VideoRequest, context: SubmitContext) -> HttpRequest:
        """Encode a submission."""
        body: dict[str, Any] = {
            "model": f"{request.model}-{request.mode}" if request.model in FOLDED else self._model(request),
            "prompt": request.prompt,
            "duration": request.duration,
        }
        if request.first_frame is not None:
            body["images"] = [base64_of(request.first_frame, context)]
        if request.aspect_ratio in SIZES:
            body["size"] = request.aspect_ratio
        fields = metadata(request, context)
        fields.pop("aspect_ratio", None)
        if request.model in FOLDED or request.model.endswith(("-std", "-pro")):
            fields.pop("mode", None)
        body["metadata"] = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
        return HttpRequest("POST", self._path, json=body)


OMNIMAAS = Omnimaas()

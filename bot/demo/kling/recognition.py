"""`POST /v1/videos/image-recognize`: what is in a picture, cut out of it; the answer is the result.

kling.ai/document-api, "Image Recognition" (2026-09).
"""

from functools import partial

from starlette.responses import Response

from bot.demo.kling.answers import ok
from bot.demo.kling.body import Body
from bot.demo.kling.orders import Picture
from bot.demo.kling.pictures import load
from bot.demo.kling.service import Call, Service
from bot.demo.media.stills import CUTS, StillSpec, render_still

UNITS = 0.1
"""Units of video for a call ("Pricing", video)."""


class Recognition(Body):
    """A picture to look into."""

    image: str


async def recognise(service: Service, call: Call) -> Response:
    """Cut out of a picture what the behaviour says is in it."""
    picture = Picture("image", call.read(Recognition).image)
    service.behaviour.before_submission()
    data = await load(picture, service.fetch)
    service.accounting.check_call(call.account, UNITS, service.now())
    images = []
    for kind in CUTS:
        contained = kind in service.behaviour.recognised
        url = ""
        if contained:
            spec = StillSpec(images=(data,), kind="cut", cut=kind)
            path = service.path(spec, "png")
            await service.pool.finish(path, partial(render_still, spec))
            url = f"{call.base}files/{path.name}"
        images.append({"type": kind, "is_contain": contained, "url": url})
    id = "".join(service.dice.choices("123456789", k=18))
    service.accounting.call(call.account, id, "Image Recognition", service.now(), UNITS)
    if service.behaviour.slow_answer:
        await service.sleep(service.behaviour.slow_answer)
    service.behaviour.after_submission()
    return ok({"task_result": {"images": images}, "final_unit_deduction": str(UNITS)})

"""With a thousand tasks running on one account, lists keep the questions few."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.domain.units import SECOND, UserId
from tests.services.test_poll import a_running_task
from tests.services.world import a_row, open_world, says

TASKS = 1_000
SECONDS = 30
ONE_EACH = TASKS * SECONDS // 5
"""Questions in that time where each task is asked for every 5 seconds."""


class Lister:
    """A provider whose tasks all run, and that answers pages of them."""

    def __init__(self) -> None:
        self.questions = 0
        self.app = Starlette(
            routes=[
                Route("/v1/videos/text2video", self._page),
                Route("/v1/videos/text2video/{name}", self._one),
            ]
        )

    async def _page(self, request: Request) -> Response:
        self.questions += 1
        size, page = int(request.query_params["pageSize"]), int(request.query_params["pageNum"])
        first = (page - 1) * size + 1
        return says([a_row(f"kling-{number}") for number in range(first, min(first + size, TASKS + 1))])

    async def _one(self, request: Request) -> Response:
        self.questions += 1
        return says(a_row(request.path_params["name"]))


async def test_a_thousand_tasks_cost_fifty_times_fewer_questions_than_one_each(tmp_path, record_property):
    lister = Lister()
    async with open_world(tmp_path, lister, rate=1_000.0) as world:
        for number in range(1, TASKS + 1):
            await a_running_task(world, number, user_id=UserId(number), price=0)
        for _ in range(SECONDS):
            await world.look()
            world.clock.advance(SECOND)
    record_property("fewer", ONE_EACH / lister.questions)
    assert lister.questions * 50 <= ONE_EACH

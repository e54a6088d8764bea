"""A pool of providers that can do everything that its models can, for tests of what is composed."""

from bot.domain.requests.request import Operation, VideoRequest


class Everything:
    """Answers as `bot.kling.pool.Pool` does of whom nothing is lacking; none has prices of its own."""

    def __init__(self, models: tuple[str, ...]) -> None:
        self._models = models

    def models(self) -> tuple[str, ...]:
        return self._models

    def operations(self) -> frozenset[Operation]:
        return frozenset(Operation)

    def unsupported(self, request: VideoRequest) -> None:
        return None

    def first_able(self, request: VideoRequest) -> None:
        return None

    def first_with(self, model: str) -> None:
        return None

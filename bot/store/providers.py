"""What is known of providers: what their answers taught, and of which retired models the admins were told."""

from collections.abc import Iterable, Sequence

from bot.domain.operations.records import PersonNotice
from bot.domain.tasks.learned import Learned
from bot.domain.types import Millis, ProviderName
from bot.store.engine import Subject, Transaction, mapper
from bot.store.notices import enqueue


class Providers(Subject):
    """Lessons hold for the settings of a provider that they were learned with, which a short text stands for."""

    async def list_learned(self, provider: ProviderName, settings: str) -> list[Learned]:
        """What was learned of a provider with these settings."""
        statement = """
            SELECT pack, model, lesson, number, believed_until FROM learned
            WHERE provider = :provider AND settings = :settings ORDER BY pack, model, lesson
        """
        return await self._read(lambda tx: tx.all(Learned, statement, provider=provider, settings=settings))

    async def save_learned(self, provider: ProviderName, settings: str, learned: Iterable[Learned]) -> None:
        """Keep what is now known of a provider, in place of all that was."""
        rows = [{"provider": provider, "settings": settings, **mapper.columns(row)} for row in learned]

        def work(tx: Transaction) -> None:
            tx.run("DELETE FROM learned WHERE provider = :provider", provider=provider)
            for row in rows:
                tx.insert("learned", row)

        await self._write(work)

    async def announce_retirement(
        self, provider: ProviderName, model: str, notices: Sequence[PersonNotice], now: Millis
    ) -> bool:
        """Enqueue the notices that a provider no longer has a model, once for both of them; False: they were before."""
        row = {"provider": provider, "model": model, "told_at": now}

        def work(tx: Transaction) -> bool:
            if not tx.insert("retirements", row, ignore=True):
                return False
            for notice in notices:
                enqueue(tx, notice, now)
            return True

        return await self._write(work)

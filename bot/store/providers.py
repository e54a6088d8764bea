"""What is known of providers: what their answers taught."""

from collections.abc import Iterable

from bot.domain.tasks.learned import Learned
from bot.domain.types import ProviderName
from bot.store.engine import Subject, Transaction, mapper


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

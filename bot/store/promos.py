"""Promo codes, and who has redeemed them."""

from bot.domain.credits.promos import PromoCode, PromoProblem, Redeemed, problem_with, redeemed_at
from bot.domain.tasks.task import LedgerRow
from bot.domain.types import AccountId, Millis, UserId
from bot.store.engine import Row, Subject, Transaction
from bot.store.lots import book

_GET = "SELECT * FROM promo_codes WHERE code = :code"


class PromoRefused(Exception):
    """The code gives this person nothing."""

    def __init__(self, problem: PromoProblem) -> None:
        super().__init__(problem)
        self.problem = problem


class Promos(Subject):
    """Promo codes."""

    async def get_made_by(self, idempotency_key: str) -> PromoCode | None:
        """The code that an audited operation made."""
        statement = """
            SELECT promo_codes.* FROM audit JOIN promo_codes ON promo_codes.code = audit.subject
            WHERE audit.idempotency_key = :operation
        """
        return await self._read(lambda tx: tx.one(PromoCode, statement, operation=idempotency_key))

    async def list_valid(self, now: Millis, limit: int) -> list[PromoCode]:
        """The codes that have not ended, the soonest to end first."""
        statement = "SELECT * FROM promo_codes WHERE ends_at > :now ORDER BY ends_at LIMIT :limit"
        return await self._read(lambda tx: tx.all(PromoCode, statement, now=now, limit=limit))

    async def redeem(self, code: str, user_id: UserId, now: Millis, idempotency_key: str) -> Redeemed:
        """Give a person the credits of a code, once; the same key gets the same answer again.

        The grant, the count and the note of who redeemed are one transaction. A person who was forgotten and comes
        back is known by their pseudonym.

        Raises:
            PromoRefused: it gives them nothing.

        """
        known = """
            SELECT at, idempotency_key FROM promo_uses
            WHERE code = :code AND user_id IN (:user, pseudonym(:user))
        """
        # The count decides who is the last one, also where two transactions run at once.
        count = """
            UPDATE promo_codes SET used = used + 1 WHERE code = :code AND used < uses AND ends_at > :now
            RETURNING *
        """

        def work(tx: Transaction) -> Redeemed:
            promo = tx.one(PromoCode, _GET, code=code)
            if promo is None:
                raise PromoRefused(PromoProblem.UNKNOWN)
            for use in tx.all(Row, known, code=code, user=user_id):
                if use["idempotency_key"] != idempotency_key:
                    raise PromoRefused(PromoProblem.REDEEMED)
                return redeemed_at(promo, use["at"])
            counted = tx.one(PromoCode, count, code=code, now=now)
            if counted is None:
                raise PromoRefused(problem_with(promo, now) or PromoProblem.USED_UP)
            use = {"code": code, "user_id": user_id, "at": now, "idempotency_key": idempotency_key}
            tx.insert("promo_uses", use)
            got = redeemed_at(counted, now)
            # The number of the use names the booking, and not the person: it outlives their name.
            row = LedgerRow.grant(
                AccountId.of_person(user_id),
                got.credits,
                now,
                f"promo:{code}:{counted.used}",
                expires_at=got.expires_at,
                note=code,
            )
            book(tx, row)
            return got

        return await self._write(work)


def add_promo(tx: Transaction, promo: PromoCode) -> None:
    """Save a new code."""
    tx.insert("promo_codes", promo)


def revoke_promo(tx: Transaction, code: str, now: Millis) -> bool:
    """End a code now; False: it is unknown or has ended."""
    statement = "UPDATE promo_codes SET ends_at = :now WHERE code = :code AND ends_at > :now"
    return bool(tx.run(statement, code=code, now=now))

"""Which of people's own videos are kept as files, whose they are, and when they were last used."""

from collections.abc import Sequence

from bot.domain.requests.request import VideoRef
from bot.domain.types import Millis, UserId
from bot.store.engine import Row, Subject, Transaction

_NEEDED = """
    SELECT part.atom FROM tasks, json_atoms(tasks.request) AS part
    WHERE tasks.state IN ('queued', 'submitting', 'unconfirmed', 'in_progress') AND length(part.atom) = 64
    UNION ALL
    SELECT part.atom FROM drafts, json_atoms(drafts.data) AS part WHERE length(part.atom) = 64
"""
"""The hashes of what drafts and living tasks name."""


class Videos(Subject):
    """A row for each file; a file without one is nobody's."""

    async def save(self, video: VideoRef, owner: UserId, most: int, now: Millis) -> bool:
        """Record a file that is there; a known one counts as used now and keeps its owner.

        One person's files may have `most` bytes in all: the oldest that nothing needs make room, and False is returned,
        and nothing recorded, where that is not enough.
        """

        def work(tx: Transaction) -> bool:
            known = tx.value("SELECT 1 FROM videos WHERE sha256 = :sha256", sha256=video.sha256)
            if not known and not _make_room(tx, owner, most - video.size):
                return False
            tx.run(
                """
                INSERT INTO videos (sha256, media_type, size, user_id, used_at)
                VALUES (:sha256, :media_type, :size, :owner, :now)
                ON CONFLICT (sha256) DO UPDATE SET
                    used_at = greatest(videos.used_at, excluded.used_at),
                    user_id = coalesce(videos.user_id, excluded.user_id)
                """,
                sha256=video.sha256,
                media_type=video.media_type,
                size=video.size,
                owner=owner,
                now=now,
            )
            return True

        return await self._write(work)

    async def list_kept(self, hashes: Sequence[str]) -> frozenset[str]:
        """Which of these are kept."""
        statement = "SELECT sha256 FROM videos WHERE sha256 = ANY (:hashes)"
        rows = await self._read(lambda tx: tx.all(Row, statement, hashes=hashes))
        return frozenset(row["sha256"] for row in rows)

    async def list_all(self) -> frozenset[str]:
        """The hashes of all."""
        rows = await self._read(lambda tx: tx.all(Row, "SELECT sha256 FROM videos"))
        return frozenset(row["sha256"] for row in rows)


def _make_room(tx: Transaction, owner: UserId, most: int) -> bool:
    """Forget a person's oldest files until they have `most` bytes; False: what is needed has more."""
    statement = (
        "SELECT sha256, size FROM videos INDEXED BY videos_of_user WHERE user_id = :owner ORDER BY used_at"
    )
    rows = tx.all(Row, statement, owner=owner)
    needed = {row["atom"] for row in tx.all(Row, _NEEDED)}
    total: int = sum(row["size"] for row in rows)
    for row in rows:
        if total <= most:
            break
        if row["sha256"] not in needed:
            tx.run("DELETE FROM videos WHERE sha256 = :sha256", sha256=row["sha256"])
            total -= row["size"]
    return total <= most

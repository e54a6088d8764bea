"""An index for how long a provider's newest tasks took, whatever they were."""

from sqlite_utils import Database


def apply(db: Database) -> None:
    """Create the index."""
    db.execute("CREATE INDEX tasks_took_lately ON tasks (provider, finished_at) WHERE state = 'succeeded'")

"""Every statement of `bot.store.sqlite.assets`; see `bot.store.sql` for the rules."""

ASSET = "SELECT * FROM assets WHERE id = ?"

ASSET_OF_UPDATE = "SELECT * FROM assets WHERE update_id = ?"

ASSET_OF_NAME = """
    SELECT 1 FROM assets INDEXED BY assets_named
    WHERE user_id = ? AND kind = ? AND folded_name = ? AND state NOT IN ('failed', 'deleting')
"""

COUNT_ASSETS = """
    SELECT count(*) FROM assets INDEXED BY assets_of_user
    WHERE user_id = ? AND kind = ? AND state NOT IN ('failed', 'deleting')
"""

ASSETS_OF = """
    SELECT * FROM assets INDEXED BY assets_of_user
    WHERE user_id = :user AND (:kind IS NULL OR kind = :kind) AND state NOT IN ('failed', 'deleting')
    ORDER BY kind, made_at, id
"""

ASSETS_KNOWN_AS = """
    SELECT * FROM assets INDEXED BY assets_known_as
    WHERE remote_id IN (SELECT value FROM json_each(?)) AND remote_id IS NOT NULL
"""

ANY_ASSET_DUE = "SELECT 1 FROM assets INDEXED BY assets_due WHERE due_at <= ? LIMIT 1"

CLAIM_ASSETS = """
    UPDATE assets SET due_at = :until, version = version + 1
    WHERE id IN (
        SELECT id FROM assets INDEXED BY assets_due WHERE due_at <= :now ORDER BY due_at LIMIT :limit
    )
    RETURNING *
"""

CHANGE_ASSET = """
    UPDATE assets SET
        state = :state, version = version + 1, due_at = :due_at, attempts = :attempts, looks = :looks,
        task_id = :task_id, remote_id = :remote_id, failure = :failure, failure_detail = :failure_detail,
        told = :told
    WHERE id = :id AND version = :version
    RETURNING *
"""

DROP_ASSET = "DELETE FROM assets WHERE id = ? AND version = ?"

RELEASE_ASSETS = "UPDATE assets INDEXED BY assets_due SET due_at = ? WHERE due_at > ?"

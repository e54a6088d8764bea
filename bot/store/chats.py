"""Groups that became supergroups: Telegram gives them another id, and numbers their messages anew."""

from bot.domain.tasks.task import LedgerKind, LedgerRow, Task
from bot.domain.types import AccountId, ChatId, Credits, Millis
from bot.store.credits import get_pool_account
from bot.store.drafts import Draft
from bot.store.engine import Subject, Transaction
from bot.store.lots import book, list_lots


class Chats(Subject):
    """The ids that groups had, and have."""

    async def move(self, old: ChatId, new: ChatId, now: Millis) -> list[Task]:
        """Give a group its new id wherever the old one stands; its active tasks that no message shows.

        Its tasks, drafts, waiting updates and credits go along. The ids of its messages are forgotten,
        for the new chat gives them to other messages. It may be told again, in any order, and changes nothing then.
        """
        unshown = """
            SELECT * FROM tasks INDEXED BY tasks_of_chat
            WHERE chat_id = :new AND status_message_id IS NULL
            AND state IN ('queued', 'submitting', 'unconfirmed', 'in_progress')
            ORDER BY sequence
        """

        def work(tx: Transaction) -> list[Task]:
            if old == new or new in list_former_ids(tx, old):
                return []
            for statement in NOTE:
                tx.run(statement, old=old, new=new)
            present = get_present_id(tx, new)
            for statement in MOVE:
                tx.run(statement, old=old, new=present)
            _move_credits(tx, old, new, now)
            return tx.all(Task, unshown, new=present)

        return await self._write(work)

    async def get_present_id(self, chat_id: ChatId) -> ChatId:
        """The id that a group has now."""
        return await self._read(lambda tx: get_present_id(tx, chat_id))

    async def list_former_ids(self, chat_id: ChatId) -> list[ChatId]:
        """The ids that a group had before, the last one first."""
        return await self._read(lambda tx: list_former_ids(tx, chat_id))

    async def list_unshown_drafts(self, chat_id: ChatId) -> list[Draft]:
        """The drafts of a chat that no message shows."""
        statement = "SELECT * FROM drafts WHERE chat_id = :chat AND message_id IS NULL ORDER BY user_id"
        return await self._read(lambda tx: tx.all(Draft, statement, chat=chat_id))


def get_present_id(tx: Transaction, chat_id: ChatId) -> ChatId:
    """See `Chats.get_present_id`."""
    statement, present = "SELECT moved_to FROM chats WHERE id = :chat", chat_id
    while (moved := tx.value(statement, chat=present)) is not None:
        present = ChatId(moved)
    return present


def list_former_ids(tx: Transaction, chat_id: ChatId) -> list[ChatId]:
    """See `Chats.list_former_ids`."""
    statement = "SELECT id FROM chats INDEXED BY chats_moved WHERE moved_to = :chat"
    found: list[ChatId] = []
    while (former := tx.value(statement, chat=found[-1] if found else chat_id)) is not None:
        found.append(ChatId(former))
    return found


def _move_credits(tx: Transaction, old: ChatId, new: ChatId, now: Millis) -> None:
    """Bring what was granted under the new id to the account of the group, which has the id that it had first."""
    account = get_pool_account(tx, new)
    for lot in list_lots(tx, AccountId.read(new), now):
        operation = f"moved:{old}:{lot.id}:{lot.left}"
        taken = LedgerRow.change(
            AccountId.read(new), LedgerKind.ADJUST, -lot.left, now, f"{operation}:adjust"
        )
        book(tx, taken, first=lot.id)
        given = LedgerRow.grant(account, Credits(lot.left), now, operation, expires_at=lot.expires_at)
        book(tx, given)


NOTE = (
    "DELETE FROM chats WHERE moved_to = :new AND id != :old",
    "INSERT INTO chats (id, moved_to) VALUES (:old, :new) ON CONFLICT (id) DO UPDATE SET moved_to = :new",
)

MOVE = (
    # What was to be put into a message of the old chat is announced anew.
    """
    UPDATE outbox SET message_id = NULL, place = NULL, in_album = 0, sends = 0
    WHERE task_id IN (SELECT id FROM tasks INDEXED BY tasks_of_chat WHERE chat_id = :old)
    """,
    "DELETE FROM task_messages WHERE chat_id = :old",
    """
    UPDATE tasks INDEXED BY tasks_of_chat SET
        chat_id = :new, message_id = NULL, thread_id = NULL, status_message_id = NULL
    WHERE chat_id = :old
    """,
    "UPDATE inbox INDEXED BY inbox_waiting SET chat_id = :new WHERE chat_id = :old AND processed_at IS NULL",
    # What the new id has already gives way to what moves there.
    """
    DELETE FROM drafts WHERE chat_id = :new
    AND user_id IN (SELECT moving.user_id FROM drafts AS moving WHERE moving.chat_id = :old)
    """,
    "UPDATE drafts SET chat_id = :new, message_id = NULL WHERE chat_id = :old",
    # A question goes with the message that asked it.
    "DELETE FROM questions WHERE chat_id = :old",
)
"""In this order: the outbox is found by the chat that its tasks still have."""

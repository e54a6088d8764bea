"""Hands out the sound of a voice that is being made: providers fetch it and take no data in its place."""

import hashlib
import hmac

from bot.domain.requests.operations import Operation
from bot.domain.tasks.task import ACTIVE_STATES, Task, TaskState
from bot.domain.types import TaskId
from bot.store import Store

_HANDED_OUT = ACTIVE_STATES - {TaskState.QUEUED}


class VoiceSounds:
    """Where sounds are fetched.

    `public_url` is the bot's own address without a slash at its end; empty: nobody can fetch anything. `secret` keys
    what makes an address unguessable.
    """

    def __init__(self, *, store: Store, public_url: str, secret: str) -> None:
        self._store = store
        self._public_url = public_url
        self._secret = secret

    def address(self, task: Task) -> str:
        """Where a provider fetches the sound of a voice while it is made; empty where it is made of none."""
        speech = task.request.speech
        if task.request.operation is not Operation.VOICE or speech is None:
            return ""
        return f"{self._public_url}/sound/{task.id}/{self._tag(task.id)}.mp3"

    async def find(self, task_id: str, tag: str) -> bytes | None:
        """The sound behind such an address; None where there is none, or not any more."""
        if not hmac.compare_digest(tag.encode(), self._tag(task_id).encode()):
            return None
        task = await self._store.tasks.get(TaskId(task_id))
        speech = None if task is None or task.state not in _HANDED_OUT else task.request.speech
        if speech is None or speech.audio is None:
            return None
        return (await self._store.drafts.get_attachments([speech.audio])).get(speech.audio.sha256)

    def _tag(self, task_id: str) -> str:
        return hmac.new(self._secret.encode(), f"sound:{task_id}".encode(), hashlib.sha256).hexdigest()

"""Gets hold of what an order refers to (pictures, videos, recordings, faces, elements) and checks each of them."""

import asyncio
import base64
import binascii
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from bot.demo.kling.accounts import Account
from bot.demo.kling.fields import is_address
from bot.demo.kling.library import Library
from bot.demo.kling.orders import Edited, Film, Order, Recording
from bot.demo.kling.pictures import Fetch, check_masks, load
from bot.demo.kling.refusals import forbid, invalid
from bot.demo.kling.tasks import TaskRegistry
from bot.demo.media.films import Footage, footage, sound_seconds
from bot.demo.media.render import RenderSpec

EXTENSION_SECONDS = 5
LONGEST_EXTENDED = 180
LONGEST_TOGETHER = 30
SELECTION_LASTS = 24 * 3600
"""Seconds in which a video that was opened can be changed."""

GAP = (5, 7)
"""Seconds between which no video that is to be changed may last."""

SHAPE_SLACK = 0.02
"""The part by which a shape may differ: encoders round sides."""

SLACK = 0.5
"""Seconds by which an encoded file may be longer than what was asked for."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A video to go on from: what renders it, its length in seconds, the task that made it."""

    spec: RenderSpec
    seconds: float
    parent: str | None = None


@dataclass
class Selection:
    """A video that was opened to be changed: whose, since when (seconds), and the points that are marked, by frame."""

    owner: str
    scene: Scene
    seen: Footage
    opened_at: float
    points: dict[int, list[tuple[float, float]]] = field(default_factory=dict)

    @property
    def frames(self) -> int:
        """How many frames the video has."""
        return max(1, round(self.seen.seconds * self.seen.rate))


@dataclass
class Inputs:
    """What orders may refer to. `sounds` are spoken texts by id, with the account's key."""

    registry: TaskRegistry
    fetch: Fetch
    dice: random.Random
    now: Callable[[], float]
    library: Library = field(default_factory=Library)
    sounds: dict[str, tuple[str, float]] = field(default_factory=dict)
    _sessions: dict[str, tuple[str, Scene, Mapping[str, tuple[int, int]]]] = field(default_factory=dict)
    _selections: dict[str, Selection] = field(default_factory=dict)

    async def resolved(self, account: Account, order: Order) -> Order:
        """The order with all loaded that it refers to; refused is what does not exist, or is not as documented."""
        for element in order.elements:
            self.library.elements.check(element, account.key)
        self.library.check_characters(order)
        for voice in order.voices:
            self.library.voices.check(voice, account.key)
        order = replace(order, images=tuple([await load(picture, self.fetch) for picture in order.pictures]))
        await asyncio.to_thread(check_masks, order)
        heard = None if order.recording is None else await self.heard(account, order.recording)
        scene = None if order.film is None else await self.scene(account, order.film)
        together = 0 if scene is None else scene.seconds
        for film in order.more_films:
            together += (await self.scene(account, film)).seconds
        forbid(
            bool(order.more_films) and together > LONGEST_TOGETHER + SLACK, "the videos are too long together"
        )
        if order.face is not None:
            scene = self._faced(account, order, heard or 0)
        if order.edited is not None:
            scene = self._edited(account, order.edited)
        if scene is not None:
            order = replace(order, source=scene.spec, parent=scene.parent)
        return replace(order, seconds=_length(order, scene, heard))

    # -- videos ----------------------------------------------------------------------------------------

    async def scene(self, account: Account, film: Film) -> Scene:
        """The video that was sent; refused is one that does not exist, or is not as documented."""
        if film.made_here:
            task = self.registry.video(account, film.value)
            if film.models and task.order.model not in film.models:
                raise invalid(f"{film.name}: videos of model {task.order.model} are not supported")
            if film.operations and task.order.operation not in film.operations:
                raise invalid(f"{film.name}: videos of {task.order.operation} are not supported")
            _within(film.name, task.order.seconds, film.seconds)
            return Scene(task.order.video(), task.order.seconds, task.id)
        forbid(not is_address(film.value), f"{film.name} must be an http or https address")
        try:
            data = await self.fetch(film.value, film.heaviest)
            seen = await asyncio.to_thread(footage, data)
        except (OSError, ValueError) as error:
            raise invalid(f"{film.name}: {error}") from None
        _within(film.name, seen.seconds, film.seconds)
        made_here = self._made_here(account, film.value)
        if made_here is not None:
            return made_here
        if not film.side[0] <= min(seen.width, seen.height) <= max(seen.width, seen.height) <= film.side[1]:
            raise invalid(f"{film.name} must have {film.side[0]} to {film.side[1]} pixels a side")
        forbid(not film.rate[0] <= seen.rate <= film.rate[1], f"{film.name}: the frame rate is not supported")
        shaped = film.ratio[0] <= seen.width / seen.height <= film.ratio[1]
        forbid(not shaped or seen.width * seen.height > film.area, f"{film.name}: the size is not supported")
        strange = all(abs(seen.width / seen.height / shape - 1) > SHAPE_SLACK for shape in film.shapes)
        forbid(bool(film.shapes) and strange, f"{film.name}: the aspect ratio is not supported")
        return _foreign(seen)

    def _made_here(self, account: Account, address: str) -> Scene | None:
        name = Path(urlsplit(address).path).name
        for task in self.registry.of(account):
            if task.order.product == "video" and any(path.name == name for path in task.files):
                return Scene(task.order.video(), task.order.seconds, task.id)
        return None

    # -- faces -----------------------------------------------------------------------------------------

    def remember(self, account: Account, scene: Scene, faces: Mapping[str, tuple[int, int]]) -> str:
        """Open a session for the faces of a video, by when each is seen (from, to: milliseconds); its id."""
        session = "".join(self.dice.choices("123456789", k=18))
        self._sessions[session] = (account.key, scene, faces)
        return session

    def _faced(self, account: Account, order: Order, heard: float) -> Scene:
        face = order.face
        assert face is not None  # noqa: S101  asked for only with one
        owner, scene, faces = self._sessions.get(face.session, ("", None, {}))
        if scene is None or owner != account.key:
            raise invalid(f"session_id {face.session} does not exist")
        forbid(face.face not in faces, f"face_id {face.face} does not exist")
        forbid(face.sound_ends > (heard + SLACK) * 1000, "sound_end_time is later than the end of the sound")
        forbid(face.sound_ends - face.sound_starts < 2000, "the cropped sound must have at least 2 seconds")
        end = face.inserted_at + face.sound_ends - face.sound_starts
        if end > (scene.seconds + SLACK) * 1000:
            raise invalid("the sound must end before the video does")
        seen_from, seen_to = faces[face.face]
        common = min(end, seen_to) - max(face.inserted_at, seen_from)
        forbid(common < 2000 - SLACK * 1000, "the sound and the face must have at least 2 seconds in common")
        return scene

    # -- what is changed in a video --------------------------------------------------------------------

    def open(self, selection: Selection) -> str:
        """Open a session for what is to be marked in a video; its id."""
        session = "".join(self.dice.choices("123456789", k=18))
        self._selections[session] = selection
        return session

    def selection(self, account: Account, session: str) -> Selection:
        """The session of an account; refused is one that does not exist, or not any more."""
        found = self._selections.get(session)
        if found is None or found.owner != account.key or self.now() - found.opened_at > SELECTION_LASTS:
            raise invalid(f"session_id {session} does not exist")
        return found

    def _edited(self, account: Account, edited: Edited) -> Scene:
        found = self.selection(account, edited.session)
        forbid(edited.mode != "addition" and not found.points, f"{edited.mode} needs a selection")
        long = found.scene.seconds > GAP[0] + SLACK
        forbid(long is not (edited.seconds > GAP[0]), "duration does not fit the length of the video")
        return found.scene

    # -- recordings ------------------------------------------------------------------------------------

    async def heard(self, account: Account, recording: Recording) -> float:
        """The seconds of a recording; refused is one that is not as documented."""
        seconds = await self._seconds(account, recording)
        _within(recording.name, seconds, recording.seconds)
        return seconds

    async def _seconds(self, account: Account, recording: Recording) -> float:
        if recording.made_here:
            owner, seconds = self.sounds.get(recording.value, ("", 0.0))
            forbid(owner != account.key, f"{recording.name} {recording.value} does not exist")
            return seconds
        try:
            if is_address(recording.value):
                data = await self.fetch(recording.value, recording.heaviest)
            else:
                data = base64.b64decode(recording.value, validate=True)
            if len(data) > recording.heaviest:
                raise invalid(f"{recording.name} is larger than {recording.heaviest // 1_000_000} MB")
            return await asyncio.to_thread(sound_seconds, data)
        except binascii.Error:
            raise invalid(f"{recording.name} is neither an address nor Base64") from None
        except (OSError, ValueError) as error:
            raise invalid(f"{recording.name}: {error}") from None


def _length(order: Order, scene: Scene | None, heard: float | None) -> float:
    if order.length == "recording" and heard is not None:
        return round(heard, 1)
    if order.length == "own" or scene is None:
        return order.seconds
    if order.length == "film":
        return round(scene.seconds, 1)
    longer = scene.seconds + EXTENSION_SECONDS
    forbid(longer > LONGEST_EXTENDED, f"the video would be longer than {LONGEST_EXTENDED} seconds")
    return longer


def _foreign(seen: Footage) -> Scene:
    return Scene(RenderSpec(prompt="", seconds=seen.seconds, images=(seen.frame,)), seen.seconds)


def _within(name: str, seconds: float, allowed: tuple[float, float]) -> None:
    if not allowed[0] <= seconds <= allowed[1] + SLACK:
        raise invalid(f"{name} must last {allowed[0]:g} to {allowed[1]:g} seconds")

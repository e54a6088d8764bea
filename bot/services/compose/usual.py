"""What a person gets where they say nothing: the usual model and mode, or the first that can do it."""

from collections.abc import Iterator

from bot.domain.requests.choices import Preferences
from bot.domain.requests.model import Model
from bot.domain.requests.naming import ASSETS
from bot.domain.requests.operations import Operation
from bot.domain.requests.options import Options
from bot.services.compose.inputs import Images
from bot.services.compose.offered import Capabilities, fitting
from bot.settings import sections

NOTHING_PREFERRED = Preferences()


class Usual(Capabilities):
    """What is on offer, in the order in which it is chosen."""

    def _usual_for(self, preferences: Preferences) -> sections.Models:
        """What a person gets where they say nothing: what they prefer, else what the operator chose."""
        offered, mine = self._pool.models(), self._defaults
        defaults = {
            "default": self.replacement(preferences.model or "")
            or self.replacement(mine.default)
            or offered[0],
            "default_mode": preferences.mode or mine.default_mode,
            "default_duration": preferences.duration or mine.default_duration,
            "default_aspect_ratio": preferences.aspect_ratio or mine.default_aspect_ratio,
        }
        return mine.model_copy(update=defaults)

    def wanted_model(self, said: Options, preferences: Preferences, *, of_images: bool = False) -> str:
        """The model that was typed, else the preferred one, on offer or not, else the usual one."""
        if "model" in said:
            return str(said["model"])
        if of_images:
            return preferences.image_model or self._image_rows(None, preferences)[0].id
        return preferences.model or self._usual_for(preferences).default

    def _model(self, images: Images, defaults: sections.Models) -> str:
        """The usual model, or the first on offer that does what the pictures are for."""
        able = []
        for row in self._in_turn(defaults):
            takes_frames = (
                (images.last is None or row.end_frame)
                and len(images.middle) <= row.middle_frames
                and (images.first is not None or not images.frames or row.frames_alone)
            )
            if takes_frames and operation_with(row, images) in row.operations:
                if len(images.references) <= row.references:
                    return row.id
                able.append(row)
        # Where none takes so many pictures, the one that takes most says so.
        return max(able, key=lambda row: row.references).id if able else defaults.default

    def _with_others(
        self, images: Images, said: Options, defaults: sections.Models, features: int
    ) -> str | None:
        """The usual model, or the first on offer, that takes so many videos, and the elements or the voice that were named."""
        if not names_assets(said) and not features:
            return None
        for row in self._in_turn(defaults):
            operation = operation_with(row, images, has_others=True)
            fits = operation in row.operations and len(images.references) <= row.references
            fits = fits and features <= row.features
            elements = row.elements if operation is not Operation.TEXT_TO_VIDEO else 0
            speaks = not {"voice", "voices"} & said.keys() or operation in row.voices
            if fits and len(said.get("elements", ())) <= elements and speaks:
                return row.id
        return None

    def _image_rows(self, model: str | None, preferences: Preferences) -> list[Model]:
        """The image model that was named, or all that may be used, the preferred one first."""
        rows = self.image_rows() or self._catalog.section("images")
        if model is not None:
            named = self._catalog.image(model)
            return [row for row in rows if row.id == model] or ([] if named is None else [named])
        return sorted(rows, key=lambda row: row.id != preferences.image_model)

    def _in_turn(self, defaults: sections.Models) -> Iterator[Model]:
        """What the usual model can do with each provider, then what the others on offer can."""
        for model in dict.fromkeys((defaults.default, *self._pool.models())):
            yield from self.rows_of(model)

    def _mode(self, row: Model, images: Images, defaults: sections.Models) -> str:
        """The usual mode, or the first that takes an end frame where there is one."""
        return fitting(defaults.default_mode, (images.last is not None and row.end_frame) or row.modes)


def operation_with(row: Model, images: Images, *, has_others: bool = False) -> Operation:
    """What a model is asked for with some pictures, and with elements, voices or videos to refer to."""
    return row.operation_for(frames=images.frames, references=len(images.references), others=has_others)


def names_assets(said: Options) -> bool:
    """Whether elements or voices were typed or named; a voice without a name is the first."""
    return "voice" in said or any(said.get(name) for name in ASSETS)

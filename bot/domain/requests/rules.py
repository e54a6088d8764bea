"""The rules of what a model can do, as one table, and what follows from it. Pure.

`broken` finds the first rule that a request breaks, `fit` changes as little of the request as makes it keep to all of
them. Plans have rules of the same form; what a provider cannot write is a `Limit`.
"""

import math
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from bot.domain.requests.camera import can_be_words, has_field
from bot.domain.requests.films import FILM_CHECKS, FilmCheck, FilmLimits
from bot.domain.requests.model import BRUSH_SECONDS, Counted, JointLimit, Model
from bot.domain.requests.operations import COMPOSED, IMAGE_MODEL_OPERATIONS, Operation, Product, Role
from bot.domain.requests.options import BY_FIELD, LONGEST_DUBBED, ROWS, OptionRow, is_set
from bot.domain.requests.references import dangling, is_crowded, length_of
from bot.domain.requests.request import EDIT_MODES, EDIT_PHOTOS, SHOT_LIMIT, EditMode, Face, GenerationRequest
from bot.domain.types import SECOND

T = TypeVar("T")

GAP_SLACK = 0.2
"""Seconds by which a video may be in a gap: one of 5 seconds that was made by Kling has up to 5.1."""

LONGEST_FOR_AN_IMAGE = 10
"""Seconds of movement for a person who faces as in the picture (Kling API, motion-control)."""

SHORTEST_SPOKEN = 2_000
"""Milliseconds that a speech and a face must have in common (Kling API, advanced-lip-sync)."""

SOURCE_SLACK = 0.5
"""Seconds by which a video may be longer or shorter than what was asked for: it is encoded in whole frames."""


@dataclass(frozen=True, slots=True)
class Rule(Generic[T]):
    """What a request must keep to. The subject is a model's row, a plan or whatever else sets limits.

    `error` is the key of the text that refuses a request, `fields` are what of the request it is about, `details` the
    parameters of the text. `ability` is the column of `Model` that says which models can do what the first field asks for;
    `is_joint`: only all rules together say which can.
    """

    error: str
    fields: tuple[str, ...]
    is_broken: Callable[[T, GenerationRequest], bool]
    details: Callable[[T, GenerationRequest], Mapping[str, object]] = lambda *_: {}
    ability: str = ""
    is_joint: bool = False


def broken(rules: Iterable[Rule[T]], subject: T, request: GenerationRequest) -> Rule[T] | None:
    """The first rule that the request breaks; None where it keeps to all."""
    return next((rule for rule in rules if rule.is_broken(subject, request)), None)


# -- the rules of models -----------------------------------------------------------------------------


def _allowed(field: str, column: str) -> Callable[[Model, GenerationRequest], Mapping[str, object]]:
    """What a refused choice was, and what the model has."""
    return lambda row, request: {
        "value": getattr(request, field),
        "allowed": numbers(values)
        if isinstance((values := getattr(row, column))[0], int)
        else ", ".join(values),
    }


def _ability_rule(option: OptionRow) -> Rule[Model]:
    """The rule that only models with its ability can do what an option asks for."""
    return Rule(
        f"error.model.{option.ability}",
        (option.field,),
        lambda row, request: is_set(request, option.field) and row.modes_for(option.ability) is None,
        ability=option.ability,
    )


def _joint_rule(error: str, is_about: Callable[[JointLimit], bool]) -> Rule[Model]:
    """The rule of some joint limits, which are columns of the model's row."""

    def passed(row: Model, request: GenerationRequest) -> JointLimit | None:
        return next(
            (limit for limit in row.inputs if is_about(limit) and _is_passed(row, limit, request)), None
        )

    def details(row: Model, request: GenerationRequest) -> Mapping[str, object]:
        limit = passed(row, request) or JointLimit()
        found = [name for name in limit.of if count_input(request, name)]
        return {
            "limit": limit.most,
            "number": sum(count_input(request, name) for name in limit.of),
            "inputs": ", ".join(found),
            "others": ", ".join(limit.when or limit.unless),
        }

    fields = ("references", "elements", "voices", "sound", "auto_shots", "shots", "last_frame")
    return Rule(error, fields, lambda row, request: passed(row, request) is not None, details, is_joint=True)


def count_input(request: GenerationRequest, name: Counted) -> int:
    """How many of something that joint limits count a request has."""
    if name == "frames":
        return request.number(Role.FRAMES)
    if name in {"image_elements", "video_elements"}:
        filmed = len(set(request.elements) & set(request.video_elements))
        return filmed if name == "video_elements" else len(request.elements) - filmed
    value = getattr(request, name)
    return len(value) if isinstance(value, tuple) else int(value is not None and value is not False)


def _holds(row: Model, limit: JointLimit, request: GenerationRequest) -> bool:
    return (
        (row.strict or not limit.disputed)
        and limit.operation in {None, request.operation}
        and all(count_input(request, name) for name in limit.when)
        and not any(count_input(request, name) for name in limit.unless)
    )


def _is_passed(row: Model, limit: JointLimit, request: GenerationRequest) -> bool:
    return (
        bool(limit.of)
        and _holds(row, limit, request)
        and (sum(count_input(request, name) for name in limit.of) > limit.most)
    )


def durations_of(row: Model, request: GenerationRequest) -> Sequence[int]:
    """The seconds that a model can make of what a request has."""
    limits = [limit.durations for limit in row.inputs if limit.durations and _holds(row, limit, request)]
    found = [seconds for seconds in row.durations if all(seconds in durations for durations in limits)]
    return found or row.durations


def _lasts(row: Model, request: GenerationRequest) -> bool:
    """Whether a model makes what lasts as long as a request asks for."""
    durations = durations_of(row, request)
    between = row.every_tenth and min(durations) <= request.duration <= max(durations)
    return between or request.duration in durations


def _film_rule(check: FilmCheck) -> Rule[Model]:
    """The rule that a person's own video keeps to one of the limits of what is made of it."""
    return Rule(
        check.error,
        ("source",),
        lambda row, request: any(
            check.is_beyond(_film_limits(row, request), film) for film in request.videos
        ),
        lambda row, request: check.details(_film_limits(row, request)),
    )


def _speaking(request: GenerationRequest) -> Sequence[Face]:
    """The faces of a video that may speak: the chosen one, or all; none where they were not looked for."""
    found = () if request.faces is None else request.faces.found
    return found if request.face is None else found[request.face - 1 : request.face]


def _latest_speech(request: GenerationRequest) -> int:
    """The moment of a video, in milliseconds, at which a face must speak at the latest."""
    return max((face.end for face in _speaking(request)), default=0) - SHORTEST_SPOKEN


_OF_SPEECH: tuple[Rule[Model], ...] = (
    Rule(
        "error.request.speech_too_long",
        ("speech",),
        lambda _, request: (
            request.operation is Operation.LIP_SYNC
            and request.speech is not None
            and request.speech.seconds > LONGEST_DUBBED
        ),
        lambda _, request: {
            "seconds": 0 if request.speech is None else math.ceil(request.speech.seconds),
            "limit": LONGEST_DUBBED,
        },
    ),
    Rule(
        "error.source.no_such_face",
        ("face",),
        lambda _, request: request.faces is not None and request.face is not None and not _speaking(request),
        lambda _, request: {"number": 0 if request.faces is None else len(request.faces.found)},
    ),
    Rule(
        "error.source.face_short",
        ("face",),
        lambda _, request: (
            bool(faces := _speaking(request))
            and all(face.end - face.begin < SHORTEST_SPOKEN for face in faces)
        ),
    ),
    Rule(
        "error.source.speech_late",
        ("speech_at",),
        lambda _, request: (
            request.speech_at is not None
            and bool(_speaking(request))
            and request.speech_at * SECOND > _latest_speech(request)
        ),
        lambda _, request: {"seconds": f"{max(0, _latest_speech(request)) / SECOND:g}"},
    ),
)


def _photos_rule(mode: EditMode) -> Rule[Model]:
    """The rule that what becomes of something in a video has as many pictures as that takes."""
    fewest, most = EDIT_PHOTOS[mode]
    return Rule(
        f"error.edit.{mode}",
        ("references",),
        lambda _, request: (
            request.edit is not None
            and request.edit.mode == mode
            and not fewest <= len(request.references) <= most
        ),
    )


_SAID_FIRST: tuple[Rule[Model], ...] = (
    Rule(
        "error.request.not_extendable",
        ("source",),
        lambda _, request: (
            request.operation is Operation.EXTEND
            and request.source is not None
            and request.source.operation is not None
            and not request.source.operation.row.is_extendable
        ),
    ),
    Rule(
        "error.request.source_length",
        ("source",),
        lambda row, request: not _source_goes(row, request),
        lambda row, request: dict(
            zip(
                ("shortest", "longest"), (f"{limit:g}" for limit in _source_limits(row, request)), strict=True
            )
        ),
    ),
    Rule(
        "error.request.source_gap",
        ("source",),
        lambda _, request: _is_in_gap(request),
        lambda _, request: dict(
            zip(
                ("shortest", "short", "long", "longest"),
                (f"{limit:g}" for limit in _around_gap(request)),
                strict=True,
            )
        ),
    ),
    *map(_film_rule, FILM_CHECKS),
    *_OF_SPEECH,
    *map(_photos_rule, EDIT_MODES),
    Rule(
        "error.edit.unmarked",
        ("edit",),
        lambda _, request: (
            request.edit is not None and request.edit.mode != "addition" and not request.edit.marks
        ),
    ),
    Rule(
        "error.prompt.too_long",
        ("prompt",),
        lambda row, request: length_of(request) > row.most_characters(request.prompt),
        lambda row, request: {"count": length_of(request), "limit": row.most_characters(request.prompt)},
    ),
    Rule(
        "error.model.mode",
        ("mode",),
        lambda row, request: request.mode not in row.modes,
        _allowed("mode", "modes"),
    ),
    Rule(
        "error.model.duration",
        ("duration",),
        lambda row, request: not _lasts(row, request) and not request.operation.row.duration_from_source,
        lambda row, request: {
            "value": request.duration,
            "allowed": numbers(durations_of(row, request)),
            "nearest": nearest(durations_of(row, request), request.duration)[0],
        },
    ),
    Rule(
        "error.model.ratio",
        ("aspect_ratio",),
        lambda row, request: (
            request.aspect_ratio not in {None, *row.ratios}
            or (
                request.operation.row.on_image_model
                and request.aspect_ratio is None
                and not row.finds_ratio(len(request.references))
            )
        ),
        lambda row, request: {
            **_allowed("aspect_ratio", "ratios")(row, request),
            "value": request.aspect_ratio or "auto",
        },
    ),
    Rule(
        "error.model.resolution",
        ("resolution",),
        lambda row, request: (
            request.operation.product is Product.IMAGE and request.resolution not in row.resolutions
        ),
        _allowed("resolution", "resolutions"),
    ),
    Rule(
        "error.model.too_many_pictures",
        ("references",),
        lambda row, request: (
            len(request.references) > row.references and request.operation is not Operation.MOTION_CONTROL
        ),
        lambda row, _: {"limit": row.references},
    ),
    Rule(
        "error.model.count",
        ("count",),
        lambda row, request: request.count > row.count,
        lambda row, _: {"limit": row.count},
    ),
    _ability_rule(BY_FIELD["series"]),
    Rule(
        "error.model.longer_series",
        ("series",),
        lambda row, request: isinstance(request.series, int) and 0 < row.series < request.series,
        lambda row, _: {"limit": row.series},
        is_joint=True,
    ),
    Rule(
        "error.request.series_count",
        ("count", "series"),
        lambda _, request: request.series is not None and request.count > 1,
    ),
    _ability_rule(BY_FIELD["reference_type"]),
    Rule(
        "error.request.reference_type",
        ("reference_type",),
        lambda _, request: request.reference_type is not None and not _is_of_one_image(request),
    ),
    _ability_rule(BY_FIELD["image_fidelity"]),
    Rule(
        "error.request.image_fidelity",
        ("image_fidelity",),
        lambda _, request: request.image_fidelity is not None and not _is_of_one_image(request),
    ),
    _ability_rule(BY_FIELD["face_fidelity"]),
    Rule(
        # It has an effect beside this type only (Kling API, images/generations, human_fidelity).
        "error.request.face_fidelity",
        ("face_fidelity",),
        lambda _, request: request.face_fidelity is not None and request.reference_type != "subject",
    ),
    _ability_rule(BY_FIELD["cfg_scale"]),
    Rule(
        "error.model.voices",
        ("voices", "sound", "mode"),
        lambda row, request: (
            bool(request.voices)
            and not (
                request.mode in row.voices.get(request.operation, ()) and (request.sound or row.always_sounds)
            )
        ),
        ability="voices",
    ),
    Rule(
        "error.model.sound",
        ("sound", "mode"),
        lambda row, request: request.sound and not row.always_sounds and request.mode not in row.sound,
        ability="sound",
    ),
    Rule(
        "error.model.end_frame",
        ("last_frame", "mode", "duration", "sound"),
        lambda row, request: (
            request.last_frame is not None
            and not (
                request.mode in row.end_frame
                and request.duration in (row.end_frame_durations or (request.duration,))
                and (row.end_frame_sound or not request.sound)
            )
        ),
        ability="end_frame",
    ),
    Rule(
        "error.model.middle_frames",
        ("middle_frames",),
        lambda row, request: len(request.middle_frames) > row.middle_frames,
        lambda row, _: {"limit": row.middle_frames},
        ability="middle_frames",
    ),
    Rule(
        "error.model.frames_alone",
        ("first_frame",),
        lambda row, request: (
            request.first_frame is None
            and bool(request.last_frame or request.middle_frames)
            and not row.frames_alone
        ),
        ability="frames_alone",
    ),
    Rule(
        "error.model.camera",
        ("camera", "mode", "duration", "last_frame", "brush"),
        lambda row, request: (
            request.camera is not None
            # A model without a field for it is told of it in the prompt.
            and (has_field(row, request) or not can_be_words(request))
            and not (
                request.mode in row.camera.get(request.operation, ())
                and request.duration in (row.camera_durations or (request.duration,))
                and request.camera.move in (row.camera_moves or (request.camera.move,))
                and request.last_frame is None
                and request.brush is None
            )
        ),
        ability="camera",
    ),
    Rule(
        # Its masks are drawn for this very photo: they stay, and the mode and length are those that take them.
        "error.model.brush",
        ("brush", "mode", "duration"),
        lambda row, request: (
            request.brush is not None
            and not (
                request.mode in row.brush and request.duration in BRUSH_SECONDS and request.last_frame is None
            )
        ),
        ability="brush",
    ),
    # What is edited keeps its own cuts (Kling API, omni-video).
    _ability_rule(BY_FIELD["shots"]),
    Rule(
        "error.model.auto_shots",
        ("auto_shots",),
        # Either the model cuts, or the person does.
        lambda row, request: request.auto_shots and not (row.auto_shots and not request.shots),
        ability="auto_shots",
    ),
    Rule(
        "error.model.elements",
        ("elements",),
        lambda row, request: bool(request.elements) and not _most_elements(row, request),
        ability="elements",
    ),
    Rule(
        "error.model.too_many_elements",
        ("elements",),
        lambda row, request: len(request.elements) > _most_elements(row, request),
        lambda row, request: {"limit": _most_elements(row, request)},
        is_joint=True,
    ),
    Rule(
        "error.model.features",
        ("features",),
        lambda row, request: bool(request.features) and not _most_features(row, request),
        ability="features",
    ),
    Rule(
        "error.model.too_many_features",
        ("features",),
        lambda row, request: len(request.features) > _most_features(row, request),
        lambda row, request: {"limit": _most_features(row, request)},
        is_joint=True,
    ),
    Rule(
        "error.model.videos_seconds",
        ("features", "source"),
        lambda row, request: (
            row.videos_seconds is not None
            and sum(_lengths(request)) > row.videos_seconds + SOURCE_SLACK * len(_lengths(request))
        ),
        lambda row, request: {"limit": row.videos_seconds, "number": math.ceil(sum(_lengths(request)))},
        is_joint=True,
    ),
    Rule(
        "error.request.element_orientation",
        ("elements", "orientation"),
        # The person of an element turns as the one in the video does (Kling API, motion-control).
        lambda _, request: (
            request.operation is Operation.MOTION_CONTROL
            and bool(request.elements)
            and request.orientation != "video"
        ),
    ),
    Rule(
        "error.request.no_reference",
        ("prompt",),
        lambda _, request: dangling(request) is not None,
        lambda _, request: {"name": f"@{found.kind}{found.number}" if (found := dangling(request)) else ""},
    ),
    Rule(
        "error.request.crowded_shots",
        ("shots",),
        lambda _, request: is_crowded(request),
        lambda *_: {"limit": SHOT_LIMIT},
    ),
    _joint_rule("error.model.together", lambda limit: limit.most > 0),
    _joint_rule("error.model.none_of", lambda limit: not (limit.most or limit.when or limit.unless)),
    _joint_rule("error.model.apart", lambda limit: limit.most == 0 and bool(limit.when) and not limit.unless),
    _joint_rule("error.model.only_with", lambda limit: limit.most == 0 and bool(limit.unless)),
)


def list_rules(options: Iterable[OptionRow]) -> tuple[Rule[Model], ...]:
    """The rules of models, in the order in which it is said what one cannot do; one for each option at least."""
    known = {rule.ability for rule in _SAID_FIRST}
    others = (option for option in options if option.ability and option.ability not in known)
    return (*_SAID_FIRST, *map(_ability_rule, others))


RULES = list_rules(ROWS)


def _source_limits(row: Model, request: GenerationRequest) -> tuple[float, float]:
    shortest, longest = request.operation.row.source_seconds
    if request.operation is Operation.OMNI_VIDEO:
        longest = row.source_seconds or longest
    if request.orientation == "image":
        longest = min(longest, LONGEST_FOR_AN_IMAGE)
    return shortest, longest


def _film_limits(row: Model, request: GenerationRequest) -> FilmLimits:
    """What a person's own video must be like: a model may edit others than all of them do."""
    if request.operation is Operation.OMNI_VIDEO and row.film is not None:
        return row.film
    return request.operation.row.film or FilmLimits()


def _source_goes(row: Model, request: GenerationRequest) -> bool:
    shortest, longest = _source_limits(row, request)
    return all(shortest - SOURCE_SLACK <= length <= longest + SOURCE_SLACK for length in _lengths(request))


def _lengths(request: GenerationRequest) -> list[float]:
    """The seconds of each video that a request is given, as far as they are known."""
    given = (*request.features, *(() if request.source is None else (request.source,)))
    return [video.duration_ms / SECOND for video in given if video.duration_ms is not None]


def _around_gap(request: GenerationRequest) -> tuple[float, float, float, float]:
    """How long a video may be: from the first to the second of these seconds, or from the third to the fourth."""
    shortest, longest = request.operation.row.source_seconds
    short, long = request.operation.row.source_gap or (longest, longest)
    return shortest, short, long, longest


def _is_in_gap(request: GenerationRequest) -> bool:
    if request.source is None or request.source.duration_ms is None:
        return False
    _, short, long, _ = _around_gap(request)
    return short + GAP_SLACK < request.source.duration_ms / SECOND < long - GAP_SLACK


def _is_of_one_image(request: GenerationRequest) -> bool:
    """Whether it is made of one image, of which more can be said (Kling API, images/generations, image_reference)."""
    return request.operation is Operation.IMAGE and len(request.references) == 1


def _most_elements(row: Model, request: GenerationRequest) -> int:
    """Words alone take none (Kling API, text2video): there an omni model, or a first frame, is needed."""
    return 0 if request.operation is Operation.TEXT_TO_VIDEO else row.elements


def _most_features(row: Model, request: GenerationRequest) -> int:
    """Only omni models refer to videos (Kling API, omni-video, `feature`)."""
    return row.features if request.operation is Operation.OMNI_VIDEO else 0


# -- making a request keep to them -------------------------------------------------------------------

CHANGES: Mapping[str, Callable[[Model, GenerationRequest], Iterable[object]]] = {
    "fps": lambda *_: (None,),
    "cfg_scale": lambda *_: (None,),
    "camera": lambda *_: (None,),
    "voices": lambda *_: ((),),
    "auto_shots": lambda *_: (False,),
    "sound": lambda _, request: (not request.sound,),
    "count": lambda row, request: (1 if request.series else row.count,),
    "series": lambda row, _: (row.series, None) if row.series else (None,),
    "face_fidelity": lambda *_: (None,),
    "image_fidelity": lambda *_: (None,),
    "reference_type": lambda *_: (None,),
    "resolution": lambda row, _: row.resolutions,
    "aspect_ratio": lambda row, _: row.ratios,
    "duration": lambda row, request: (
        () if request.shots else nearest(durations_of(row, request), request.duration)
    ),
    "mode": lambda row, _: row.modes,
}
"""What `fit` may change, what is given up first on top, and to which values, the best first. Never a picture, a shot or a word."""


def fit(request: GenerationRequest, row: Model, kept: Iterable[str] = ()) -> GenerationRequest | None:
    """The request as a model can do it, changed in as few fields as possible, and not in those that are `kept`.

    None: it cannot be. Of several ways with as few changes, the one that gives up what stands first in `CHANGES`.
    """
    given = suit(request, row)
    waiting = deque([] if given is None else [(given, frozenset(kept))])
    while waiting:
        tried, fixed = waiting.popleft()
        rule = broken(RULES, row, tried)
        if rule is None:
            return tried
        # Where the model cannot do it at all, it helps only to give that up.
        is_able = not rule.ability or row.modes_for(rule.ability) is not None
        fields = rule.fields if is_able else rule.fields[:1]
        for field in (field for field in CHANGES if field in fields and field not in fixed):
            for value in CHANGES[field](row, tried):
                # What a request no longer refers to may make another operation of it.
                changed = suit(tried.model_copy(update={field: value}), row)
                if changed is not None:
                    waiting.append((changed, fixed | {field}))
    return None


def fit_with(request: GenerationRequest, row: Model, field: str, value: Any) -> GenerationRequest | None:
    """The request with one field set, and what that needs; None where it cannot be."""
    return fit(request.model_copy(update={field: value}), row, (field,))


def suit(request: GenerationRequest, row: Model) -> GenerationRequest | None:
    """The request as this model is asked for it, its settings as they are; None where its pictures do not go there."""
    changes: dict[str, object] = {"model": row.id}
    if request.operation in IMAGE_MODEL_OPERATIONS:
        extras = request.scene is not None or request.style is not None
        changes["operation"] = row.image_operation_for(references=len(request.references), extras=extras)
        if request.aspect_ratio is None and not row.finds_ratio(len(request.references)):
            changes["aspect_ratio"] = row.ratios[0]
    elif request.operation in COMPOSED and request.source is None:
        changes["operation"] = row.operation_for(
            frames=request.number(Role.FRAMES), references=len(request.references), others=request.has_others
        )
    else:
        return request
    fields = {name: getattr(request, name) for name in type(request).model_fields}
    try:
        return type(request).model_validate({**fields, **changes})
    except ValidationError:
        return None


def nearest(values: Sequence[int], wanted: float) -> list[int]:
    """Some numbers, the nearest first."""
    return sorted(values, key=lambda value: abs(value - wanted))


def numbers(values: Sequence[int]) -> str:
    """Some whole numbers in few signs: `5, 10`, or `3–15` where none between is missing."""
    if len(values) > 2 and tuple(values) == tuple(range(values[0], values[-1] + 1)):
        return f"{values[0]}–{values[-1]}"
    return ", ".join(str(value) for value in values)


# -- limits of providers -----------------------------------------------------------------------------

Limits = Sequence[tuple[str, Callable[[GenerationRequest], bool]]]
"""What somebody cannot express: fields of a request, and when each is one too many."""


ALONE = frozenset({"operation", "account", "source"})
"""Where these are beyond somebody's limits, nothing else counts."""

OURS = frozenset({"resolution", "count", "spoiler"})
"""Options that videos are made without, or that are never sent."""


def unwritten(
    written: Collection[str], others: Sequence[str] = (), options: Sequence[OptionRow] = ROWS
) -> Limits:
    """The limits of a wire format that has no place for options that are not written, nor for some other fields."""
    return no_place_for((*(option.field for option in options if option.field not in written), *others))


def no_place_for(fields: Iterable[str]) -> Limits:
    """The limits of a wire format that has no place for some fields."""
    return tuple((field, lambda request, field=field: is_set(request, field)) for field in fields)


def lacking(limits: Limits, request: GenerationRequest) -> tuple[str, ...]:
    """The fields of a request that go beyond some limits; one of `ALONE` alone."""
    found = []
    for field, is_beyond in limits:
        if is_beyond(request):
            found.append(field)
            if field in ALONE:
                break
    return tuple(found)

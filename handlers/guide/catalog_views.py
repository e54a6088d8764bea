"""What there is to choose from as text: models and voices. Pure.

Made for a phone: a few short lines for each model, names that a tap copies, nothing longer than a message.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from html import escape

from bot.domain.requests.model import UNKNOWN_RATE, Model
from bot.domain.requests.operations import (
    IMAGE_MODEL_OPERATIONS,
    VIDEO_MODEL_OPERATIONS,
    Operation,
)
from bot.domain.requests.options import list_abilities
from bot.domain.requests.presets import Voice
from bot.domain.requests.rules import numbers
from bot.domain.tasks.availability import Availability, State
from bot.i18n import Texts
from handlers.chat.availability import availability_line
from handlers.chat.html import TEXT_LIMIT, View, utf16_length

_CAN = {
    Operation.TEXT_TO_VIDEO: "models.from_words",
    Operation.IMAGE_TO_VIDEO: "models.from_photo",
    Operation.OMNI_VIDEO: "models.from_all",
    Operation.MOTION_CONTROL: "models.motion",
    Operation.EXTEND: "models.extend",
}
_WITH_REFERENCES = frozenset({Operation.REFERENCES_TO_VIDEO, Operation.OMNI_VIDEO})
_BESIDE = {
    Operation.IMAGE: "models.images",
    Operation.EXPAND: "models.expand",
    Operation.TRY_ON: "models.try_on",
    Operation.CUTOUT: "models.cutout",
    Operation.EFFECT: "models.effects",
    Operation.MULTI_ELEMENTS: "models.multi_elements",
    Operation.LIP_SYNC: "models.lip_sync",
    Operation.AVATAR: "models.avatar",
    Operation.TEXT_TO_AUDIO: "models.sounds",
    Operation.VIDEO_TO_AUDIO: "models.sounds_for_videos",
}


def models(t: Texts, groups: Sequence[Sequence[Availability]], default: str, now: datetime) -> list[View]:
    """What each provider's account can use, with limits and prices, and what it cannot, and why.

    A group is what `bot.kling.availability` says of one provider; `default` is the usual video model, empty without any.
    """
    parts = []
    for group in groups:
        if len(groups) > 1 and group:
            parts.append(t("models.provider", name=escape(group[0].provider)))
        parts += _of_provider(t, group, now)
    if default:
        parts = [t("models.title"), *parts, t("models.choose", model=escape(default))]
    else:
        parts = [t("models.none"), *parts]
    return [View(text) for text in messages(parts)]


def _of_provider(t: Texts, group: Sequence[Availability], now: datetime) -> Iterator[str]:
    images = [each for each in group if IMAGE_MODEL_OPERATIONS & frozenset(each.row.operations)]
    # What cannot be written at all is the operator's business.
    models = (each for each in group if _is_model(each) and each.state is not State.UNNAMED)
    yield from (_video_model(t, each, now) for each in models)
    if images:
        yield t("models.of_images", model=escape(images[0].model))
        yield from (_with_availability(t, _image_model(t, each.row), each, now) for each in images)
    services = [each for each in group if each not in images and not _is_model(each)]
    if items := [item for each in services for item in _services(t, each, now)]:
        yield t("models.beside", items=" · ".join(items))


def _is_model(availability: Availability) -> bool:
    """Whether it is a video model, and no service."""
    return bool(VIDEO_MODEL_OPERATIONS & frozenset(availability.row.operations))


def _video_model(t: Texts, availability: Availability, now: datetime) -> str:
    """A model with all that it can do, and where it can't be used now only why."""
    if availability.state is State.RETIRED:
        return f"<b>{escape(availability.model)}</b>\n{availability_line(t, availability, now)}"
    text = f"{_model(t, availability.row, availability.operations)} · {t('models.at_a_time', number=t.number(availability.most))}"
    return _with_availability(t, text, availability, now)


def _with_availability(t: Texts, text: str, availability: Availability, now: datetime) -> str:
    line = availability_line(t, availability, now)
    return f"{text}\n⚠ {line}" if line else text


def _services(t: Texts, availability: Availability, now: datetime) -> Iterator[str]:
    for operation in availability.row.operations:
        if operation in availability.operations and operation in _BESIDE:
            item = t(_BESIDE[operation], price=_price(t, availability.row))
            line = availability_line(t, availability, now)
            yield f"{item} (⚠ {line})" if line else item


def besides(t: Texts, beside: Mapping[Operation, Model]) -> str:
    """What is offered beside videos, with its prices, or nothing."""
    items = [t(_BESIDE[known], price=_price(t, row)) for known, row in beside.items() if known in _BESIDE]
    return t("models.beside", items=" · ".join(items)) if items else ""


def _model(t: Texts, row: Model, offered: frozenset[Operation]) -> str:
    choices = [_modes(t, row.modes), t("unit.seconds", seconds=numbers(row.durations)), ", ".join(row.ratios)]
    able = [t(key) for operation, key in _CAN.items() if operation in row.operations and operation in offered]
    return "\n".join(
        (
            f"<b>{escape(row.id)}</b>",
            escape(" · ".join(choices)),
            escape(" · ".join([*able, *_features(t, row, offered)])),
            " · ".join(_rates(t, row)),
        )
    )


def _image_model(t: Texts, row: Model) -> str:
    """What an image model can do, and what an image of each resolution costs."""
    choices = [", ".join(row.resolutions), ", ".join(row.ratios)]
    able = [t("models.references", limit=row.references)] if row.references else []
    able += [t(f"models.{option.ability}") for option, _, _ in list_abilities(row)]
    prices = [f"{resolution} {t.number(row.fixed + each)}" for resolution, each in row.each.items()]
    if row.pictures_each:
        prices.append(t("models.from_photos", price=_span(t, list(row.pictures_each.values()))))
    return "\n".join(
        (
            f"<b>{escape(row.id)}</b>",
            escape(" · ".join(choices)),
            escape(" · ".join(able)),
            t("models.each", prices=", ".join(prices)),
        )
    )


def _features(t: Texts, row: Model, offered: frozenset[Operation]) -> Iterable[str]:
    """What a model can do besides, each with the modes or seconds that it needs where those are not all."""
    if row.references and _WITH_REFERENCES & offered & frozenset(row.operations):
        yield t("models.references", limit=row.references)
    for option, modes, seconds in list_abilities(row):
        limits = [_modes(t, modes)] if modes else []
        if seconds:
            limits.append(t("unit.seconds", seconds=numbers(seconds)))
        ability = t(f"models.{option.ability}")
        yield f"{ability} ({', '.join(limits)})" if limits else ability


def _modes(t: Texts, modes: Iterable[str]) -> str:
    return ", ".join(t(f"mode.{mode}") for mode in modes)


def _rates(t: Texts, row: Model) -> Iterable[str]:
    """The price of a second by mode: as it is, and with what changes it."""
    plain: dict[str, float] = {mode: row.rate.get(mode, UNKNOWN_RATE) for mode in row.modes}
    yield t("models.rate", rates=_by_mode(t, row, plain))
    if row.sound_rate and row.sound_rate != plain:
        yield t("models.rate_sound", rates=_by_mode(t, row, row.sound_rate))
    if row.voice_rate:
        yield t("models.rate_voices", rates=_by_mode(t, row, row.voice_rate))


def _by_mode(t: Texts, row: Model, rates: Mapping[str, float]) -> str:
    if len(row.modes) == 1:
        return t.number(next(iter(rates.values())))
    return ", ".join(f"{t(f'mode.{mode}')} {t.number(rate)}" for mode, rate in rates.items())


def _price(t: Texts, row: Model) -> str:
    """What has no model to choose costs: a result, or a second with what comes on top."""
    each = [*row.each.values(), *row.pictures_each.values(), *row.effect_each.values()]
    if each:
        return _span(t, [price + row.fixed for price in each])
    rate = _span(t, list(row.rate.values()) or [UNKNOWN_RATE])
    if row.fixed:
        return t("models.per_second_and", rate=rate, fixed=t.number(row.fixed))
    return t("models.per_second", rate=rate)


def _span(t: Texts, values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return t.number(low) if low == high else f"{t.number(low)}–{t.number(high)}"


def voices(t: Texts, language: str, known: Sequence[Voice]) -> View:
    """The voices of a language (`zh` or `en`) by name, and how to use one."""
    names = [_voice_name(voice, language) for voice in known]
    parts = [
        t("voices.chinese" if language == "zh" else "voices.english", count=t.number(len(known))),
        " · ".join(names),
        t("voices.how_to", voice=escape(known[0].names[0])),
        t("voices.others", language="en" if language == "zh" else "zh"),
    ]
    return View("\n\n".join(parts))


def _voice_name(voice: Voice, language: str) -> str:
    first, *others = voice.names
    if language == "zh" and others:
        return f"<code>{escape(others[0])}</code> {escape(first)}"
    return f"<code>{escape(first)}</code>"


def messages(parts: Iterable[str]) -> list[str]:
    """Paragraphs put together to as few messages as they fit into; no paragraph is torn apart."""
    texts: list[str] = []
    for part in parts:
        if texts and utf16_length(longer := f"{texts[-1]}\n\n{part}") <= TEXT_LIMIT:
            texts[-1] = longer
        else:
            texts.append(part)
    return texts

"""Where the results of a task stand in an answer: Kling names one place, gateways many. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from bot.domain.outside import identity, opened, text_of, word_of
from bot.domain.requests.operations import MEDIA, Operation, Product
from bot.domain.tasks.task import RemoteResult
from bot.kling.dialects.envelopes import NESTING, Node, child, items, objects
from bot.kling.dialects.error_codes import ADDRESS_LIMIT, address, milliseconds

_OUTPUTS = frozenset(MEDIA)
_ADDRESSES = ("url", "url_mp3", "mp3_url", "url_wav", "wav_url")
_DURATIONS = ("duration", "duration_mp3", "mp3_duration", "duration_wav", "wav_duration")

_LISTS: Mapping[str, Product] = {
    "videos": Product.VIDEO,
    "creations": Product.VIDEO,
    "video_urls": Product.VIDEO,
    "result_urls": Product.VIDEO,
    "resultUrls": Product.VIDEO,
    "generations": Product.VIDEO,
    "video_result": Product.VIDEO,
    "generated_videos": Product.VIDEO,
    "unsigned_urls": Product.VIDEO,
    "works": Product.VIDEO,
    "images": Product.IMAGE,
    "audios": Product.AUDIO,
}
"""What gateways call their lists of results."""

_OF_TASKS: Mapping[str, Product] = {
    "videos": Product.VIDEO,
    "images": Product.IMAGE,
    "series_images": Product.IMAGE,
    "audios": Product.AUDIO,
}
"""What Kling calls its lists of results; those of omni-image are in two, of which one is empty."""

_VIEWS = ("url_1", "url_2", "url_3")
"""What the views of an element are at, in one of its images (Kling API, general/ai-multi-shot)."""

_NAMES = (
    "result_url",
    "resultUrl",
    "video_url",
    "videoUrl",
    "download_url",
    "output_url",
    "file_url",
    "media_url",
)
"""What they call the address of one; `url` may be that of something else while the task goes on."""

_HOLDERS = (
    "output",
    "outputs",
    "result",
    "results",
    "content",
    "video",
    "task_result",
    "response",
    "metadata",
)
"""What stands around it."""

_A_RESULT = re.compile(r"video|result|resource|output|download|media|work|asset|file|play")
_NO_RESULT = re.compile(
    r"cover|thumb|poster|preview|image|img|picture|photo|frame|avatar|icon|logo|watermark|audio_in|input|prompt"
    r"|request|param|payload|(?<!re)source|origin|refer|callback|webhook|notify|config|option|setting|meta_?in|message"
    r"|reason|error|doc|help|status_url|response_url|cancel"
)
"""Parts of names: of a result, and of what was given, stands beside it, or is about something else."""

NO_HOST = "http://localhost/"
"""How an address begins that is on the host that answers."""

_RELATIVE = re.compile(r"/{1,2}[\w.~%-]+/[^\s<>\"\\]+")
"""An address without a scheme, or without a host too: a path of several parts."""

_MARKED = ("watermark_url", "watermarked_url", "url_watermark", "watermark_video_url")
_MEDIA = (".mp4", ".mov", ".webm", ".m4v", ".mp3", ".wav", ".png", ".jpg", ".jpeg", ".webp")


def results_of(node: Node, raw: Node, *, is_over: bool, succeeded: bool) -> tuple[RemoteResult, ...]:
    """The results that an answer about a task names, each with all of its addresses; the likeliest first.

    `raw` is Kling's own task inside a gateway's. Before it is known that the task `is_over`, what may be an address
    of something else is left out. Only where it has `succeeded` an address stands for the reason of a failure.
    """
    if succeeded and (assets := tuple(_assets(node))):
        return assets
    own = _without_covers([*_listed(node), *_gathered(node)])
    inner = _without_covers([*_listed(raw), *_gathered(raw)])
    single = list(dict.fromkeys(_single(node, is_over=is_over)))
    if succeeded and (old := address(node.get("fail_reason"))):
        # Releases of new-api before there was a field for it.
        single.append(old)
    if own:
        return _with_others(own, [*single, *(video.url for video in inner)] if len(inner) < 2 else single)
    # The gateway's own address goes first, unless Kling lists more results than it can name.
    if len(inner) > 1:
        return tuple(inner)
    deeper = list(dict.fromkeys(_single(raw, is_over=is_over)))
    found = [*single, *(video.url for video in inner), *deeper]
    if not found and (marked := _only_marked(node) or _only_marked(raw)):
        return marked
    if not found and succeeded:
        # In no known place: what is called a result, wherever it stands, is one.
        found = list(dict.fromkeys((*_anywhere(node), *_anywhere(raw))))
    if not found:
        return ()
    if inner:
        first = replace(inner[0], url=found[0])
        if found[0] != inner[0].url:
            # The mark was asked of Kling; the gateway's address is the same film.
            first = replace(first, watermark_url=None)
    else:
        seconds = node.get("seconds") or child(node, "metadata").get("duration") or node.get("duration")
        first = RemoteResult(found[0], None, milliseconds(seconds))
    return _with_others([first], found[1:])


def _place(value: object) -> str | None:
    """An address of a result; one without a host is on the host that answers, as `localhost` is (`bot.kling.addresses`)."""
    if (found := address(value)) is not None:
        return found
    text = text_of(value)
    if len(text) > ADDRESS_LIMIT or _RELATIVE.fullmatch(text) is None:
        return None
    return f"https:{text}" if text.startswith("//") else f"{NO_HOST}{text[1:]}"


def _with_others(videos: list[RemoteResult], more: list[str]) -> tuple[RemoteResult, ...]:
    """One result with every other address that it may be at; of several nobody can tell which they belong to."""
    if len(videos) != 1:
        return tuple(videos)
    (video,) = videos
    others = dict.fromkeys(url for url in (*video.others, *more) if url != video.url)
    return (replace(video, others=tuple(others)),)


def _once(videos: list[RemoteResult]) -> list[RemoteResult]:
    """Without those that stand in two places."""
    return list({video.url: video for video in reversed(videos)}.values())[::-1]


def _without_covers(videos: list[RemoteResult]) -> list[RemoteResult]:
    """Each once, without the pictures beside a film: they are its covers or frames."""
    has_film = any(video.kind.is_film for video in videos)
    return _once([video for video in videos if video.kind is not Product.IMAGE or not has_film])


def _anywhere(value: object, name: str = "", depth: int = 0) -> Iterator[str]:
    """Addresses under any name that is one of a result, at any place but those of what was given."""
    value = opened(value)
    if depth > NESTING:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            called = word_of(key)
            if not _NO_RESULT.search(called.casefold()):
                # A plain `url` is called as what is around it.
                yield from _anywhere(inner, f"{name}.{called}".casefold(), depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _anywhere(inner, name, depth)
    elif (url := _place(value)) and (_A_RESULT.search(name) or _is_media(url)):
        yield url


def _listed(node: Node) -> Iterator[RemoteResult]:
    """Every result that an object lists, in Kling's words of both standards."""
    results = child(node, "task_result")
    for name, kind in _OF_TASKS.items():
        for result in objects(results.get(name)):
            yield from _result(kind, result)
    for output in objects(node.get("outputs")):
        word = word_of(output.get("type"))
        if word in _OUTPUTS:
            yield from _result(Product(word), output)


def _assets(node: Node) -> Iterator[RemoteResult]:
    """The element or voice that a task has made, unless it was deleted. Requests name elements by numbers."""
    for kind in (Operation.ELEMENT, Operation.VOICE):
        for row in objects(child(node, "task_result").get(f"{kind}s")):
            name = identity(row.get(f"{kind}_id"))
            usable = name.isdecimal() if kind is Operation.ELEMENT else bool(name)
            if usable and word_of(row.get("status")) != "deleted":
                yield RemoteResult("", name, kind=Product.ASSET)


def _gathered(node: Node) -> Iterator[RemoteResult]:
    """The results in lists of gateways, as objects or as plain addresses."""
    for holder in (node, *(child(node, name) for name in _HOLDERS if name != "task_result")):
        for name, kind in _LISTS.items():
            for result in items(holder.get(name)):
                if isinstance(result, Mapping):
                    yield from _result(kind, result)
                elif url := _place(result):
                    yield RemoteResult(url, kind=kind)
    for name in ("output", "outputs", "result", "results", "data"):
        for result in items(node.get(name)):
            if isinstance(result, Mapping) and "type" not in result:
                yield from _result(Product.VIDEO, result)
            elif url := _place(result):
                yield RemoteResult(url)


def _result(kind: Product, result: Node) -> Iterator[RemoteResult]:
    views = [url for name in _VIEWS if (url := _place(result.get(name)))]
    if views:
        yield from (RemoteResult(url, kind=kind) for url in views)
        return
    found = [url for name in (*_ADDRESSES, *_NAMES) if (url := _place(result.get(name)))]
    inner = child(result, "video")
    found += [url for name in ("url", *_NAMES) if (url := _place(inner.get(name)))]
    marked = next((url for name in _MARKED if (url := _place(result.get(name)))), None)
    if not found and marked is None:
        return
    seconds = next((result[name] for name in _DURATIONS if name in result), None)
    first = found[0] if found else marked or ""
    # A sound has an address for each of its forms: those are no other addresses of the same.
    others = tuple(url for url in found[1:] if url != first) if kind is not Product.AUDIO else ()
    yield RemoteResult(first, identity(result.get("id")) or None, milliseconds(seconds), kind, marked, others)


def _single(node: Node, *, is_over: bool) -> Iterator[str]:
    """The addresses of the one result of an object, the likeliest first."""
    if (url := _place(node.get("url"))) and (is_over or _is_media(url)):
        yield url
    yield from _under_names(node)
    for name in _HOLDERS:
        holder = node.get(name)
        if url := _place(holder):
            yield url
        elif isinstance(holder, Mapping):
            if (url := _place(holder.get("url"))) and (is_over or name != "metadata" or _is_media(url)):
                yield url
            yield from _under_names(holder)
            yield from _under_names(child(holder, "video"), ("url",))
            if url := _place(holder.get("video")):
                yield url


def _under_names(node: Node, more: tuple[str, ...] = ()) -> Iterator[str]:
    return (url for name in (*more, *_NAMES) if (url := _place(node.get(name))))


def _only_marked(node: Node) -> tuple[RemoteResult, ...]:
    """The result with the provider's mark, where there is no other."""
    holders: tuple[Any, ...] = (node, *(child(node, name) for name in _HOLDERS))
    found = (_place(holder.get(name)) for holder in holders for name in _MARKED)
    return tuple(RemoteResult(url, watermark_url=url) for url in found if url)[:1]


def _is_media(url: str) -> bool:
    try:
        return urlsplit(url).path.casefold().endswith(_MEDIA)
    except ValueError:
        return False

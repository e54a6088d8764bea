import asyncio
from pathlib import Path

import pytest

from bot.errors import UserError
from bot.kling.download import DownloadFailed, DownloadGone, DownloadRefused
from bot.services.requests.attachments import Linked, Links, split_links

BOAT = "https://example.com/boat.jpg"


@pytest.mark.parametrize(
    ("text", "words", "links"),
    [
        (f"{BOAT} it sails away", "it sails away", (BOAT,)),
        (f"it sails away {BOAT}", "it sails away", (BOAT,)),
        (f"it sails away: {BOAT}.", "it sails away:", (BOAT,)),
        (f"the boat ({BOAT}) sails", "the boat ( ) sails", (BOAT,)),
        (f"({BOAT})", "", (BOAT,)),
        (f"{BOAT}让船动起来", "让船动起来", (BOAT,)),
        (f"{BOAT}，让船动起来", "让船动起来", (BOAT,)),
        (f"{BOAT}\nit sails\naway", "it sails\naway", (BOAT,)),
        (f"{BOAT} https://example.com/b.png?x=1&y=2 both sail --pro", "both sail --pro",
         (BOAT, "https://example.com/b.png?x=1&y=2")),
        (f"{BOAT} {BOAT} it sails", "it sails", (BOAT,)),
        ("HTTPS://Example.com/A.JPG moves", "moves", ("HTTPS://Example.com/A.JPG",)),
        ("https://example.com/a_(1).jpg moves", "moves", ("https://example.com/a_(1).jpg",)),
        ("http://example.com/a.jpg", "", ("http://example.com/a.jpg",)),
        ("a fox  in the snow", "a fox  in the snow", ()),
        ("example.com/boat.jpg", "example.com/boat.jpg", ()),
        ("https:// is no link", "https:// is no link", ()),
        ("https://example.com/" + "x" * 3000, "https://example.com/" + "x" * 3000, ()),
    ],
)  # fmt: skip
def test_a_text_is_parted_into_words_and_links(text, words, links):
    assert split_links(text) == Linked(words, links)


def the_links(tmp_path: Path, answer: object = b"a picture", **options) -> Links:
    async def fetch(link: str, target: Path) -> None:
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            await asyncio.Event().wait()
        target.write_bytes(answer)

    return Links(fetch=fetch, **options)


async def test_an_image_is_written_to_the_file(tmp_path):
    await the_links(tmp_path).save(BOAT, tmp_path / "image")
    assert (tmp_path / "image").read_bytes() == b"a picture"


@pytest.mark.parametrize(
    ("problem", "key"),
    [
        (DownloadRefused("10.0.0.1 is not a public address"), "error.link.no_picture"),
        (DownloadGone("example.com answers 404"), "error.link.failed"),
        (DownloadFailed("example.com: ConnectError"), "error.link.failed"),
    ],
)
async def test_a_link_that_cannot_be_used_is_told_with_its_host_only(tmp_path, problem, key):
    with pytest.raises(UserError) as refused:
        await the_links(tmp_path, problem).save("https://example.com/boat.jpg?secret=1", tmp_path / "image")
    assert (refused.value.key, refused.value.params["host"]) == (key, "example.com")
    assert "secret" not in str(refused.value.params)
    assert list(tmp_path.iterdir()) == []


async def test_a_server_that_never_ends_is_left(tmp_path):
    with pytest.raises(UserError, match=r"error\.link\.failed"):
        await the_links(tmp_path, None, longest_wait=0.01).save(BOAT, tmp_path / "image")


async def test_an_address_that_is_none_names_no_host(tmp_path):
    with pytest.raises(UserError) as refused:
        await the_links(tmp_path, DownloadRefused("no")).save("https://[::1/boat.jpg", tmp_path / "image")
    assert refused.value.params["host"] == ""

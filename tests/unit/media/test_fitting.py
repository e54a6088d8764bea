"""How small a copy has to be: for any film and any limit it fits, keeps its form, and is worth looking at."""

import random

from bot.media.fitting import (
    LEAST_SHORT_SIDE,
    MOST_PIXELS,
    POOREST_BITS_A_PIXEL,
    Film,
    fit,
    overhead,
)

CASES = 20_000
MEGABYTE = 1_000_000


def a_film(chance: random.Random) -> Film:
    """Any film up to 4K and an hour, most of them like results."""
    seconds = chance.choice([chance.uniform(0.1, 15), chance.uniform(0.1, 3600)])
    width, height = (chance.choice([16, 144, 720, 1080, 1920, 3840, chance.randint(16, 4096)]) for _ in "wh")
    return Film(
        width, height, seconds, max(1, round(seconds * chance.uniform(0.2, 120))), chance.random() < 0.5
    )


def test_the_copy_of_any_film_fits_whatever_the_limit_is():
    chance, copies = random.Random(7), 0
    for _ in range(CASES):
        film, limit = a_film(chance), round(10 ** chance.uniform(3, 9.3))
        made = fit(film, limit)
        if made is None:
            continue
        copies += 1
        most_bits = (made.video_bits + made.audio_bits) * film.seconds + made.buffer_bits
        assert most_bits / 8 + overhead(film) <= limit, (film, limit, made)
        assert made.width % 2 == made.height % 2 == 0
        assert made.width <= film.width + 1
        assert made.height <= film.height + 1
        assert made.width * made.height <= max(MOST_PIXELS * 1.01, film.width * LEAST_SHORT_SIDE * 1.1)
        scale = made.width / film.width
        assert abs(film.height * scale - made.height) <= 2 + 2 * film.height / film.width, (film, made)
        assert bool(made.audio_bits) == film.has_audio
        assert made.video_bits >= made.width * made.height * POOREST_BITS_A_PIXEL * min(
            60, film.frames / film.seconds
        )
    assert copies > CASES / 3


def test_a_film_like_a_result_keeps_its_size_below_the_usual_limit():
    ten_seconds = Film(1920, 1080, 10.0, 300, has_audio=True)
    made = fit(ten_seconds, 50 * MEGABYTE)
    assert made is not None
    assert (made.width, made.height, made.audio_bits) == (1920, 1080, 128_000)


def test_the_fewer_bits_there_are_the_smaller_the_picture_is():
    sides = []
    for limit in (50, 10, 4, 2):
        made = fit(Film(1920, 1080, 60.0, 1800, has_audio=True), limit * MEGABYTE)
        assert made is not None
        sides.append(made.height)
    assert sides == sorted(sides, reverse=True)
    assert len(set(sides)) > 2


def test_a_copy_that_would_be_too_poor_is_none():
    assert fit(Film(1920, 1080, 600.0, 18_000, has_audio=True), MEGABYTE) is None
    assert fit(Film(320, 180, 2.0, 30, has_audio=False), 1000) is None


def test_of_4k_a_copy_is_full_hd():
    made = fit(Film(3840, 2160, 5.0, 150, has_audio=False), 50 * MEGABYTE)
    assert made is not None
    assert (made.width, made.height) == (1920, 1080)

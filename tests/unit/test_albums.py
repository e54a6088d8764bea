from handlers.albums import REMEMBERED, Albums

CHAT = 1001


def test_the_photos_of_an_album_are_counted_as_they_come():
    albums = Albums()
    assert [albums.number_of(CHAT, "holiday") for _ in range(3)] == [1, 2, 3]


def test_photos_without_an_album_are_each_the_first():
    albums = Albums()
    assert [albums.number_of(CHAT, None) for _ in range(3)] == [1, 1, 1]


def test_two_albums_and_two_chats_do_not_mix():
    albums = Albums()
    assert albums.number_of(CHAT, "holiday") == 1
    assert albums.number_of(CHAT, "wedding") == 1
    assert albums.number_of(CHAT + 1, "holiday") == 1
    assert albums.number_of(CHAT, "holiday") == 2


def test_old_albums_are_forgotten_and_the_one_that_still_comes_is_not():
    albums = Albums()
    albums.number_of(CHAT, "still coming")
    for number in range(REMEMBERED):
        albums.number_of(CHAT, f"album {number}")
        if number == REMEMBERED // 2:
            albums.number_of(CHAT, "still coming")
    assert albums.number_of(CHAT, "still coming") == 3
    assert albums.number_of(CHAT, "album 0") == 1

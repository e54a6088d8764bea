import pytest

from bot.domain.requests.marking import Grid, Marking, Still
from bot.domain.requests.request import MOST_MARKS
from tests.operations import IMAGES, a_request_for


def a_marking() -> Marking:
    request = a_request_for("multi-elements")
    stills = tuple(Still(frame=frame, image=image) for frame, image in zip((0, 30, 60), IMAGES, strict=False))
    return Marking(request=request, stills=stills).with_marks(())


@pytest.mark.parametrize(
    ("size", "grid"),
    [((1280, 720), (7, 4)), ((720, 1280), (4, 7)), ((1000, 1000), (5, 5)), ((1100, 1000), (5, 5))],
)
def test_cells_are_nearly_square_and_no_row_of_buttons_is_too_long(size, grid):
    found = Grid.of(*size)
    assert (found.columns, found.rows) == grid
    assert found.columns <= 8


def test_every_cell_has_a_middle_inside_the_frame_and_of_its_own():
    grid = Grid(7, 4)
    middles = [grid.centre(cell) for cell in range(1, grid.cells + 1)]
    assert len(set(middles)) == 28
    assert middles[0] == (0.0714, 0.125)
    assert all(0 < place < 1 for middle in middles for place in middle)


def test_a_cell_is_marked_and_marked_no_longer():
    marked = a_marking().toggle(3).turn().toggle(3)
    assert [mark.frame for mark in marked.marks] == [0, 30]
    assert len(marked.shown_marks) == 1
    assert [mark.frame for mark in marked.toggle(3).marks] == [0]
    assert marked.turn().turn().shown == 0


def test_a_frame_takes_so_many_marks():
    marking = a_marking()
    for cell in range(1, MOST_MARKS + 1):
        assert not marking.is_full
        marking = marking.toggle(cell)
    assert marking.is_full
    assert not marking.turn().is_full
    assert not marking.toggle(1).is_full


def test_what_its_photo_shows_can_be_added_whatever_is_marked():
    added = a_marking().toggle(3).as_addition()
    assert added.edit is not None
    assert (added.edit.mode, added.edit.marks) == ("addition", ())

import pytest

from bot.domain.requests.marking import LONGEST_PATH, Brushing, Direction, Grid, Marking, Stage, Still
from bot.domain.requests.request import LONGEST_TRAJECTORY, MOST_MARKS, MOST_STROKES, BrushStroke
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


# -- the motion brush ---------------------------------------------------------------------------------


def a_brushing(**changes) -> Brushing:
    """Nothing marked yet in a photo of 1280 by 720 pixels."""
    return Brushing(request=a_request_for("image2video"), **changes)


def an_area(brushing: Brushing, *cells: int, way: int) -> Brushing:
    """The same with an area of its own, which goes to a cell."""
    brushing = brushing.at(Stage.AREA)
    for cell in cells:
        brushing = brushing.tap(cell)
    return brushing.at(Stage.PATH).tap(way)


@pytest.mark.parametrize("size", [(1280, 720), (720, 1280), (1000, 1000), (301, 751), (3072, 1229)])
def test_the_cells_of_a_fine_grid_cover_every_pixel_once(size):
    grid = Grid.of(*size, fine=True)
    assert grid.columns <= 8
    assert grid.cells > Grid.of(*size).cells
    boxes = [grid.box(cell, *size) for cell in range(1, grid.cells + 1)]
    assert boxes[0][:2] == (0, 0)
    assert boxes[-1][2:] == size
    assert sum((right - left) * (bottom - top) for left, top, right, bottom in boxes) == size[0] * size[1]
    for cell, (left, top, right, bottom) in enumerate(boxes, 1):
        x, y = grid.centre(cell)
        assert left < x * size[0] < right
        assert top < y * size[1] < bottom


def test_a_cell_is_in_the_area_that_it_was_tapped_for_last():
    brushing = an_area(an_area(a_brushing(), 1, 2, way=5), 2, 3, way=8)
    assert [area.cells for area in brushing.moving] == [(1,), (2, 3)]
    still = brushing.at(Stage.STILL).tap(1).tap(3)
    assert [area.cells for area in still.moving] == [(2,)]
    assert still.still == (1, 3)
    assert still.tap(3).still == (1,)
    moved = still.at(Stage.AREA).tap(1)
    assert (moved.still, moved.current.cells) == ((3,), (1,))


def test_a_path_begins_in_its_area_and_stays_in_the_photo():
    brushing = a_brushing().tap(1).tap(2).tap(9).at(Stage.PATH)
    for _ in range(12):
        brushing = brushing.go(Direction.UP).go(Direction.RIGHT)
    route = brushing.route_of(brushing.current)
    assert route[0] in [brushing.grid.centre(cell) for cell in (1, 2, 9)]
    assert route[-1] == (1.0, 0.0)
    assert len(set(route)) == len(route)
    points = brushing.trajectory(brushing.current)
    assert points[-1].model_dump() == {"x": 1279, "y": 719}
    assert all(0 <= point.x < 1280 and 0 <= point.y < 720 for point in points)


@pytest.mark.parametrize(
    ("direction", "across", "up"),
    [
        (Direction.LEFT, -160, 0),
        (Direction.RIGHT, 160, 0),
        (Direction.UP, 0, 120),
        (Direction.DOWN, 0, -120),
    ],
)
def test_a_trajectory_counts_from_the_bottom_left(direction, across, up):
    brushing = a_brushing().tap(20).at(Stage.PATH).go(direction)
    first, second = brushing.trajectory(brushing.current)
    assert (second.x - first.x, second.y - first.y) == (across, up)


def test_the_longest_path_is_one_that_kling_takes():
    brushing = a_brushing().tap(20).at(Stage.PATH)
    for step in range(LONGEST_PATH):
        assert not brushing.is_path_full
        brushing = brushing.tap(1 + step % 2)
    assert brushing.is_path_full
    mask = brushing.photo
    stroke = BrushStroke(mask=mask, trajectory=brushing.trajectory(brushing.current))
    assert len(stroke.trajectory) == LONGEST_TRAJECTORY


def test_there_are_so_many_areas_each_with_its_path():
    brushing = a_brushing()
    assert brushing.is_empty
    for number in range(MOST_STROKES):
        assert brushing.takes_more
        assert not brushing.at(Stage.AREA).tap(number + 1).is_complete
        brushing = an_area(brushing, number + 1, way=48)
        assert brushing.is_complete
    assert not brushing.takes_more
    assert brushing.cleared().is_empty

"""An order's journey as a picture: its waterfall."""

from collections.abc import Sequence

from workshop.journeys.hops import Hop
from workshop.journeys.svg import svg
from workshop.journeys.waterfall import waterfall_of
from workshop.notebooks.pictures.picture import Drawing


def time_line(hops: Sequence[Hop], title: str = "") -> Drawing:
    """Draw an order's journey.

    Args:
        hops: What the functions logged about it (`workshop.journeys.logs.hops`).
        title: The line above the picture.

    Raises:
        WorkshopError: No function has logged anything yet.
    """
    waterfall = waterfall_of(hops)
    # Pages that contain several pictures need different ids.
    name = f"waterfall-{waterfall.began:%H%M%S%f}"
    return Drawing(svg(waterfall, heading=title, name=name, standalone=True), waterfall.words)

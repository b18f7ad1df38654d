"""A waterfall as SVG: one row for each run on one time axis, and a lane for the order's status.

The SVG has classes and presentation attributes, but no style and no script, so a page with a strict
content security policy may contain it. The page adds `CSS` to its style sheet.
"""

from workshop.journeys.svg.drawing import Drawing
from workshop.journeys.svg.style import CSS, NARROW, WIDE
from workshop.journeys.waterfall import Waterfall

__all__ = ["CSS", "NARROW", "WIDE", "responsive", "svg"]


def svg(
    waterfall: Waterfall,
    *,
    title: str = "",
    heading: str = "",
    width: int = WIDE,
    name: str = "waterfall",
    standalone: bool = False,
) -> str:
    """Return a waterfall as an `<svg>` element.

    The group of each run has its index in `waterfall.runs` as `data-run`.

    Args:
        waterfall: What to draw.
        title: The name of the picture for screen readers; default: what it shows, in words.
        heading: A line above the picture, or nothing.
        width: The width in CSS pixels for which its text is readable; from 320. The element itself
            is as wide as its container.
        name: The prefix of the ids in the element; each on a page needs its own.
        standalone: Whether to return a file of its own, with its style sheet and a background.
    """
    return Drawing(waterfall, width, heading).element(
        title or waterfall.words, name, standalone=standalone
    )


def responsive(waterfall: Waterfall, *, title: str = "", name: str = "waterfall") -> str:
    """Return HTML with a wide and a narrow picture; `CSS` shows the one that fits its container.

    Args:
        waterfall: What to draw.
        title: The name of the picture for screen readers.
        name: The prefix of the ids; each waterfall on a page needs its own.
    """
    wide = svg(waterfall, title=title, name=f"{name}-wide")
    narrow = svg(waterfall, title=title, name=f"{name}-narrow", width=NARROW)
    return f'<div class="waterfall-box">{wide}{narrow}</div>'

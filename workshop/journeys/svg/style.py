"""Sizes, colours and the style sheet of waterfalls."""

from pathlib import Path

WIDE, NARROW = 960, 380
"""CSS pixels: the two widths for which `responsive` draws."""
STACKED_BELOW = 640
"""CSS pixels: a narrower picture has each row's text above its bars."""

CSS = Path(__file__).with_name("waterfall.css").read_text("utf-8")
"""The style sheet of all waterfalls, light and dark. The `--wf-` variables are its colours."""

MARGIN = 14.0
ROW, STACKED_ROW = 26.0, 40.0
BAR, LANE_BAR = 14.0, 8.0
"""The height of a run; the tracker's runs share a lane and are lower."""
THIN = 0.45
"""The height of a time in which nothing ran, as a part of a run's."""
SMALLEST = 3.0
"""The least width of a run in CSS pixels."""
STUB = 14.0
"""The width of a run whose end is unknown."""
LINE, HEADING = 15.0, 26.0
LARGE, NORMAL, SMALL = 15, 13, 11
"""Type sizes in CSS pixels."""
STATUS_LINES = 3

COLOURS = {
    "wf-run": "#1971c2",
    "wf-failed": "#c92a2a",
    "wf-cold": "#c76a00",
    "wf-queue": "#868e96",
    "wf-delay": "#9c36b5",
    "wf-wait": "#868e96",
}
"""Class → its colour in a viewer that ignores the style sheet."""

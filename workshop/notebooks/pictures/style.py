"""The style of all pictures: colours, type sizes, and a canvas measured in CSS pixels."""

import io
import logging
from functools import lru_cache
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patheffects import Normal, Stroke
from matplotlib.textpath import TextPath
from PIL import Image

# On its first run on a machine, matplotlib logs that it builds its font cache.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)

WIDTH = 940
"""The width of every picture in CSS pixels."""
SHARPNESS = 2
"""Image pixels per CSS pixel."""
POINTS_TO_THE_INCH = 72
"""Matplotlib's points; a point of type is then a CSS pixel."""

FONT = "DejaVu Sans"  # part of matplotlib, so pictures are the same everywhere
SMALL, NORMAL, LARGE = 11, 12, 14
"""Type sizes in CSS pixels."""

INK = "#212529"
QUIET = "#5c636a"
LINE = "#ced4da"
BAND = "#f1f3f5"
PAPER = "#ffffff"
FAILED = "#c92a2a"

Colour = str | tuple[float, float, float]


def light(colour: str, share: float = 0.2) -> Colour:
    """Return a light tint: this share of the colour on white."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return (1 - share + red * share, 1 - share + green * share, 1 - share + blue * share)


def figure(height: float) -> Figure:
    """Return an empty white figure, `height` CSS pixels high."""
    inches = (WIDTH / POINTS_TO_THE_INCH, height / POINTS_TO_THE_INCH)
    return Figure(figsize=inches, dpi=POINTS_TO_THE_INCH * SHARPNESS, facecolor=PAPER)


def sheet(made: Figure) -> Axes:
    """Return axes over the whole figure, in CSS pixels from the upper left corner."""
    axes = made.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, made.get_figwidth() * POINTS_TO_THE_INCH)
    axes.set_ylim(made.get_figheight() * POINTS_TO_THE_INCH, 0)
    return axes


def chart(made: Figure, *, left: float, right: float, top: float, bottom: float) -> Axes:
    """Return axes with margins in CSS pixels and only the lower line drawn."""
    width = made.get_figwidth() * POINTS_TO_THE_INCH
    height = made.get_figheight() * POINTS_TO_THE_INCH
    box = (left / width, bottom / height, 1 - (left + right) / width, 1 - (top + bottom) / height)
    axes = made.add_axes(box)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(LINE)
    axes.tick_params(labelsize=SMALL, labelcolor=QUIET, color=LINE, labelfontfamily=FONT)
    axes.set_axisbelow(True)
    return axes


def write(axes: Axes, x: float, y: float, text: str, *, halo: bool = True, **style: Any) -> None:
    """Write a line of text in matplotlib's `style`; a halo separates it from lines."""
    usual: dict[str, Any] = {"size": SMALL, "color": INK, "family": FONT, "va": "center"}
    usual |= {"zorder": 5, "parse_math": False}  # show a dollar sign as it is
    written = axes.text(x, y, text, **(usual | style))
    if halo:
        written.set_path_effects([Stroke(linewidth=3, foreground=PAPER), Normal()])


@lru_cache(maxsize=512)
def text_width(text: str, size: float = SMALL, *, bold: bool = False) -> float:
    """Return how wide a text is, in CSS pixels."""
    if not text:
        return 0.0
    font = FontProperties(family=FONT, weight="bold" if bold else "normal")
    return float(TextPath((0, 0), text, size=size, prop=font).get_extents().x1)


def png(made: Figure) -> bytes:
    """Return the figure as a PNG of 256 colours: small, and the same bytes for the same drawing."""
    raw, written = io.BytesIO(), io.BytesIO()
    # A reader's own matplotlib settings would change the picture.
    with rc_context({"savefig.bbox": "standard", "savefig.facecolor": "auto"}):
        made.savefig(raw, format="rgba", dpi=made.dpi)
    size = made.canvas.get_width_height(physical=True)
    drawn = Image.frombytes("RGBA", size, raw.getvalue()).convert("RGB")
    drawn.quantize(256, dither=Image.Dither.NONE).save(written, format="PNG", optimize=True)
    return written.getvalue()

"""SVG elements, and how wide a text is."""

import re
from html import escape

from workshop.journeys.svg.style import COLOURS, NORMAL, SMALL

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def rect(
    classes: str, x: float, y: float, width: float, height: float, *, dashed: bool = False
) -> str:
    """Return a rectangle with its left edge at `x` and its middle at `y`."""
    colour = COLOURS.get(classes.partition(" ")[0], "#dee2e6")
    hollow = "wf-hollow" in classes
    stroke = f' stroke="{colour}"' if hollow else ""
    dashes = ' stroke-dasharray="3 2"' if dashed else ""
    return (
        f'<rect class="{classes}" x="{x:.1f}" y="{y - height / 2:g}" width="{width:.1f}" '
        f'height="{height:g}" rx="{min(2.0, width / 2, height / 2):.1f}" '
        f'fill="{"#ffffff" if hollow else colour}"{stroke}{dashes}/>'
    )


def arrow_head(x: float, y: float) -> str:
    """Return the head of an arrow that points to the right."""
    return f'<path class="wf-head" d="M{x:.1f} {y:g}l-6 -3v6z" fill="#5c636a"/>'


def label(
    x: float, y: float, text: str, *, size: int = NORMAL, classes: str = "", anchor: str = "start"
) -> str:
    """Return a line of text."""
    named = f' class="{classes.strip()}"' if classes.strip() else ""
    anchored = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return (
        f'<text{named} x="{x:.1f}" y="{y:g}" font-size="{size}" fill="#212529"{anchored}>'
        f"{text_of(text)}</text>"
    )


def text_of(value: str) -> str:
    """Return a text for XML: escaped, and without the characters that XML does not allow."""
    return escape(_NOT_IN_XML.sub("\ufffd", value), quote=True)


def width_of(text: str, size: float) -> float:
    """Return about how wide a text is in CSS pixels; fonts differ, so rather too wide."""
    return sum(_EMS.get(each, 0.72 if each.isupper() else 0.6) for each in text) * size


_EMS = (
    dict.fromkeys("ijl.,:;'|! ·", 0.34)
    | dict.fromkeys("frt()-", 0.44)
    | dict.fromkeys("mwMW", 0.92)
)
"""Character → its width in ems, where it differs from most."""


def shortened(text: str, width: float, size: float = SMALL) -> str:
    """Return as much of a text as fits; its end is an ellipsis if something is missing."""
    if width_of(text, size) <= width:
        return text
    while text and width_of(f"{text}…", size) > width:
        text = text[:-1]
    return f"{text.rstrip()}…" if text else ""

"""What the measured pictures of the documents share: an SVG's frame, text and ground."""

from collections.abc import Iterable
from html import escape

WIDTH, MARGIN = 900, 52
"""The width of each picture, and the distance of its title from the left edge, in pixels."""

_LIGHT = """
text { font: 12px system-ui, sans-serif; fill: #212529; }
.title { font-size: 15px; font-weight: 600; }
.name { font-size: 13px; font-weight: 600; }
.quiet { fill: #5c636a; }
.ground { fill: #ffffff; }
.grid { stroke: #dee2e6; }
.line { fill: none; stroke-width: 1.7; stroke-linejoin: round; }
""".strip()
_DARK = """
text { fill: #e9ecef; }
.quiet { fill: #adb5bd; }
.ground { fill: #16191d; }
.grid { stroke: #343a40; }
""".strip()


def document(
    title: str, body: Iterable[str], *, height: int, words: str, light: str, dark: str
) -> str:
    """Return a picture as SVG, readable on a light and on a dark page.

    Args:
        title: The line above the picture.
        body: The elements below it. Texts have the class `name` or `quiet`, the lines of a grid
            `grid`, and curves `line`.
        height: In pixels.
        words: What a screen reader says.
        light: The rules for the classes of this picture alone.
        dark: Those of these rules that differ on a dark page.
    """
    style = f"{_LIGHT}\n{light}\n@media (prefers-color-scheme: dark) {{\n{_DARK}\n{dark}\n}}"
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="title">'
        ),
        f'<title id="title">{escape(words)}</title>',
        f"<style>\n{style}\n</style>",
        f'<rect class="ground" width="{WIDTH}" height="{height}"/>',
        f'<text class="title" x="{MARGIN}" y="26">{escape(title)}</text>',
        *body,
        "</svg>",
    ]
    return "\n".join(parts) + "\n"

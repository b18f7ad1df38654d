"""The README's pictures of the board, from a real run with the demo's orders."""

import io
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console

from devtools import browsers
from workshop.board import process
from workshop.deployment.stack import Stack
from workshop.orders import demo, demo_recovery
from workshop.paths import ROOT

THEMES = ("light", "dark")
WIDTH, HEIGHT = 1280, 760
LABELS = ROOT / "docs/board-labels.txt"
"""What the pictures' page is labelled with: a test compares it with the page as it is now."""

_LABELLED = {"h1", "nav", "label", "legend", "button"}
_LEFT_OUT = {"select", "section"}
"""Their contents depend on the run."""
_COLOURS = 128


def path(theme: str) -> Path:
    """Return the path of a theme's picture."""
    return ROOT / f"docs/board-{theme}.png"


def make(stack: Stack) -> None:
    """Run the demo on a stack, and take the pictures.

    Raises:
        WorkshopError: There is no browser, or an order ended otherwise than expected.
    """
    quiet = Console(file=io.StringIO())
    board = process.start(stack.target.name)
    try:
        endings = demo.run(stack, quiet)
        demo_recovery.run(stack, quiet, first=len(endings) + 1)
        with sync_playwright() as playwright, browsers.launch(playwright) as browser:
            for theme in THEMES:
                page = _opened(browser, board.address, theme)
                _save(page.screenshot(), path(theme))
            LABELS.write_text("".join(f"{each}\n" for each in labels(page.content())), "utf-8")
    finally:
        process.stop(stack.target.name)


def labels(html: str) -> list[str]:
    """Return the headings, links and labels of a page of the board, in their order."""
    reader = _Labels()
    reader.feed(html)
    return list(dict.fromkeys(reader.found()))


def _opened(browser: Browser, address: str, theme: str) -> Page:
    """Open the events, and select one that failed three times and was redriven."""
    context = browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("body[data-connected=yes]")
    failed = page.locator("#events li").filter(has=page.locator(".mark[title*=tries]"))
    failed.first.locator("a[hx-get]").click()
    page.wait_for_selector("#detail h2")
    return page


def _save(screenshot: bytes, file: Path) -> None:
    """Save a picture with few colours: a fifth of the size, and nobody sees a difference."""
    picture = Image.open(io.BytesIO(screenshot)).convert("RGB")
    picture.quantize(_COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)


class _Labels(HTMLParser):
    """Collects the text of headings, of the menu, and of the labels of fields and buttons."""

    def __init__(self) -> None:
        super().__init__()
        self._open: list[str] = []
        self._left_out = 0
        self._texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _LEFT_OUT:
            self._left_out += 1
        elif tag in _LABELLED or "legend" in (dict(attrs).get("class") or "").split():
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _LEFT_OUT:
            self._left_out -= 1
        elif self._open and tag == self._open[-1]:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open and not self._left_out and data.strip():
            self._texts.append(" ".join(data.split()))

    def found(self) -> Iterator[str]:
        """Yield the labels."""
        yield from self._texts

"""All pages and notebooks with their text, read once in a test run."""

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from devtools.documents.links import Found, markdown
from devtools.documents.pages import pages, tracked
from workshop.paths import NOTEBOOKS, ROOT

PAGES = pages()
NOTEBOOK_PAGES = tracked(NOTEBOOKS, "*.ipynb")

text = cache(markdown)


def name(page: Path) -> str:
    """Return a page's path from the root."""
    return page.relative_to(ROOT).as_posix()


def problems(
    find: Callable[[str], Iterable[Found]], problem: Callable[[Path, str], str | None]
) -> list[str]:
    """Return what is wrong in all pages and notebooks, each with page and line.

    Args:
        find: Returns what to check in a page's text, with its line.
        problem: Returns what is wrong with it, or None.
    """
    return [
        f"{name(page)}:{line}: {wrong}"
        for page in (*PAGES, *NOTEBOOK_PAGES)
        for line, found in find(text(page))
        if (wrong := problem(page, found))
    ]

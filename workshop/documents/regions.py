"""Generated regions of a page: from `<!-- name: argument -->` to `<!-- end -->`."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from workshop.documents import (
    catalogue,
    command_list,
    exercise_list,
    pictures,
    quotes,
    stage_files,
)
from workshop.errors import UsageError
from workshop.paths import ROOT

Producer = Callable[[str, Path], str]
"""Takes a region's argument and the page it stands in; returns what belongs there, as Markdown."""

PRODUCERS: dict[str, Producer] = {
    "catalogue": catalogue.region,
    "commands": command_list.region,
    "exercises": exercise_list.region,
    "files": stage_files.region,
    "picture": pictures.region,
    "quote": quotes.region,
}
"""The name of a region → who writes it."""

_BEGIN = re.compile(r"<!-- ([a-z-]+)(?:: (.+))? -->")
_END = "<!-- end -->"
_FENCE = re.compile(r" *(```+|~~~+)")


@dataclass(frozen=True, slots=True)
class Region:
    """A generated region: its lines are those between `first` and `last`, which are the comments.

    Attributes:
        name: Who writes it.
        argument: What is asked for.
        first: Index of the line that begins it.
        last: Index of the line that ends it.
    """

    name: str
    argument: str
    first: int
    last: int


def regions(text: str, where: str) -> Iterator[Region]:
    """Yield the generated regions of a page, in their order.

    Args:
        text: the page.
        where: what to call it in a message.

    Raises:
        UsageError: One begins inside another, or does not end.
    """
    begun: Region | None = None
    for number, line in _outside_code(text):
        if line == _END:
            if begun is None:
                raise UsageError(f"{where}:{number + 1}: nothing begins that could end here.")
            yield replace(begun, last=number)
            begun = None
        elif (found := _BEGIN.fullmatch(line)) and found[1] in PRODUCERS:
            if begun is not None:
                break
            begun = Region(found[1], found[2] or "", number, number)
    if begun is not None:
        raise UsageError(f"{where}:{begun.first + 1}: this region does not end.")


def _outside_code(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that stand in no code block, with their index."""
    fence = ""
    for number, line in enumerate(text.splitlines()):
        mark = _FENCE.match(line)
        if not mark and not fence:
            yield number, line
        elif mark and not fence:
            fence = mark[1]
        elif mark and line.strip().startswith(fence):
            fence = ""


def fresh(page: Path, text: str) -> str:
    """Return a page's text with all its regions written anew; the rest stays byte for byte.

    Raises:
        UsageError: A region asks for what there is not; the message names page and line.
    """
    where = page.relative_to(ROOT).as_posix()
    lines = text.splitlines(keepends=True)
    written: list[str] = []
    done = 0
    for region in regions(text, where):
        try:
            body = PRODUCERS[region.name](region.argument, page)
        except UsageError as error:
            raise UsageError(f"{where}:{region.first + 1}: {error}") from error
        written += lines[done : region.first + 1]
        if body:
            written.append(body.rstrip("\n") + "\n")
        done = region.last
    return "".join(written + lines[done:])

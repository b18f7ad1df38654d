"""Generated regions of a page: from `<!-- name: argument -->` to `<!-- end -->`."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from markdown_it import MarkdownIt

from devtools.documents import (
    command_list,
    diagrams,
    event_catalogue,
    exercise_list,
    snippets,
    stage_files,
)
from devtools.scaling import tables
from workshop.errors import UsageError
from workshop.paths import ROOT

Producer = Callable[[str, Path], str]
"""Takes a region's argument and the page it stands in; returns what belongs there, as Markdown."""

PRODUCERS: dict[str, Producer] = {
    "catalogue": event_catalogue.region,
    "commands": command_list.region,
    "exercises": exercise_list.region,
    "files": stage_files.region,
    "picture": diagrams.region,
    "quote": snippets.region,
    "scaling": lambda name, _: tables.table(name),
}
"""The name of a region → who writes it."""

_COMMENT = re.compile(r"<!--\s*(.*?)\s*-->", re.DOTALL)
_END = "end"


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

    def __str__(self) -> str:
        """What the page calls it."""
        return f"{self.name}: {self.argument}" if self.argument else self.name


def regions(text: str, where: str) -> Iterator[Region]:
    """Yield the generated regions of a page, in their order.

    Args:
        text: the page.
        where: what to call it in a message.

    Raises:
        UsageError: One begins inside another, does not end, or stands where none can; or a comment
            is neither a region nor a code block's marker.
    """
    begun: Region | None = None
    for comment in _comments(text):
        name, _, argument = (part.strip() for part in comment.words.partition(":"))
        if name not in {_END, *PRODUCERS} and comment.marks_block:
            continue
        if fault := _fault(name, begun, alone=comment.alone):
            raise UsageError(f"{where}:{comment.line + 1}: {fault}")
        if begun is None:
            begun = Region(name, argument, comment.line, comment.line)
        else:
            yield replace(begun, last=comment.line)
            begun = None
    if begun is not None:
        raise UsageError(f"{where}:{begun.first + 1}: this region does not end.")


def _fault(name: str, begun: Region | None, *, alone: bool) -> str | None:
    """What is wrong with a comment, in words; None when nothing is."""
    if name not in {_END, *PRODUCERS}:
        return f"there is no region {name!r}; there are {', '.join(sorted(PRODUCERS))}."
    if not alone:
        return f"{name!r} needs a line of its own, not indented, in no other HTML."
    if name == _END and begun is None:
        return f"no region begins that could end here; there are {', '.join(sorted(PRODUCERS))}."
    if name != _END and begun is not None:
        return f"the region of line {begun.first + 1} does not end before this one begins."
    return None


@dataclass(frozen=True, slots=True)
class _Comment:
    line: int  # its index
    words: str
    alone: bool  # on a line of its own
    marks_block: bool  # right above a code block, or above another that is


def _comments(text: str) -> list[_Comment]:
    """Return a page's comments; what stands in a code block is none."""
    found: list[_Comment] = []
    marked = -1  # index of the line whose comment would say something of a code block
    for token in reversed(MarkdownIt("commonmark").parse(text)):
        first, last = token.map or (0, 0)
        if token.type == "fence":
            marked = first - 1
        elif token.type == "html_block":
            whole = _COMMENT.fullmatch(token.content.strip())
            marks = whole is not None and last - 1 == marked
            marked = first - 1 if marks else -1
            found += [
                _Comment(
                    line=first + token.content.count("\n", 0, each.start()),
                    words=each[1],
                    alone=token.level == 0 and each[0] == token.content.rstrip("\n"),
                    marks_block=marks,
                )
                for each in reversed(list(_COMMENT.finditer(token.content)))
            ]
        for child in reversed(token.children or []):
            if child.type == "html_inline" and (each := _COMMENT.fullmatch(child.content)):
                found.append(_Comment(first, each[1], alone=False, marks_block=False))
    return found[::-1]


def fresh(page: Path, text: str) -> str:
    """Return a page's text with all its regions written anew; the rest stays byte for byte.

    Raises:
        UsageError: A region asks for what there is not; the message names page and line.
    """
    return renewed(page, text)[0]


def renewed(page: Path, text: str) -> tuple[str, list[Region]]:
    """Return a page's text as `fresh` does, and which regions differ in it.

    Raises:
        UsageError: A region asks for what there is not; the message names page and line.
    """
    where = page.relative_to(ROOT).as_posix()
    lines = text.split("\n")
    written: list[str] = []
    changed = []
    done = 0
    for region in regions(text, where):
        try:
            body = PRODUCERS[region.name](region.argument, page)
        except UsageError as error:
            raise UsageError(f"{where}:{region.first + 1}: {error}") from error
        new = body.rstrip("\n").split("\n") if body else []
        if new != lines[region.first + 1 : region.last]:
            changed.append(region)
        written += lines[done : region.first + 1] + new
        done = region.last
    return "\n".join(written + lines[done:]), changed

"""A page as its code blocks, each with the markers on the lines before it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from markdown_it import MarkdownIt

from workshop.errors import UsageError

COMMANDS, OUTPUT, CHANGE = "sh", "text", "diff"
"""What is typed, what it prints, and what is changed by hand."""

SHOWN = ("hcl", "json", "mermaid", "py", "python", "toml", "yaml")
"""What is only read."""

MARKERS = ("not run", "run by", "exits", "types", "edit")
_MARKER = re.compile(r"\s*<!-- (not run|run by|exits|types|edit):? (\S.*) -->\s*")
_COMMENT = re.compile(r"\s*<!-- .* -->\s*")


@dataclass(frozen=True, slots=True)
class Block:
    """A code block of a page.

    Attributes:
        page: The page's name.
        line: Where its fence stands, counted from 1.
        language: The fence's word.
        text: What stands in it.
        markers: Name → what it says.
    """

    page: str
    line: int
    language: str
    text: str
    markers: Mapping[str, str]

    @property
    def where(self) -> str:
        """Page and line, as editors understand it."""
        return f"{self.page}:{self.line}"

    @property
    def left_out(self) -> bool:
        """Whether it is not run here; a marker says why, or what runs it."""
        return "not run" in self.markers or "run by" in self.markers

    @property
    def exit_code(self) -> int:
        """How its commands are to end."""
        return int(self.markers.get("exits", "0"))


def parse(text: str, page: str) -> list[Block]:
    """Return the code blocks of a page.

    Args:
        text: the page, as Markdown.
        page: what to call it in a message.

    Raises:
        UsageError: A block has no language, or one that nobody knows; or it misses a marker,
            or has one that does not belong to it.
    """
    lines = text.splitlines()
    blocks = []
    for token in MarkdownIt("commonmark").parse(text):
        if token.type == "fence" and token.map:
            start = token.map[0]
            language = token.info.strip()
            markers = _markers(lines, start, page) if _is_marked(language) else {}
            blocks.append(Block(page, start + 1, language, token.content, markers))
    for block in blocks:
        if fault := _fault(block):
            raise UsageError(f"{block.where}: {fault}")
    return blocks


def _is_marked(language: str) -> bool:
    return language in {COMMANDS, OUTPUT, CHANGE}


def _markers(lines: list[str], fence: int, page: str) -> dict[str, str]:
    """The markers on the lines right before a fence."""
    found = {}
    for number in range(fence - 1, -1, -1):
        line = lines[number]
        if not _COMMENT.fullmatch(line):
            break
        marker = _MARKER.fullmatch(line)
        if marker is None:
            raise UsageError(f"{page}:{number + 1}: no marker is called that: {line.strip()}")
        found[marker[1]] = marker[2]
    return found


def _fault(block: Block) -> str | None:
    """What is wrong with a block, in words; None when nothing is."""
    if not block.language:
        return "this block has no language."
    if not _is_marked(block.language):
        known = ", ".join((COMMANDS, OUTPUT, CHANGE, *SHOWN))
        return None if block.language in SHOWN else f"{block.language} is none of {known}."
    allowed = {COMMANDS: set(MARKERS) - {"edit"}, OUTPUT: set(), CHANGE: {"edit", "not run"}}
    if strange := block.markers.keys() - allowed[block.language]:
        return f"{', '.join(sorted(strange))} does not belong to a block of {block.language}."
    if block.language == CHANGE and not block.markers:
        return "which file is changed? <!-- edit: PATH -->"
    if not block.markers.get("exits", "0").isdecimal():
        return "exits takes an exit code."
    return None

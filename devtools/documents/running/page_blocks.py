"""The code blocks of a page, each with the markers on the lines before it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from markdown_it import MarkdownIt

from workshop.errors import UsageError

COMMANDS, OUTPUT, CHANGE = "sh", "text", "diff"
"""The commands, outputs and manual changes of a page."""

SHOWN = ("hcl", "json", "mermaid", "py", "python", "toml", "yaml")
"""Languages that are not run."""

MARKERS = ("not run", "run by", "exits", "types", "edit")
_MARKER = re.compile(r"\s*<!-- (not run|run by|exits|types|edit):? (\S.*) -->\s*")
_COMMENT = re.compile(r"\s*<!-- .* -->\s*")


@dataclass(frozen=True, slots=True)
class Block:
    """A code block of a page.

    Attributes:
        page: The page's name.
        line: The line of its fence, counted from 1.
        language: The fence's language.
        text: Its contents.
        markers: Name → value.
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
        """Return whether it is not run here; a marker gives the reason, or names the test."""
        return "not run" in self.markers or "run by" in self.markers

    @property
    def exit_code(self) -> int:
        """Return the expected exit code of its commands."""
        return int(self.markers.get("exits", "0"))


def parse(text: str, page: str) -> list[Block]:
    """Return the code blocks of a page.

    Args:
        text: The page, as Markdown.
        page: Its name in messages.

    Raises:
        UsageError: A block has no language or an unknown one, lacks a marker, or has a wrong one.
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
    """Return the markers on the lines right before a fence."""
    found = {}
    for number in range(fence - 1, -1, -1):
        line = lines[number]
        if not _COMMENT.fullmatch(line):
            break
        marker = _MARKER.fullmatch(line)
        if marker is None:
            raise UsageError(f"{page}:{number + 1}: there is no such marker: {line.strip()}")
        found[marker[1]] = marker[2]
    return found


def _fault(block: Block) -> str | None:
    """Return the problem with a block, in words; None if there is none."""
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

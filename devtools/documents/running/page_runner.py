"""Run a page's blocks in order, and report all differences from the page."""

from collections.abc import Iterable

from devtools.documents.running import comparison, page_blocks
from devtools.documents.running.editing import edit
from devtools.documents.running.page_blocks import Block
from devtools.documents.running.session import Done, Session
from workshop.errors import UsageError

LAST_LINES = 25
"""The number of lines of an output that are shown if its block failed."""


def play(page: Iterable[Block], session: Session) -> list[str]:
    """Run a page; return the differences, each with page and line.

    A block with another exit code than expected is the last one, because later blocks need it.

    Args:
        page: Its blocks.
        session: Runs them; it begins in the repository's root.
    """
    root = session.directory
    faults: list[str] = []
    done: Done | None = None
    for block in page:
        if block.language == page_blocks.OUTPUT and done:
            faults += _differences(block, done.output)
        if block.language == page_blocks.COMMANDS:
            done = None
        if block.left_out:
            continue
        if block.language == page_blocks.CHANGE:
            try:
                edit(root / block.markers["edit"], block.text)
            except UsageError as error:
                return [*faults, f"{block.where}: {error}"]
        if block.language == page_blocks.COMMANDS:
            done = session.run(block.text, block.markers.get("types", "") + "\n")
            too_early = done.failed and not block.text.rstrip().endswith(done.failed)
            if done.code != block.exit_code or too_early:
                return [*faults, _failure(block, done)]
    return faults


def _failure(block: Block, done: Done) -> str:
    how = "took too long" if done.code is None else f"ended with {done.code}"
    how += f" at {done.failed}" if done.failed else ""
    last = "\n".join(f"  {line}" for line in done.output.splitlines()[-LAST_LINES:])
    return f"{block.where}: this block {how}, not with {block.exit_code}. It said:\n{last}"


def _differences(sample: Block, output: str) -> list[str]:
    return [
        "\n".join(
            (
                f"{sample.page}:{sample.line + 1 + index}: the output has no (more) such line:",
                f"  {line}",
                "nearest to it:",
                *(f"  {each}" for each in comparison.nearest(line, output) or ["nothing"]),
            )
        )
        for index, line in comparison.missing(sample.text, output)
    ]

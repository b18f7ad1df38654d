"""The functions that a page's cog markers call; each writes what belongs below its marker."""

import functools
import sys
from collections.abc import Callable

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

PROLOGUE = f"from {__name__} import PRODUCERS; globals().update(PRODUCERS)"
"""What cog runs before each marker's code."""


def _for_cog(produce: Callable[..., str], *, page: bool = False) -> Callable[..., None]:
    """Return a function that lets cog write what another returns.

    Args:
        produce: returns Markdown.
        page: whether it takes the page's path, from where its links lead.
    """

    @functools.wraps(produce)
    def write(*arguments: object) -> None:
        cog = sys.modules["cog"]  # cog's own, about the page that it reads
        try:
            cog.outl(produce(*arguments, **({"page": ROOT / cog.inFile} if page else {})))
        except UsageError as error:
            cog.error(f"{cog.inFile}:{cog.firstLineNum}: {error}")

    return write


PRODUCERS: dict[str, Callable[..., None]] = {
    "command_list": _for_cog(command_list.command_list),
    "cost_table": _for_cog(tables.table),
    "diagram": _for_cog(diagrams.diagram),
    "event_catalogue": _for_cog(event_catalogue.part, page=True),
    "exercise_list": _for_cog(exercise_list.exercise_list),
    "settings": _for_cog(snippets.settings, page=True),
    "snippet": _for_cog(snippets.snippet, page=True),
    "stage_files": _for_cog(stage_files.stage_files, page=True),
}
"""Name in a marker → function."""

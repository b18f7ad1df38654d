"""The functions that a page's cog markers call; each writes the text below its marker."""

import functools
import sys
from collections.abc import Callable

from devtools.bench import memory
from devtools.documents import (
    access_tables,
    command_list,
    conformance,
    diagrams,
    event_catalogue,
    exercise_list,
    fifth_service,
    performance,
    reliability,
    snippets,
    stage_files,
)
from devtools.scaling import tables
from workshop.errors import UsageError
from workshop.paths import ROOT

PROLOGUE = f"from {__name__} import PRODUCERS; globals().update(PRODUCERS)"
"""What cog runs before each marker's code."""


def _for_cog(produce: Callable[..., str], *, page: bool = False) -> Callable[..., None]:
    """Return a function that writes another function's result with cog.

    Args:
        produce: Returns Markdown.
        page: Whether it takes the page's path, to which its links are relative.
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
    "access_table": _for_cog(access_tables.access_table),
    "command_list": _for_cog(command_list.command_list),
    "behaviour_tables": _for_cog(conformance.behaviour_tables, page=True),
    "conformance_counts": _for_cog(conformance.counts),
    "cost_table": _for_cog(tables.table),
    "diagram": _for_cog(diagrams.diagram),
    "difference_table": _for_cog(conformance.difference_table, page=True),
    "effect_table": _for_cog(conformance.effect_table),
    "edit": _for_cog(fifth_service.edit),
    "event_catalogue": _for_cog(event_catalogue.part, page=True),
    "exercise_list": _for_cog(exercise_list.exercise_list),
    "memory_table": _for_cog(memory.table),
    "performance_part": _for_cog(performance.part),
    "performance_table": _for_cog(performance.table),
    "reliability_list": _for_cog(reliability.list_of),
    "reliability_suites": _for_cog(reliability.suites),
    "found_defects": _for_cog(reliability.defects),
    "not_covered": _for_cog(reliability.covered),
    "settings": _for_cog(snippets.settings, page=True),
    "snippet": _for_cog(snippets.snippet, page=True),
    "stage_files": _for_cog(stage_files.stage_files, page=True),
}
"""Name in a marker → function."""

"""The exercises of a stage, as a table."""

from pathlib import Path

from workshop.errors import UsageError
from workshop.exercises.catalogue import exercises
from workshop.paths import stage_folder


def region(argument: str, page: Path) -> str:  # noqa: ARG001 - every producer is told the page
    """Return a stage's exercises: number and title.

    Args:
        argument: the stage's number.
        page: Where it will stand.

    Raises:
        UsageError: There is no such stage.
    """
    if not argument.isdecimal() or stage_folder(int(argument)) is None:
        raise UsageError(f"there is no stage {argument}")
    found = [each for each in exercises() if each.stage == int(argument)]
    if not found:
        return ""  # a test insists on two or three
    rows = ["| exercise | what it is about |", "|---|---|"]
    rows += [f"| {each.number} | {each.title} |" for each in found]
    return "\n".join(rows)

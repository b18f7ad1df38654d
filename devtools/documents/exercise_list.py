"""The exercises of a stage, as a table."""

from workshop.errors import UsageError
from workshop.exercises.catalogue import exercises


def exercise_list(stage: int) -> str:
    """Return a stage's exercises: number and title.

    Raises:
        UsageError: There is no such stage, or it has none.
    """
    found = [each for each in exercises() if each.stage == stage]
    if not found:
        raise UsageError(f"stage {stage} has no exercises")
    rows = ["| exercise | what it is about |", "|---|---|"]
    rows += [f"| {each.number} | {each.title} |" for each in found]
    return "\n".join(rows)

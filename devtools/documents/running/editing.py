"""A manual change as a lesson shows it: a diff without line numbers."""

from pathlib import Path

from workshop.errors import UsageError


def edit(path: Path, difference: str) -> None:
    """Make a change in a file.

    Args:
        path: The file.
        difference: Lines that begin with a blank (context), `-` (removed) or `+` (added).

    Raises:
        UsageError: The context and removed lines are not in the file exactly once.
    """
    before, after = _sides(difference)
    lines = path.read_text("utf-8").splitlines()
    places = [
        start
        for start in range(len(lines) - len(before) + 1)
        if lines[start : start + len(before)] == before
    ]
    if len(places) != 1:
        raise UsageError(f"{path.name} has the lines of this change {len(places)} times, not once.")
    start = places[0]
    changed = [*lines[:start], *after, *lines[start + len(before) :]]
    path.write_text("\n".join(changed) + "\n", "utf-8")


def _sides(difference: str) -> tuple[list[str], list[str]]:
    """Return the lines before and after the change."""
    before, after = [], []
    for line in difference.splitlines():
        sign, rest = line[:1] or " ", line[1:]
        if sign not in {" ", "+", "-"}:
            raise UsageError(f"A line of a change begins with a blank, + or -: {line}")
        if sign != "+":
            before.append(rest)
        if sign != "-":
            after.append(rest)
    if not before:
        raise UsageError("A change has at least one line that is in the file.")
    return before, after

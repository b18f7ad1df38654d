"""A change by hand, as a lesson shows it: a difference without line numbers."""

from pathlib import Path

from workshop.errors import UsageError


def edit(path: Path, difference: str) -> None:
    """Make a change in a file.

    Args:
        path: the file.
        difference: lines that begin with a blank (they stay), `-` (they go) or `+` (they come).

    Raises:
        UsageError: The lines that stay and go are not in the file, or more than once.
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
    """The lines before, and after."""
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
        raise UsageError("A change shows at least one line that is there.")
    return before, after

"""The notebooks as they lie in the repository."""

from collections.abc import Sequence
from pathlib import Path

from workshop.errors import UsageError
from workshop.paths import NOTEBOOKS

SANITISE = NOTEBOOKS / "sanitise.cfg"
"""What changes from run to run, and what stands in its place when outputs are compared."""


def paths(names: Sequence[str] = ()) -> list[Path]:
    """The notebooks of these names, or all of them, by number.

    Raises:
        UsageError: There is none of a name; the message lists those there are.
    """
    there = {path.stem: path for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
    wanted = [Path(name).stem for name in names] or list(there)
    if unknown := [name for name in wanted if name not in there]:
        raise UsageError(f"There is no notebook {', '.join(unknown)}: {', '.join(there)}.")
    return [there[name] for name in wanted]

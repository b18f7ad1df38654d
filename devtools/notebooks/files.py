"""The notebooks in the repository."""

from collections.abc import Sequence
from pathlib import Path

from workshop.errors import UsageError
from workshop.paths import NOTEBOOKS

SANITISE = NOTEBOOKS / "sanitise.cfg"
"""What differs from run to run, and its replacement in a comparison of outputs."""


def paths(names: Sequence[str] = ()) -> list[Path]:
    """Return the notebooks of these names, or all of them, by number.

    Raises:
        UsageError: A notebook does not exist; the message lists all notebooks.
    """
    there = {path.stem: path for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
    wanted = [Path(name).stem for name in names] or list(there)
    if unknown := [name for name in wanted if name not in there]:
        raise UsageError(f"There is no notebook {', '.join(unknown)}: {', '.join(there)}.")
    return [there[name] for name in wanted]

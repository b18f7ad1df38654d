"""The example of a fifth service: the files it edits outside its folder, as a page shows them."""

import re
from functools import cache

from workshop.errors import UsageError
from workshop.paths import ROOT

SERVICE = ROOT / "tests/stages/fifth_service"
"""The example, as a test deploys it: its folder, its contract, and the patch of all other edits."""
FOLDER = "07-loyalty"


def edit(path: str) -> str:
    """Return how the example changes a file, as a code block.

    Args:
        path: from the repository's root.

    Raises:
        UsageError: The example does not change this file.
    """
    if path not in _edits():
        raise UsageError(f"the fifth service does not change {path}: {', '.join(_edits())}")
    return f"\n<!-- not run: a part of edits.patch -->\n```diff\n{_edits()[path]}\n```"


def edited_files() -> list[str]:
    """Return the files outside the example's folder that it changes or adds."""
    added = (path.relative_to(SERVICE).as_posix() for path in SERVICE.glob("orderflow/**/*.json"))
    return [*_edits(), *sorted(added)]


@cache
def _edits() -> dict[str, str]:
    """Return file → its changed lines with their context."""
    patch = (SERVICE / "edits.patch").read_text("utf-8")
    found = re.findall(r"^\+\+\+ b/(.+)\n((?:[@ +-].*\n?)*)", patch, re.MULTILINE)
    return {path: re.sub(r"(?m)^@@ .*", "@@", hunks).strip("\n") for path, hunks in found}

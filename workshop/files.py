"""Reading and writing files. Standard library only: the bootstrap needs it."""

import os
from pathlib import Path, PurePath

_OF_TOOLS = {"__pycache__", "Thumbs.db", "desktop.ini"}


def is_leftover(path: PurePath) -> bool:
    """Return whether editors, file managers or Python leave files of such a name behind.

    Args:
        path: Relative to the folder that is looked through.
    """
    return any(
        part.startswith((".", "#")) or part.endswith(("~", "#", ".bak", ".orig", ".rej", ".swp"))
        for part in path.parts
    ) or bool(_OF_TOOLS & {*path.parts})


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file as a whole: whoever reads it finds the old content or the new.

    Args:
        path: The file; its folder exists.
        content: What it shall hold; text is written as UTF-8.

    Raises:
        OSError: It cannot be written; then it is as it was.
    """
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        unfinished.write_bytes(content.encode() if isinstance(content, str) else content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)

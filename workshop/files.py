"""Writing files. Standard library only: the bootstrap needs it."""

import os
from pathlib import Path


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

"""How much memory the server and its functions' interpreters hold."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Memory:
    """Resident memory, in bytes; None where the system does not tell (macOS, Windows)."""

    interpreters: int
    server_bytes: int | None
    interpreters_bytes: int | None

    @classmethod
    def of(cls, interpreters: list[int]) -> "Memory":
        """Measure this process and the interpreters with these process ids."""
        sizes = [_resident(pid) for pid in interpreters]
        known = [size for size in sizes if size is not None]
        complete = len(known) == len(sizes)
        return cls(len(interpreters), _resident(os.getpid()), sum(known) if complete else None)


def _resident(pid: int) -> int | None:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return None

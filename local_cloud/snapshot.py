"""A stored stack: what an orderly stop writes, and the next start restores.

Layout of ``<cloud directory>/state``: ``services.pickle`` (MiniStack's services),
``deliveries.json`` (the delivery log), ``lambda-blobs/`` (the functions' code) and
``snapshot.json``. The last one is written last and removed first: without it there is no snapshot.
"""

import json
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

FOLDER = "state"
SERVICES = "services.pickle"
DELIVERIES = "deliveries.json"
_INDEX = "snapshot.json"
_FORMAT = 1


@dataclass(frozen=True)
class Snapshot:
    """What a start must know to restore a stored stack.

    Attributes:
        boot_id: identifies the contents; the restored cloud has the same.
        port: where the stack must be served: its URLs, and Terraform's state, name it.
        ministack: the version of MiniStack that wrote it.
        dropped: how many events still waited for a retry when the stop could wait no longer.
        format: of the files.
    """

    boot_id: str
    port: int
    ministack: str
    dropped: int = 0
    format: int = _FORMAT


def read(directory: Path) -> Snapshot | None:
    """Return the snapshot in a cloud's directory; None when there is none that can be read."""
    try:
        found = Snapshot(**json.loads((directory / FOLDER / _INDEX).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return found if found.format == _FORMAT else None


def write(directory: Path, snapshot: Snapshot, services: bytes, deliveries: str) -> None:
    """Store a stack; a write that is cut off leaves no snapshot.

    Args:
        directory: the cloud's directory.
        snapshot: what a start must know.
        services: the state of MiniStack's services.
        deliveries: the delivery log, as JSON.
    """
    folder = directory / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    consume(directory)
    (folder / SERVICES).write_bytes(services)
    (folder / DELIVERIES).write_text(deliveries, encoding="utf-8")
    draft = folder / f"{_INDEX}.new"
    draft.write_text(json.dumps(asdict(snapshot)), encoding="utf-8")
    draft.replace(folder / _INDEX)


def consume(directory: Path) -> None:
    """Take back the snapshot: what runs from here on differs from it."""
    (directory / FOLDER / _INDEX).unlink(missing_ok=True)


def set_aside(directory: Path) -> None:
    """Keep a snapshot that cannot be restored under another name, and only the newest."""
    aside = directory / f"{FOLDER}.unreadable"
    shutil.rmtree(aside, ignore_errors=True)
    with suppress(FileNotFoundError):
        (directory / FOLDER).rename(aside)


def discard(directory: Path) -> None:
    """Remove a snapshot and everything it holds."""
    consume(directory)
    with suppress(FileNotFoundError):
        shutil.rmtree(directory / FOLDER)

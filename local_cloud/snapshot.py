"""A stored stack: a normal stop writes it, and the next start restores it.

Layout of ``<cloud directory>/state``: ``services.pickle`` (MiniStack's services),
``deliveries.json`` (the delivery log), ``lambda-blobs/`` (the functions' code) and
``snapshot.json``. The last one is written last and removed first: without it there is no snapshot.
"""

import json
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from local_cloud.errors import LocalCloudError

FOLDER = "state"
SERVICES = "services.pickle"
DELIVERIES = "deliveries.json"
_INDEX = "snapshot.json"
_FORMAT = 1


@dataclass(frozen=True)
class Snapshot:
    """What a start needs to restore a stored stack.

    Attributes:
        boot_id: Identifies the contents; the restored cloud has the same.
        port: The port of the stack: its URLs and Terraform's state contain it.
        ministack: The version of MiniStack that wrote it.
        dropped: The number of events that still waited for a retry when the stop ended its wait.
        format: The version of the files' format.
    """

    boot_id: str
    port: int
    ministack: str
    dropped: int = 0
    format: int = _FORMAT


def read(directory: Path) -> Snapshot | None:
    """Return the snapshot in a cloud's directory; None when there is none, or it is damaged.

    Raises:
        LocalCloudError: The system does not let it be read: whether there is one is unknown.
    """
    path = directory / FOLDER / _INDEX
    try:
        found = Snapshot(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    except OSError as error:
        msg = f"{path} cannot be read ({error.strerror}). Fix that, then run this again."
        raise LocalCloudError(msg) from error
    return found if found.format == _FORMAT else None


def write(directory: Path, snapshot: Snapshot, services: bytes, deliveries: str) -> None:
    """Store a stack; an interrupted write leaves no snapshot.

    Args:
        directory: The cloud's directory.
        snapshot: What a start needs.
        services: The state of MiniStack's services.
        deliveries: The delivery log, as JSON.
    """
    consume(directory)
    _write_parts(directory, services, deliveries)
    folder = directory / FOLDER
    draft = folder / f"{_INDEX}.new"
    draft.write_text(json.dumps(asdict(snapshot)), encoding="utf-8")
    draft.replace(folder / _INDEX)


def check_writable(directory: Path, services: bytes, deliveries: str) -> None:
    """Write a snapshot without its index, to check that the disk has space.

    Args:
        directory: The cloud's directory.
        services: As for `write`.
        deliveries: As for `write`.

    Raises:
        OSError: It has not; the written files are removed.
    """
    try:
        _write_parts(directory, services, deliveries)
    except OSError:
        for name in (SERVICES, DELIVERIES):
            with suppress(OSError):
                (directory / FOLDER / name).unlink()
        raise


def _write_parts(directory: Path, services: bytes, deliveries: str) -> None:
    folder = directory / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SERVICES).write_bytes(services)
    (folder / DELIVERIES).write_text(deliveries, encoding="utf-8")


def consume(directory: Path) -> None:
    """Delete the snapshot's index, because the running stack changes from now on."""
    (directory / FOLDER / _INDEX).unlink(missing_ok=True)


def set_aside(directory: Path) -> None:
    """Rename a snapshot that cannot be restored; only the newest of these is kept."""
    aside = directory / f"{FOLDER}.unreadable"
    shutil.rmtree(aside, ignore_errors=True)
    with suppress(FileNotFoundError):
        (directory / FOLDER).rename(aside)


def discard(directory: Path) -> None:
    """Remove a snapshot and everything it holds."""
    consume(directory)
    with suppress(FileNotFoundError):
        shutil.rmtree(directory / FOLDER)

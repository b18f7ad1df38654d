"""The board's process: serve it here, or start it in the background and find it again."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from local_cloud import processes
from local_cloud.ports import is_free
from workshop.board.address import address_of
from workshop.deployment.stack import CLOUD_VARIABLE
from workshop.errors import EXPECTED, UsageError, WorkshopError
from workshop.paths import CLOUDS, ROOT

FIRST_PORT = 4600
"""The board's usual port; the next free one is taken when it is in use."""

_TRIED = 50
_MOST_PIDS, _MOST_PORTS = 2**31, 2**16
_FILE = "board.json"
_START_SECONDS = 30.0
_POLL = 0.05
_CHECK = 1.0
"""Seconds between two looks at whether the board is still the one of its cloud."""
_STACK_CHECK = 30.0
"""Seconds between two looks at the stack."""
STOPPED_SECONDS = 600.0
"""A board in the background ends when its cloud has been stopped for so many seconds."""


@dataclass(frozen=True)
class Running:
    """A board that runs: its process, port and token."""

    pid: int
    port: int
    token: str

    @property
    def address(self) -> str:
        """The address to open, with the token."""
        return address_of(self.port, self.token)

    @property
    def site(self) -> str:
        """The address without the token."""
        return self.address.partition("?")[0]


def running(name: str) -> Running | None:
    """Return the board of a cloud; None if none runs."""
    return _running(_path(name))


def _running(path: Path) -> Running | None:
    found = _stored(path)
    words = ("workshop", "board")
    # Where a process does not show its arguments, as on Windows, its port has to do.
    if found is None or any(processes.mentions(found.pid, each) is False for each in words):
        return None
    return None if is_free(found.port) else found


def _stored(path: Path) -> Running | None:
    with suppress(OSError, ValueError, TypeError, RecursionError):
        found = Running(**json.loads(path.read_text("utf-8")))
        if 0 < found.pid < _MOST_PIDS and 0 < found.port < _MOST_PORTS:
            return Running(int(found.pid), int(found.port), str(found.token))
    return None


def stop(name: str) -> bool:
    """End the board of a cloud; return whether one was running."""
    return _stop(_path(name))


def stop_all(clouds: Path) -> int:
    """End the boards of all clouds; return their number.

    Args:
        clouds: The folder with a folder for each cloud.
    """
    return sum(_stop(path) for path in sorted(clouds.glob(f"*/{_FILE}")))


def _stop(path: Path) -> bool:
    found = _running(path)
    if found is not None:
        processes.end(found.pid)
    path.unlink(missing_ok=True)  # also what a killed board left
    return found is not None


def start(name: str) -> Running:
    """Start the board of a cloud in the background, unless it runs already.

    Raises:
        WorkshopError: It does not start; the message names its log.
    """
    if (found := running(name)) is not None:
        return found
    log = CLOUDS / name / "board.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "workshop", "board", "--background"],
            cwd=ROOT,
            env=os.environ | {CLOUD_VARIABLE: name},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    processes.children.append(child)
    deadline = time.monotonic() + _START_SECONDS
    while (found := running(name)) is None:
        if child.poll() is not None or time.monotonic() > deadline:
            raise WorkshopError(f"The board does not start. Its log: {log}")
        time.sleep(_POLL)
    return found


def listen(port: int | None) -> socket.socket:
    """Return a socket that listens on the loopback address.

    Args:
        port: The port; None for the first free one.

    Raises:
        UsageError: The port is in use, or none of the first fifty is free.
    """
    for each in (port,) if port else range(FIRST_PORT, FIRST_PORT + _TRIED):
        found = socket.socket()
        if os.name == "posix":  # a connection that just ended does not count
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind(("127.0.0.1", each))
            found.listen()
        except OSError:
            found.close()
        else:
            return found
    if port:
        raise UsageError(f"Port {port} is in use. Leave out --port, and a free one is taken.")
    raise UsageError(
        f"No port from {FIRST_PORT} to {FIRST_PORT + _TRIED - 1} is free. Choose one: "
        "make board ARGS=--port=8080"
    )


def register(name: str, found: Running) -> None:
    """Store where a board runs; only its owner may read the file, because it has the token."""
    path = _path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(found), file)


def unregister(name: str, found: Running) -> None:
    """Remove what `register` stored, unless another board has stored itself since then."""
    if _stored(_path(name)) == found:
        _path(name).unlink(missing_ok=True)


def watch(
    name: str, found: Running, end: Callable[[], None], stack: Callable[[], object] | None
) -> None:
    """End a board, from a thread of its own, when it is of no use any more.

    That is when the file of `register` is gone or names another board. A board in the background
    also ends when its cloud has been stopped for ten minutes.

    Args:
        name: The cloud's name.
        found: The board.
        end: Ends it; is called once.
        stack: Raises an expected error if the cloud is stopped; None if that ends nothing.
    """

    def run() -> None:
        checked = up = time.monotonic()
        while _stored(_path(name)) == found:
            time.sleep(_CHECK)
            now = time.monotonic()
            if stack is None or now < checked + _STACK_CHECK:
                continue
            checked = now
            try:
                stack()
                up = now
            except EXPECTED:
                if now > up + STOPPED_SECONDS:
                    break
        end()

    threading.Thread(target=run, daemon=True).start()


def _path(name: str) -> Path:
    return CLOUDS / name / _FILE

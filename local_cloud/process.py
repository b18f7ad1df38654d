"""The local cloud as a process: started once, found again, stopped."""

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from local_cloud import environment, ports, processes, snapshot
from local_cloud.control import Control
from local_cloud.environment import ACCOUNT_ID
from local_cloud.errors import LocalCloudError, NoAnswerError
from local_cloud.locking import LockHeldError, exclusive, is_held
from local_cloud.ministack.version_check import MINISTACK
from local_cloud.protocol import (
    EXIT_PORT_IN_USE,
    EXIT_SNAPSHOT_UNREADABLE,
    LOG_FILE,
    SERVER_FILE,
    SERVER_LOCK,
    START_LOCK,
    STATE_FILE,
    STOPPING_FILE,
)
from local_cloud.settings import Settings
from local_cloud.snapshot import Snapshot

__all__ = ["ACCOUNT_ID", "LocalCloud", "LocalCloudError", "Running"]

_READY_TIMEOUT = 60.0
_STOP_TIMEOUT = 10.0
_KEEP_TIMEOUT = 120.0
"""How long an orderly stop may take that waits for events and stores the stack, in seconds."""
_ANSWER_TIMEOUT = 20.0
"""How long a local cloud is waited for that lives and does not answer, in seconds."""
_LOCK_TIMEOUT = 90.0
_POLL = 0.05
_LOG_LINES = 15

_LAUNCH = Path(__file__).with_name("launch.py")
_STATE_TYPES = {"pid": int, "port": int, "boot_id": str}


@dataclass(frozen=True)
class Running:
    """A local cloud that answers.

    Attributes:
        endpoint_url: where, such as http://127.0.0.1:4566.
        boot_id: identifies the contents. A Terraform state made under another boot id is stale:
            only a start that restores a stored stack has the boot id of an earlier start.
        pid: the server's process.
        port: the port in the URL.
    """

    endpoint_url: str
    boot_id: str
    pid: int
    port: int

    @property
    def control(self) -> Control:
        """Return its control client."""
        return Control(self.endpoint_url)


class _PortTakenError(Exception):
    """The server found its port taken."""


class _UnreadableSnapshotError(Exception):
    """The server could not restore the stored stack."""


class LocalCloud:
    """One local cloud, which is one directory.

    Args:
        directory: where it keeps everything, such as .workshop/clouds/default.
        python: the interpreter that holds MiniStack and boto3, and nothing else.
        settings: other fields of `Settings`, such as `concurrency`.
    """

    def __init__(self, directory: Path, python: Path, **settings: Any) -> None:
        # Not resolved: an interpreter of a virtual environment is known by the path of its link.
        self.directory = directory.absolute()
        self._python = python.absolute()
        self._settings = partial(Settings, directory=str(self.directory), **settings)

    @property
    def log(self) -> Path:
        """Return the path of the server's log; the log of the start before is next to it."""
        return self.directory / LOG_FILE

    def start(self, port: int | None = None, *, restore: str | None = None) -> Running:
        """Start it, unless it runs already; wait until it answers.

        Args:
            port: where to serve; None for 4566, or the next port that is free and that no stored
                stack in a directory next to this one needs. A cloud that runs is returned wherever
                it serves.
            restore: the boot id of the stored stack to continue with, at its own port; any other
                is discarded. One that cannot be restored is set aside, and the cloud starts empty,
                with another boot id.

        Raises:
            LocalCloudError: the port is in use, or the server does not come up.
            NoAnswerError: it runs and does not answer. Nothing was changed.
        """
        if (running := self.running()) is not None:
            return running
        if not self._python.exists():
            msg = f"There is no {self._python}. Run `python -m workshop setup` to make it."
            raise LocalCloudError(msg)
        self.directory.mkdir(parents=True, exist_ok=True)
        with self._alone():
            if (running := self.running()) is not None:
                return running
            self._await_stop()
            self._forget()
            if (stored := self.stored()) is not None and stored.boot_id == restore:
                with suppress(_UnreadableSnapshotError):
                    return self._restart(stored, port)
                snapshot.set_aside(self.directory)
            self.discard_stored()
            return self._start_anywhere() if port is None else self._start_on(port)

    def stored(self) -> Snapshot | None:
        """Return what the last stop stored; None when nothing is stored that can be restored.

        A stop that is under way is waited for.

        Raises:
            NoAnswerError: that stop does not end.
            LocalCloudError: what is stored cannot be read.
        """
        self._await_stop()
        found = snapshot.read(self.directory)
        return found if found and found.ministack == MINISTACK else None

    def discard_stored(self) -> None:
        """Remove what the last stop stored."""
        snapshot.discard(self.directory)

    def running(self) -> Running | None:
        """Return the running cloud; None when its process has ended or stores its stack to end.

        Raises:
            NoAnswerError: its process lives and does not answer. It may be paused, or the machine
                busy: nothing may be concluded from that.
        """
        deadline = time.monotonic() + _ANSWER_TIMEOUT
        while self._stopping() is None:
            if (found := self._answering()) is not None:
                return found
            if not self._lives():
                return None
            if time.monotonic() > deadline:
                raise self._no_answer()
            time.sleep(_POLL)
        return None

    def _answering(self) -> Running | None:
        """Return the cloud if it answers now."""
        state = self._state()
        if state is None or not processes.alive(state["pid"]):
            return None
        endpoint_url = ports.url(state["port"])
        try:
            status = Control(endpoint_url, _ANSWER_TIMEOUT).status()
        except LocalCloudError:
            return None
        if status.boot_id != state["boot_id"]:
            return None  # another one has its port
        return Running(endpoint_url, status.boot_id, status.pid, status.port)

    def _lives(self) -> bool:
        """Return whether a server of this directory lives, whether or not it answers.

        The system frees the server's lock when the process ends, however it ends.
        """
        if not is_held(self.directory / SERVER_LOCK):
            return False
        state = self._state()
        return state is None or processes.mentions(state["pid"], state["boot_id"]) is not False

    def _no_answer(self) -> NoAnswerError:
        state = self._state()
        process = f" (process {state['pid']})" if state else ""
        return NoAnswerError(
            f"The local cloud{process} runs and does not answer. It may be paused, or the machine "
            "busy: its orders are kept. Run the same command again later. If it never answers, "
            "remove it and all it holds: make down ARGS=--discard"
        )

    def stop(self, *, keep: bool = False) -> bool:
        """Stop it. Nothing but our own process is ever touched.

        Args:
            keep: whether to store the stack for the next start; `stored` says whether it was.
                The process is then asked to end, and never killed. Otherwise it is killed when it
                does not end.

        Returns:
            Whether there was anything to stop.

        Raises:
            LocalCloudError: the process does not end, or goes on as its stack cannot be stored.
            NoAnswerError: it does not answer, and its stack is to be stored. It goes on.
        """
        if not self.directory.exists():
            return False
        with self._alone():
            if keep:
                return self._stop_and_keep()
            try:
                self._await_stop()
                running = self.running()
            except NoAnswerError:
                running = None
            stopped = self._stop(running)
            self.discard_stored()
            return stopped

    def _stop_and_keep(self) -> bool:
        self._await_stop()
        if (running := self.running()) is None:
            return False
        running.control.stop(keep=True)
        if not processes.ended(running.pid, _KEEP_TIMEOUT):
            raise self._no_answer()
        self._forget()
        return True

    def _stop(self, running: Running | None) -> bool:
        """Ask it to end, then kill it; whether there was anything to end."""
        if running is None:
            return self._end_left_over()
        with suppress(LocalCloudError):
            running.control.stop()
        if not processes.ended(running.pid, _STOP_TIMEOUT):
            self._end(running.pid)
        self._forget()
        return True

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else starts or stops this cloud meanwhile."""
        try:
            with exclusive(self.directory / START_LOCK, timeout=_LOCK_TIMEOUT):
                yield
        except LockHeldError as error:
            msg = f"Another process has been starting or stopping this cloud for too long: {error}"
            raise LocalCloudError(msg) from error

    def _stopping(self) -> int | None:
        """Return the process that stores its stack and then ends; None if there is none."""
        state = self._state()
        if state is None or not (self.directory / STOPPING_FILE).exists():
            return None
        return state["pid"] if self._lives() else None

    def _await_stop(self) -> None:
        """Wait for a stop that another command began, or the system."""
        if (pid := self._stopping()) is not None and not processes.ended(pid, _KEEP_TIMEOUT):
            raise self._no_answer()

    def _state(self) -> dict[str, Any] | None:
        """Return the state that the server wrote; None if there is none, or it is damaged."""
        for name in (STATE_FILE, SERVER_FILE):
            with suppress(OSError, ValueError, KeyError, TypeError):
                state = json.loads((self.directory / name).read_text(encoding="utf-8"))
                return {key: kind(state[key]) for key, kind in _STATE_TYPES.items()}
        return None

    def _forget(self) -> None:
        for name in (STATE_FILE, SERVER_FILE, STOPPING_FILE):
            (self.directory / name).unlink(missing_ok=True)

    def _end_left_over(self) -> bool:
        """End a server of this directory that does not answer; whether there was one."""
        state, found = self._state(), self._lives()
        if found and state is None:
            msg = f"A local cloud runs in {self.directory} that cannot be identified: end it first."
            raise LocalCloudError(msg)
        if state is not None and found:
            self._end(state["pid"])
        self._forget()
        return found

    def _end(self, pid: int) -> None:
        if not processes.end(pid):
            msg = f"The local cloud's process {pid} does not end. Its log: {self.log}"
            raise LocalCloudError(msg)

    def _start_anywhere(self) -> Running:
        needed = self._needed_elsewhere()
        for port in sorted(ports.candidates(), key=lambda port: (port in needed, port)):
            with suppress(_PortTakenError):  # by someone else, in this very moment
                return self._launch(port)
        msg = f"No port near {ports.DEFAULT} is free. Give another one."
        raise LocalCloudError(msg)

    def _needed_elsewhere(self) -> set[int]:
        """Return the ports of the clouds next to this one: a stopped stack needs its own again."""
        needed = set()
        for folder in self.directory.parent.iterdir():
            with suppress(LocalCloudError):
                if (stored := snapshot.read(folder)) is not None:
                    needed.add(stored.port)
        return needed

    def _start_on(self, port: int) -> Running:
        if not 0 < port < 2**16:
            msg = f"{port} is no port: give one from 1 to 65535."
            raise LocalCloudError(msg)
        if ports.is_free(port):
            with suppress(_PortTakenError):
                return self._launch(port)
        msg = (
            f"Port {port} is in use by {ports.user_of(port)}. Stop that, give another port, "
            "or give none: then the next free one is taken."
        )
        raise LocalCloudError(msg)

    def _restart(self, stored: Snapshot, port: int | None) -> Running:
        """Start with a stored stack, whose URLs name its port."""
        if port not in {None, stored.port}:
            raise LocalCloudError(
                f"The stored stack needs port {stored.port}: its URLs name it. Leave the port out, "
                "or start empty: make down ARGS=--discard"
            )
        if ports.is_free(stored.port):
            with suppress(_PortTakenError):
                return self._launch(stored.port, stored)
        raise LocalCloudError(
            f"Port {stored.port}, which the stored stack needs, is in use by "
            f"{ports.user_of(stored.port)}. End that, or start empty: make down ARGS=--discard"
        )

    def _launch(self, port: int, stored: Snapshot | None = None) -> Running:
        boot_id = stored.boot_id if stored else secrets.token_hex(8)
        settings = self._settings(port=port, boot_id=boot_id, restore=stored is not None)
        if self.log.exists():
            self.log.replace(self.log.with_name("cloud.previous.log"))
        with self.log.open("wb") as log:
            child = subprocess.Popen(
                # Isolated: Python ignores PYTHON… variables, the user site and the script's folder.
                [str(self._python), "-I", "-u", str(_LAUNCH), settings.to_json()],
                cwd=self.directory,
                env=environment.make(settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                **_detached(),
            )
        processes.children.append(child)
        return self._wait_ready(child, settings)

    def _wait_ready(self, child: "subprocess.Popen[bytes]", settings: Settings) -> Running:
        deadline = time.monotonic() + _READY_TIMEOUT
        while child.poll() is None:
            running = self._answering()
            if running is not None and running.boot_id == settings.boot_id:
                return running
            if time.monotonic() > deadline:
                if settings.restore:  # it has orders: do not kill it because it is slow
                    raise self._no_answer()
                child.kill()
                child.wait()
                raise self._did_not_start(f"was not ready after {_READY_TIMEOUT:.0f} s")
            time.sleep(_POLL)
        if child.returncode == EXIT_PORT_IN_USE:
            raise _PortTakenError
        if child.returncode == EXIT_SNAPSHOT_UNREADABLE:
            raise _UnreadableSnapshotError
        raise self._did_not_start(f"ended while it started, with status {child.returncode}")

    def _did_not_start(self, how: str) -> LocalCloudError:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        shown = "\n".join(f"  {line}" for line in lines[-_LOG_LINES:]) or "  (nothing)"
        return LocalCloudError(f"The local cloud {how}. The end of its log, {self.log}:\n{shown}")


def _detached() -> dict[str, Any]:
    """Return the options for a process that outlives this one and its terminal."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}

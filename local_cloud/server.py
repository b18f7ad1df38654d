"""The server process: MiniStack behind the adapter, from start to graceful stop."""

import asyncio
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from local_cloud import garbage_collection, snapshot
from local_cloud.delivery.permission_log import PermissionLog
from local_cloud.delivery.wiring import Parts
from local_cloud.endpoints.control_api import ControlApi
from local_cloud.endpoints.retry_cache import Repeats
from local_cloud.errors import NotStorableError
from local_cloud.locking import LockHeldError, exclusive
from local_cloud.ministack.version_check import MINISTACK, IncompatibleError, check
from local_cloud.processes import allow_open_files
from local_cloud.protocol import (
    EXIT_DIRECTORY_IN_USE,
    EXIT_INCOMPATIBLE,
    EXIT_PORT_IN_USE,
    EXIT_SNAPSHOT_UNREADABLE,
    SERVER_FILE,
    SERVER_LOCK,
    STATE_FILE,
    STOPPING_FILE,
)
from local_cloud.settings import Settings

_log = logging.getLogger("local_cloud")

_LAST_RESORT = 5.0
"""Seconds after the grace period after which the process must have ended."""
_POLL = 0.05
_LOOKS = 20
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_RETRY = 1.0
"""Seconds until a stack that could not be stored is stored again."""


def main(settings_json: str) -> int:
    """Serve until the process should stop; return the exit status."""
    settings = Settings.from_json(settings_json)
    allow_open_files()
    directory = Path(settings.directory)
    try:
        with exclusive(directory / SERVER_LOCK, timeout=1.0):
            own = {"pid": os.getpid(), "port": settings.port, "boot_id": settings.boot_id}
            (directory / SERVER_FILE).write_text(json.dumps(own), encoding="utf-8")
            check()
            return _serve(settings)
    except LockHeldError:
        _say(f"Another local cloud already runs in {directory}.")
        return EXIT_DIRECTORY_IN_USE
    except IncompatibleError as error:
        _say(str(error))
        return EXIT_INCOMPATIBLE


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")


def _serve(settings: Settings) -> int:
    # Importing MiniStack reads the environment and takes a second, so only now.
    from hypercorn.asyncio import serve  # type: ignore[import-not-found]  # noqa: PLC0415
    from hypercorn.config import Config  # type: ignore[import-not-found]  # noqa: PLC0415
    from ministack.app import app  # noqa: PLC0415
    from ministack.core import lambda_runtime  # noqa: PLC0415

    from local_cloud.endpoints.request_check import RequestCheck  # noqa: PLC0415 - uses botocore
    from local_cloud.ministack import service_state  # noqa: PLC0415 - now: code may change later
    from local_cloud.ministack.emulator import MiniStackCloud  # noqa: PLC0415
    from local_cloud.ministack.patches import install  # noqa: PLC0415

    permissions = PermissionLog()
    parts = Parts(settings, MiniStackCloud(permissions), permissions=permissions)
    install(parts)
    if settings.restore and not _restored(parts, service_state.restore):
        return EXIT_SNAPSHOT_UNREADABLE
    directory = Path(settings.directory)
    config = Config()
    config.bind = [f"127.0.0.1:{settings.port}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1.0
    keep = threading.Event()
    keep.set()  # ended by the system, the stack is kept, too

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()

        def end(kept: bool) -> None:  # noqa: FBT001 - the control API's signature
            (keep.set if kept else keep.clear)()
            loop.call_soon_threadsafe(stop.set)

        for name in _SIGNALS:
            signal.signal(name, lambda *_: end(kept=True))

        async def stopped() -> None:
            snapshot.consume(directory)  # the port is ours: from here on the stack changes
            _write_state(settings)
            await stop.wait()
            if keep.is_set():
                _mark_stopping(settings)
            await asyncio.to_thread(_drain, parts, settings.drain if keep.is_set() else 0)

        garbage_collection.start()
        served = app if settings.bare else RequestCheck(app)
        ask_to_end = _checked(parts, service_state.collect, end)
        application = ControlApi(parts, Repeats(served), ask_to_end, stop.is_set)
        await serve(application, config, shutdown_trigger=stopped, mode="asgi")
        # Ends every function, so that none changes anything or makes this process wait.
        await asyncio.to_thread(lambda_runtime.reset)

    try:
        asyncio.run(run())
        if keep.is_set():
            _keep(parts, service_state.collect)
            _end_at_the_latest(_LAST_RESORT)
    except OSError as error:
        _say(f"Port {settings.port} cannot be used: {error}")
        return EXIT_PORT_IN_USE
    finally:
        lambda_runtime.reset()
        for name in (STATE_FILE, STOPPING_FILE):
            (directory / name).unlink(missing_ok=True)
    return 0


def _restored(parts: Parts, restore: Callable[[bytes], None]) -> bool:
    """Restore the stored stack; return whether it could be read."""
    folder = Path(parts.settings.directory) / snapshot.FOLDER
    try:
        restore((folder / snapshot.SERVICES).read_bytes())
        parts.journal.restore(json.loads((folder / snapshot.DELIVERIES).read_text("utf-8")))
    except Exception:  # noqa: BLE001 - after any error, the cloud starts empty
        _log.exception("the stored stack cannot be restored")
        return False
    return True


def _mark_stopping(settings: Settings) -> None:
    """Show commands that this process stores its stack and then ends."""
    with suppress(OSError):  # a full disk: they wait in any case, because the lock is held
        path = Path(settings.directory) / STOPPING_FILE
        path.write_text(settings.boot_id, encoding="utf-8")


def _checked(
    parts: Parts, collect: Callable[[], bytes], end: Callable[[bool], None]
) -> Callable[[bool], None]:
    """Return an `end` that raises NotStorableError if the stack should be stored and cannot be."""

    def checked(kept: bool) -> None:  # noqa: FBT001 - the control API's signature
        if kept:
            _check_storable(parts, collect)
        end(kept)

    return checked


def _check_storable(parts: Parts, collect: Callable[[], bytes]) -> None:
    """Check that the stack can be stored before anything stops.

    Raises:
        NotStorableError: It cannot.
    """
    try:
        services, deliveries = _contents(parts, collect)
        snapshot.check_writable(Path(parts.settings.directory), services, deliveries)
    except Exception as error:
        _log.exception("the stack cannot be stored")
        why = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        msg = (
            f"The stack cannot be stored ({why}), so the local cloud is not stopped. Fix that, "
            "then run `make down` again. To lose the stack and all its orders: "
            "make down ARGS=--discard"
        )
        raise NotStorableError(msg) from error


def _contents(parts: Parts, collect: Callable[[], bytes]) -> tuple[bytes, str]:
    """Return a snapshot's contents; read again if a request changes them meanwhile."""
    for _ in range(_LOOKS):
        with suppress(RuntimeError):  # a dictionary changed its size while it was read
            return collect(), json.dumps(parts.journal.to_json())
        time.sleep(_POLL)
    return collect(), json.dumps(parts.journal.to_json())


def _keep(parts: Parts, collect: Callable[[], bytes]) -> None:
    """Store the stack for the next start; there are no requests any more.

    If the disk is full since the check, this waits: only this process has the data.
    """
    settings, directory = parts.settings, Path(parts.settings.directory)
    lost = parts.queue.discarded + parts.queue.counts().running
    dropped = max(0, lost - parts.sources.in_flight)  # their messages stay in their queues
    index = snapshot.Snapshot(settings.boot_id, settings.port, MINISTACK, dropped)
    for name in _SIGNALS:  # a second one ends this
        signal.signal(name, signal.SIG_DFL)
    while True:
        try:
            snapshot.write(directory, index, *_contents(parts, collect))
        except OSError:
            _log.exception("the stack cannot be stored yet")
            time.sleep(_RETRY)
        except Exception:  # noqa: BLE001 - whatever it is, there is no snapshot
            _log.exception("the stack cannot be stored")
            return
        else:
            return


def _write_state(settings: Settings) -> None:
    """Write the state of this server, in one step."""
    state = {"pid": os.getpid(), "port": settings.port, "boot_id": settings.boot_id}
    path = Path(settings.directory) / STATE_FILE
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps({**state, "settings": json.loads(settings.to_json())}, indent=2))
    draft.replace(path)


def _end_at_the_latest(seconds: float) -> None:
    """End this process after so many seconds, even if something still runs."""
    last = threading.Timer(seconds, os._exit, [1])
    last.daemon = True
    last.start()


def _drain(parts: Parts, patience: float) -> None:
    """Wait for events and running functions.

    Args:
        parts: The parts of this server.
        patience: Seconds to wait for events, retries and functions.
    """
    settings = parts.settings
    if not patience:  # a stop that stores the stack has no time limit
        _end_at_the_latest(settings.grace + _LAST_RESORT)
    deadline = time.monotonic() + patience
    while not parts.idle and time.monotonic() < deadline:
        time.sleep(_POLL)
    parts.queue.close(settings.grace)
    running = parts.queue.counts().running + parts.gate.counts()[1]
    _log.warning(
        "stopping: %d queued events discarded, %d running functions ended",
        parts.queue.discarded,
        running,
    )

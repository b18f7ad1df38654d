"""The server process: MiniStack with the adapter in front, from its start to a graceful end."""

import asyncio
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from local_cloud import snapshot
from local_cloud.delivery.wiring import Parts
from local_cloud.endpoints.control_api import ControlApi
from local_cloud.endpoints.retry_cache import Repeats
from local_cloud.locking import LockHeldError, exclusive
from local_cloud.ministack.version_check import MINISTACK, IncompatibleError, check
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
"""Seconds after the grace in which the process must be gone by itself."""
_STORING = 60.0
"""Seconds more for one that stores its stack."""
_POLL = 0.05


def main(settings_json: str) -> int:
    """Serve until asked to stop; returns the exit status."""
    settings = Settings.from_json(settings_json)
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

    from local_cloud.ministack import service_state  # noqa: PLC0415 - now: code may change later
    from local_cloud.ministack.emulator import MiniStackCloud  # noqa: PLC0415
    from local_cloud.ministack.patches import install  # noqa: PLC0415

    parts = Parts(settings, MiniStackCloud())
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

        def end(*, kept: bool) -> None:
            (keep.set if kept else keep.clear)()
            loop.call_soon_threadsafe(stop.set)

        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: end(kept=True))

        async def stopped() -> None:
            snapshot.consume(directory)  # the port is ours: from here on the stack changes
            _write_state(settings)
            await stop.wait()
            if keep.is_set():
                (directory / STOPPING_FILE).write_text(settings.boot_id, encoding="utf-8")
            await asyncio.to_thread(_drain, parts, settings.drain if keep.is_set() else 0)

        application = ControlApi(parts, Repeats(app), lambda kept: end(kept=kept), stop.is_set)
        await serve(application, config, shutdown_trigger=stopped, mode="asgi")
        # Ends every function: none changes anything any more, or keeps this process waiting.
        await asyncio.to_thread(lambda_runtime.reset)

    try:
        asyncio.run(run())
        if keep.is_set():
            _keep(parts, service_state.collect)
    except OSError as error:
        _say(f"Port {settings.port} cannot be used: {error}")
        return EXIT_PORT_IN_USE
    finally:
        lambda_runtime.reset()
        for name in (STATE_FILE, STOPPING_FILE):
            (directory / name).unlink(missing_ok=True)
    return 0


def _restored(parts: Parts, restore: Callable[[bytes], None]) -> bool:
    """Restore the stored stack; whether it could be read."""
    folder = Path(parts.settings.directory) / snapshot.FOLDER
    try:
        restore((folder / snapshot.SERVICES).read_bytes())
        parts.journal.restore(json.loads((folder / snapshot.DELIVERIES).read_text("utf-8")))
    except Exception:  # noqa: BLE001 - whatever it is, the cloud starts empty
        _log.exception("the stored stack cannot be restored")
        return False
    return True


def _keep(parts: Parts, collect: Callable[[], bytes]) -> None:
    """Store the stack for the next start; without requests, nothing changes meanwhile."""
    settings, directory = parts.settings, Path(parts.settings.directory)
    dropped = parts.queue.discarded + parts.queue.counts().running
    index = snapshot.Snapshot(settings.boot_id, settings.port, MINISTACK, dropped)
    try:
        snapshot.write(directory, index, collect(), json.dumps(parts.journal.to_json()))
    except Exception:  # noqa: BLE001 - whatever it is, there is no snapshot
        _log.exception("the stack cannot be stored")


def _write_state(settings: Settings) -> None:
    """Say who serves this directory; whole or not at all."""
    state = {"pid": os.getpid(), "port": settings.port, "boot_id": settings.boot_id}
    path = Path(settings.directory) / STATE_FILE
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps({**state, "settings": json.loads(settings.to_json())}, indent=2))
    draft.replace(path)


def _drain(parts: Parts, patience: float) -> None:
    """Let events and running functions finish.

    Args:
        parts: Of this server.
        patience: How long events, retries and functions are waited for, in seconds.
    """
    settings = parts.settings
    storing = _STORING if patience else 0.0
    last = threading.Timer(patience + settings.grace + storing + _LAST_RESORT, os._exit, [1])
    last.daemon = True
    last.start()
    deadline = time.monotonic() + patience
    while not parts.idle and time.monotonic() < deadline:
        time.sleep(_POLL)
    parts.queue.close(settings.grace)
    running = parts.queue.counts().running + parts.gate.counts()[1]
    _log.warning(
        "stopping: %d queued events discarded, %d running functions cut off",
        parts.queue.discarded,
        running,
    )

"""The server process: MiniStack with the adapter in front, from its start to a graceful end."""

import asyncio
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from local_cloud.delivery.wiring import Parts
from local_cloud.endpoints.control_api import Application, ControlApi, Receive, Scope, Send
from local_cloud.endpoints.retry_cache import Repeats
from local_cloud.locking import LockHeldError, exclusive
from local_cloud.ministack.version_check import IncompatibleError, check
from local_cloud.protocol import (
    EXIT_DIRECTORY_IN_USE,
    EXIT_INCOMPATIBLE,
    EXIT_PORT_IN_USE,
    SERVER_FILE,
    SERVER_LOCK,
    STATE_FILE,
)
from local_cloud.settings import Settings

_log = logging.getLogger("local_cloud")

_LAST_RESORT = 5.0
"""Seconds after the grace in which the process must be gone by itself."""


def main(settings_json: str) -> int:
    """Serve until told to stop; returns the exit status."""
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

    from local_cloud.ministack.emulator import MiniStackCloud  # noqa: PLC0415
    from local_cloud.ministack.patches import install  # noqa: PLC0415
    from local_cloud.ministack.worker_processes import process_ids  # noqa: PLC0415

    parts = Parts(settings, MiniStackCloud())
    install(parts)
    config = Config()
    config.bind = [f"127.0.0.1:{settings.port}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1.0

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        ask = lambda *_: loop.call_soon_threadsafe(stop.set)  # noqa: E731
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, ask)

        async def stopped() -> None:
            await stop.wait()
            await asyncio.to_thread(_drain, parts)

        application = ControlApi(parts, Repeats(_announced(app, settings)), process_ids, stop.set)
        await serve(application, config, shutdown_trigger=stopped, mode="asgi")

    try:
        asyncio.run(run())
    except OSError as error:
        _say(f"Port {settings.port} cannot be used: {error}")
        return EXIT_PORT_IN_USE
    finally:
        lambda_runtime.reset()
        (Path(settings.directory) / STATE_FILE).unlink(missing_ok=True)
    return 0


def _announced(app: Application, settings: Settings) -> Application:
    """The application, writing the state file once it is ready."""

    async def announcing(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "lifespan.startup.complete":
                _write_state(settings)
            await send(message)

        await app(scope, receive, sending if scope["type"] == "lifespan" else send)

    return announcing


def _write_state(settings: Settings) -> None:
    """Say who serves this directory; whole or not at all."""
    state = {"pid": os.getpid(), "port": settings.port, "boot_id": settings.boot_id}
    path = Path(settings.directory) / STATE_FILE
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps({**state, "settings": json.loads(settings.to_json())}, indent=2))
    draft.replace(path)


def _drain(parts: Parts) -> None:
    """Let running functions finish, and say what is lost."""
    settings = parts.settings
    last = threading.Timer(settings.grace + _LAST_RESORT, os._exit, [1])
    last.daemon = True
    last.start()
    discarded = parts.queue.close(settings.grace)
    running = parts.queue.counts().running
    _log.warning(
        "stopping: %d queued events discarded, %d running functions cut off", discarded, running
    )

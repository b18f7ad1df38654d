"""CloudWatch's periodic tasks."""

# ruff: noqa: SLF001 - MiniStack has no public interface for any of this

import contextvars
import logging
import threading
import time
from collections.abc import Callable, Sequence

from ministack import app

from local_cloud.ministack.emulator import on_loop

_log = logging.getLogger("local_cloud")

_SHORTEST = 0.25
"""Seconds between two rounds at least."""


def start(seconds: float, tasks: Sequence[Callable[[], None]]) -> None:
    """Run tasks periodically in the server's own thread, until the process ends.

    Args:
        seconds: The seconds between two rounds: AWS's minute in real seconds.
        tasks: The tasks of each round, in order.
    """

    def once() -> None:
        for task in tasks:
            try:
                contextvars.copy_context().run(task)
            except Exception:  # noqa: BLE001 - whatever it is, the others have their turn
                _log.exception("a part of CloudWatch's round failed")

    def run() -> None:
        while True:
            time.sleep(max(seconds, _SHORTEST))
            if app._MAIN_LOOP is None:
                continue
            try:
                on_loop(once)
            except Exception:  # noqa: BLE001 - whatever it is, the next round may succeed
                _log.exception("CloudWatch's round failed")

    threading.Thread(target=run, name="cloudwatch", daemon=True).start()

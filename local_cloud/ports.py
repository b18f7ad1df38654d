"""Loopback ports: which are free, and which process uses the others."""

import os
import socket

from local_cloud.control import Control
from local_cloud.errors import LocalCloudError, NoAnswerError

DEFAULT = 4566
"""The usual port of AWS emulators."""

_TRIED = 50
_ANSWER_TIMEOUT = 5.0


def candidates() -> list[int]:
    """Return the ports to try if none was chosen, without those in use."""
    return [port for port in range(DEFAULT, DEFAULT + _TRIED) if is_free(port)]


def is_free(port: int) -> bool:
    """Return whether no process serves on a port."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            return False
    with socket.socket() as probe:
        if os.name == "posix":  # as servers do: a connection that just ended does not count
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def user_of(port: int) -> str:
    """Return the process that serves on a port, as far as it is known."""
    try:
        status = Control(url(port), timeout=_ANSWER_TIMEOUT).status()
    except NoAnswerError:
        return "a program that does not answer: perhaps a local cloud that is paused or busy"
    except LocalCloudError:
        return "another program"
    return f"another local cloud of this workshop (process {status.pid}, {status.directory})"


def url(port: int) -> str:
    """Return the address of a port."""
    return f"http://127.0.0.1:{port}"

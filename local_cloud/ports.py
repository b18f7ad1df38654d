"""Loopback ports: which are free, and who has the others."""

import os
import socket

from local_cloud.control import Control
from local_cloud.errors import LocalCloudError

DEFAULT = 4566
"""The port on which AWS emulators are usually found."""

_TRIED = 50


def candidates() -> list[int]:
    """The ports to try when none was asked for, those in use left out."""
    return [port for port in range(DEFAULT, DEFAULT + _TRIED) if is_free(port)]


def is_free(port: int) -> bool:
    """Whether nobody serves on a port."""
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
    """Who serves on a port, as far as it can be told."""
    try:
        status = Control(url(port), timeout=1.0).status()
    except LocalCloudError:
        return "another program"
    return f"another local cloud of this workshop (process {status.pid}, {status.directory})"


def url(port: int) -> str:
    """The address of a port."""
    return f"http://127.0.0.1:{port}"

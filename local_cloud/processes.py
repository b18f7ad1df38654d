"""Other processes, by their ids: whether they live, what they are, and how they end."""

import atexit
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

_POLL = 0.05
_KILL_TIMEOUT = 5.0

children: list["subprocess.Popen[bytes]"] = []
"""What this process started. A child that ended exists until it is asked for, so it is, here."""


@atexit.register
def _leave_behind() -> None:
    """The children outlive this process on purpose; Python would warn that nobody waits."""
    for child in children:
        if child.returncode is None:
            child.returncode = 0


def alive(pid: int) -> bool:
    """Whether a process exists and has not ended."""
    for child in children:
        if child.pid == pid:
            return child.poll() is None
    if sys.platform == "win32":
        return _alive_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def ended(pid: int, timeout: float) -> bool:
    """Wait for a process to end, for so many seconds; whether it has."""
    deadline = time.monotonic() + timeout
    while alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL)
    return True


def end(pid: int) -> bool:
    """Terminate a process, then kill it; whether it has ended."""
    for number in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
        if ended(pid, _KILL_TIMEOUT):
            return True
    return False


def mentions(pid: int, text: str) -> bool:
    """Whether a live process was started with this in its arguments; False if nobody can tell."""
    if not alive(pid):
        return False
    with suppress(OSError):
        return text.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    with suppress(OSError):
        listing = subprocess.run(
            ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, check=False
        )
        return text.encode() in listing.stdout
    return False


def _alive_on_windows(pid: int) -> bool:
    import ctypes  # noqa: PLC0415 - nobody else needs it

    synchronize, still_running = 0x0010_0000, 0x102
    kernel = getattr(ctypes, "windll").kernel32  # noqa: B009 - exists on Windows alone
    handle = kernel.OpenProcess(synchronize, False, pid)  # noqa: FBT003
    if not handle:
        return False
    try:
        return bool(kernel.WaitForSingleObject(handle, 0) == still_running)
    finally:
        kernel.CloseHandle(handle)

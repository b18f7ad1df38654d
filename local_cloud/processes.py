"""Other processes, by their ids: check, identify and end them."""

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
_OPEN_FILES = (65_536, 10_240)

children: list["subprocess.Popen[bytes]"] = []
"""The children of this process. A child that ended stays a zombie until somebody polls it."""


@atexit.register
def _leave_behind() -> None:
    """Forget the children, which outlive this process: Python would warn about them."""
    for child in children:
        if child.returncode is None:
            child.returncode = 0


def allow_open_files() -> None:
    """Raise this process's limit of open files, which includes connections.

    A terminal of macOS starts programs with 256. Windows has no such limit.
    """
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - POSIX's

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for most in _OPEN_FILES:
        wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            with suppress(OSError, ValueError):  # macOS also has another limit
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
                return


def alive(pid: int) -> bool:
    """Return whether a process exists and has not ended."""
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
    with suppress(OSError):  # Linux: a zombie has ended, but its parent has not noticed
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text("utf-8")
    return True


def ended(pid: int, timeout: float) -> bool:
    """Wait up to so many seconds for a process to end; return whether it has."""
    deadline = time.monotonic() + timeout
    while alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL)
    return True


def end(pid: int) -> bool:
    """Terminate a process, then kill it; return whether it has ended."""
    for number in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
        if ended(pid, _KILL_TIMEOUT):
            return True
    return False


def mentions(pid: int, text: str) -> bool | None:
    """Return whether a process was started with a text in its arguments; None: unknown."""
    if not alive(pid):
        return False
    with suppress(OSError):
        return text.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    with suppress(OSError):
        listing = subprocess.run(
            ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, check=False
        )
        return text.encode() in listing.stdout
    return None


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

"""The interpreter of .venv: commands run in it, whatever Python a person starts them with."""

import contextlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from workshop.paths import MARKER, STATE, VENV, python_of

_KEPT = {"PYTHONDONTWRITEBYTECODE", "PYTHONIOENCODING", "PYTHONPYCACHEPREFIX", "PYTHONUTF8"}
"""Variables of Python's that change no import and no result."""
_FOLDERS = (
    *("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"),
    *("MPLCONFIGDIR", "PIP_CACHE_DIR", "UV_CACHE_DIR"),
)
"""What says where programs keep files that they otherwise keep at home."""


def inside() -> bool:
    """Whether this process runs in .venv."""
    return Path(sys.prefix).resolve() == VENV.resolve()


def has_python(environment: Path) -> bool:
    """Return whether a virtual environment's interpreter and the one that made it are there."""
    try:
        lines = (environment / "pyvenv.cfg").read_text("utf-8").splitlines()
    except OSError:
        return False
    settings = dict(line.split(" = ", 1) for line in lines if " = " in line)
    return python_of(environment).exists() and Path(settings.get("home", "")).is_dir()


def own_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return variables for the tools' programs, without those that would change how Python runs.

    Programs get a home in .workshop when the user has none. When the home cannot be written to,
    what keeps files there is led elsewhere: Jupyter, IPython, matplotlib.

    Args:
        variables: The user's environment.
    """
    own = {
        name: each
        for name, each in variables.items()
        if not name.startswith("PYTHON") or name in _KEPT
    }
    if os.name == "nt":
        return own
    try:
        home = Path(own["HOME"] if own.get("HOME") else "~").expanduser()
    except RuntimeError:  # a user id without an entry in the system's list of users
        home = Path()
    if not (home.is_absolute() and home.is_dir()):
        home = STATE / "home"
        with contextlib.suppress(OSError):  # the command that needs it reports it
            home.mkdir(parents=True, exist_ok=True)
        own["HOME"] = str(home)
    elif not os.access(home, os.W_OK):
        for name in _FOLDERS:
            own.setdefault(name, str(STATE / "home" / name.lower()))
    return own


def open_streams() -> None:
    """Replace closed standard streams by the null device.

    Otherwise the next file that is opened would become the standard output of every child.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is not None:
            continue
        opened = os.open(os.devnull, os.O_RDWR)
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)
        os.set_inheritable(number, True)  # noqa: FBT003 - the function's own signature
        stream = open(number, "w" if number else "r", encoding="utf-8", closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)


def _isolate() -> bool:
    """Give this process the tools' own environment; whether it was another one before."""
    own = own_environment(os.environ)
    foreign = {name for name in os.environ if name not in own}
    for name in foreign:
        del os.environ[name]
    os.environ.update(own)
    return bool(foreign)


def continue_if_made(package: str) -> None:
    """Continue in .venv when there is one: whether it is up to date is checked there.

    From here on this process and its children have the tools' own environment.

    That saves this process the imports that the check needs. Not on Windows: an interpreter that
    runs cannot be replaced there, so the check must come first.

    Args:
        package: The program, such as `workshop`.
    """
    made = (VENV / MARKER).exists() and has_python(VENV)
    open_streams()
    misled = _isolate()
    if made and sys.platform != "win32" and (misled or not inside()):
        continue_inside(package)


def continue_inside(package: str) -> NoReturn:
    """Start again in .venv, as this process where the system can, else as its child.

    Args:
        package: The program, such as `workshop`.
    """
    command = [str(python_of(VENV)), "-m", package, *sys.argv[1:]]
    if os.name == "posix":
        os.execv(command[0], command)  # noqa: S606 - the same program, in its own environment
    import subprocess  # noqa: PLC0415 - slow to import

    try:
        sys.exit(subprocess.run(command, check=False).returncode)
    except KeyboardInterrupt:  # the child reports it
        sys.exit(130)

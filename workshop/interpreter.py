"""The interpreter of .venv: commands run in it, whatever Python a person starts them with."""

import os
import sys
from pathlib import Path
from typing import NoReturn

from workshop.paths import MARKER, VENV, python_of


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


def continue_if_made(package: str) -> None:
    """Continue in .venv when there is one: whether it is up to date is checked there.

    That saves this process the imports that the check needs. Not on Windows: an interpreter that
    runs cannot be replaced there, so the check must come first.

    Args:
        package: The program, such as `workshop`.
    """
    made = (VENV / MARKER).exists() and has_python(VENV)
    if made and sys.platform != "win32" and not inside():
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

"""Start the command line from nothing but Python: its environment is made first."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from workshop.environments import (
    DEV,
    FUNCTIONS,
    LOCAL_CLOUD,
    WORKSHOP,
    Environment,
    prepare,
)
from workshop.errors import EXPECTED
from workshop.paths import VENV, python_of

STACK = (LOCAL_CLOUD, FUNCTIONS)
NEEDS: dict[str, tuple[Environment, ...]] = {
    "check": (DEV,),
    "exercise": (DEV, *STACK),
    "setup": (WORKSHOP, *STACK),
    "up": (WORKSHOP, *STACK),
    "demo": (WORKSHOP, *STACK),
    "cloud": (WORKSHOP, LOCAL_CLOUD),
    "plan": (WORKSHOP, FUNCTIONS),
    "deploy": (WORKSHOP, FUNCTIONS),
    "drift": (WORKSHOP, FUNCTIONS),
    "destroy": (WORKSHOP, FUNCTIONS),
}
"""What a command needs beside the command line itself; environments are made in parallel."""


def main() -> None:
    """Run the learner's command line in its environment, which is made first if necessary."""
    start("workshop", NEEDS, (WORKSHOP,))
    from workshop.cli import main as run  # noqa: PLC0415 - needs the environment just made

    run()


def start(
    package: str, needs: Mapping[str, tuple[Environment, ...]], default: tuple[Environment, ...]
) -> None:
    """Make what a command needs, and continue in .venv.

    Args:
        package: The program, such as `workshop`.
        needs: Command → the environments it needs.
        default: What the other commands need.
    """
    command = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    try:
        prepare(needs.get(command, default))
    except EXPECTED as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted. The next command repairs what is incomplete.\n")
        sys.exit(130)
    if Path(sys.prefix).resolve() != VENV.resolve():
        _continue_in_environment(package)


def _continue_in_environment(package: str) -> None:
    """Start again inside .venv, as this process where the system can, else as its child."""
    command = [str(python_of(VENV)), "-m", package, *sys.argv[1:]]
    if os.name == "posix":
        os.execv(command[0], command)  # noqa: S606 - the same program, in its own environment
    with contextlib.suppress(KeyboardInterrupt):  # the child reports it
        sys.exit(subprocess.run(command, check=False).returncode)
    sys.exit(130)

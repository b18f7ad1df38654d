"""Start the command line from nothing but Python: its environment is made first."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

from workshop.environments import (
    DEV,
    FUNCTIONS,
    LOCAL_CLOUD,
    WORKSHOP,
    Environment,
    prepare,
)
from workshop.errors import WorkshopError
from workshop.paths import VENV, python_of

STACK = (LOCAL_CLOUD, FUNCTIONS)
NEEDS: dict[str, tuple[Environment, ...]] = {
    "check": (DEV,),
    "docs": (DEV,),
    "exercise": (DEV, *STACK),
    "fmt": (DEV,),
    "lint": (DEV,),
    "lock": (DEV,),
    "types": (DEV,),
    "unit": (DEV, FUNCTIONS),
    "terraform": (DEV, FUNCTIONS),
    "test": (DEV, *STACK),
    "ci": (DEV, *STACK),
    "deployed": (DEV, *STACK),
    "security": (DEV, *STACK),  # the scanners follow, with the tools of these
    "notebooks": (DEV, *STACK),
    "notebooks-refresh": (DEV, *STACK),
    "bench": (DEV, *STACK),
    "setup": (WORKSHOP, *STACK),
    "up": (WORKSHOP, *STACK),
    "demo": (WORKSHOP, *STACK),
    "cloud": (WORKSHOP, LOCAL_CLOUD),
    "plan": (WORKSHOP, FUNCTIONS),
    "deploy": (WORKSHOP, FUNCTIONS),
    "drift": (WORKSHOP, FUNCTIONS),
    "destroy": (WORKSHOP, FUNCTIONS),
}
"""What a verb needs beside the command line itself, made at once because it is made in parallel."""


def main() -> None:
    """Run the command line in its environment, which is made first when it is not there."""
    verb = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    try:
        prepare(NEEDS.get(verb, (WORKSHOP,)))
    except WorkshopError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted. What was half made will be made anew next time.\n")
        sys.exit(130)
    if Path(sys.prefix).resolve() != VENV.resolve():
        _continue_in_environment()
    from workshop.cli import main as run  # noqa: PLC0415 - needs the environment just made

    run()


def _continue_in_environment() -> None:
    """Start over inside .venv, as this process where the system can, else as a child of it."""
    command = [str(python_of(VENV)), "-m", "workshop", *sys.argv[1:]]
    if os.name == "posix":
        os.execv(command[0], command)  # noqa: S606 - the same program, in its own environment
    with contextlib.suppress(KeyboardInterrupt):  # the child says what there is to say
        sys.exit(subprocess.run(command, check=False).returncode)
    sys.exit(130)

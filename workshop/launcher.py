"""Make what a command needs before it runs, from nothing but Python."""

import importlib
import sys
from collections.abc import Mapping
from typing import Any

from workshop.environments import (
    DEV,
    FUNCTIONS,
    LOCAL_CLOUD,
    WORKSHOP,
    Environment,
    prepare,
)
from workshop.errors import EXPECTED
from workshop.interpreter import continue_inside, inside

STACK = (LOCAL_CLOUD, FUNCTIONS)
NEEDS: dict[str, tuple[Environment, ...]] = {
    "check": (DEV,),
    "exercise": (DEV, *STACK),
    "setup": (WORKSHOP, *STACK),
    "up": (WORKSHOP, *STACK),
    "demo": (WORKSHOP, *STACK),
    "rehearse": (WORKSHOP, LOCAL_CLOUD),
    "why": (WORKSHOP, LOCAL_CLOUD),
    "plan": (WORKSHOP, FUNCTIONS),
    "deploy": (WORKSHOP, FUNCTIONS),
    "drift": (WORKSHOP, FUNCTIONS),
    "destroy": (WORKSHOP, FUNCTIONS),
}
"""What a command needs beside the command line itself; environments are made in parallel."""

LISTS = (["exercise"], ["exercise", "list"])
"""Commands of `NEEDS` that only list something, and so need none of it."""


def main() -> None:
    """Run the learner's command line in its environment, which is made first if necessary."""
    start("workshop", NEEDS, (WORKSHOP,))
    run("workshop")


def start(
    package: str, needs: Mapping[str, tuple[Environment, ...]], default: tuple[Environment, ...]
) -> None:
    """Make what a command needs, and continue in .venv.

    Args:
        package: The program, such as `workshop`.
        needs: Command → the environments it needs.
        default: What the other commands need.
    """
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    command = words[0] if words else ""
    needed = default if words in LISTS else needs.get(command, default)
    made = _prepare(needed, thorough=command == "setup")
    if made or not inside():  # Python looks for packages when it starts
        continue_inside(package)


def run(package: str) -> None:
    """Run a program's command line.

    Args:
        package: The program, such as `workshop`.
    """
    load(package, "cli").main()


def load(package: str, module: str) -> Any:
    """Import a module; packages that this finds to be damaged are repaired, then all starts again.

    Args:
        package: The program, such as `workshop`.
        module: The module's name in the package.

    Raises:
        ImportError: Nothing is damaged, the module itself is wrong.
    """
    try:
        return importlib.import_module(f"{package}.{module}")
    except ImportError:
        if not repair():
            raise
        continue_inside(package)


def repair() -> bool:
    """Install the packages of .venv again when files of them are missing: an import has failed.

    Returns:
        Whether any were missing.
    """
    return _prepare((WORKSHOP,), thorough=True)


def _prepare(needed: tuple[Environment, ...], *, thorough: bool) -> bool:
    """Make what is missing, and return whether anything was; end the process when that fails."""
    try:
        return prepare(needed, thorough=thorough)
    except EXPECTED as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted. The next command repairs what is incomplete.\n")
        sys.exit(130)

"""Make what a command needs before it runs, from nothing but Python."""

import sys
from collections.abc import Mapping

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
        made = prepare(needs.get(command, default))
    except EXPECTED as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted. The next command repairs what is incomplete.\n")
        sys.exit(130)
    if made or not inside():  # Python looks for packages when it starts
        continue_inside(package)

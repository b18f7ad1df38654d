"""Start the maintainers' command line from nothing but Python."""

from workshop.environments import DEV, FUNCTIONS, LOCAL_CLOUD, Environment
from workshop.launcher import run, start

STACK = (LOCAL_CLOUD, FUNCTIONS)
NEEDS: dict[str, tuple[Environment, ...]] = {
    "unit": (DEV, FUNCTIONS),
    "terraform": (DEV, FUNCTIONS),
    "test": (DEV, *STACK),
    "test-all": (DEV, *STACK),
    "stack": (DEV, *STACK),
    "exercises": (DEV, FUNCTIONS),
    "deployed": (DEV, *STACK),
    "security": (DEV, *STACK),  # the scanners follow, with the tools of these
    "notebooks": (DEV, *STACK),
    "notebooks-refresh": (DEV, *STACK),
    "bench": (DEV, *STACK),
}
"""What a command needs beside the development tools."""


def main() -> None:
    """Run the maintainers' command line in its environment, which is made first if necessary."""
    start("devtools", NEEDS, (DEV,))
    run("devtools")

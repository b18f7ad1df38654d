"""Start the maintainers' command line with Python alone."""

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
    "browser": (DEV, *STACK),
    "simulate": (DEV, LOCAL_CLOUD),  # it has the matcher of event patterns
    "simulate-selftest": (DEV, LOCAL_CLOUD),
    "deployed": (DEV, *STACK),
    "security": (DEV, *STACK),  # the command adds the scanners, with the tools of these
    "notebooks": (DEV, *STACK),
    "notebooks-refresh": (DEV, *STACK),
    "board-pictures": (DEV, *STACK),
    "prove-aws": (DEV, FUNCTIONS),
    "bench": (DEV, *STACK),
}
"""The environments that a command needs in addition to the development tools."""


def main() -> None:
    """Run the maintainers' command line in its environment; create that first if necessary."""
    start("devtools", NEEDS, (DEV,))
    run("devtools")

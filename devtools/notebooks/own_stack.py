"""A stack for tests and notebooks, on a local cloud of their own."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

from local_cloud.settings import Settings
from workshop.deployment.local.up import MINUTE_VARIABLE, remove, up
from workshop.deployment.stack import CLOUD_VARIABLE, current
from workshop.errors import WorkshopError
from workshop.paths import ROOT

OWN_CLOUD = "test-notebooks"


@contextlib.contextmanager
def own_cloud(
    name: str = OWN_CLOUD, *, quiet: bool = False, minute: float = Settings.seconds_per_minute
) -> Iterator[str]:
    """Deploy all stages to a new local cloud, and remove it in the end.

    Args:
        name: The cloud's name.
        quiet: Whether to show the output only if it fails.
        minute: The seconds of a minute on AWS.

    Yields:
        Its name.

    Raises:
        WorkshopError: It could not be deployed; the message contains the output.
    """
    remove(name)
    try:
        if quiet:
            _up_quietly(name, minute)
        else:
            up(name=name)
        yield name
    finally:
        remove(name)


def _up_quietly(name: str, minute: float) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "workshop", "up"],
        cwd=ROOT,
        env=os.environ | {CLOUD_VARIABLE: name, MINUTE_VARIABLE: str(minute)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise WorkshopError(f"{done.stdout}The stack could not be deployed.")


@contextlib.contextmanager
def named_or_own_cloud() -> Iterator[str]:
    """Yield the cloud in WORKSHOP_CLOUD, which must run, or deploy a new one.

    Yields:
        Its name.

    Raises:
        WorkshopError: The cloud does not run, or the new one could not be deployed.
    """
    if CLOUD_VARIABLE in os.environ:
        yield current().target.name
    else:
        with own_cloud() as name:
            yield name

"""Where notebooks run when nobody names a stack: on a local cloud that is made for them."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

from workshop.deployment.local.up import remove, up
from workshop.deployment.stack import CLOUD_VARIABLE, current
from workshop.errors import WorkshopError
from workshop.paths import ROOT

OWN_CLOUD = "test-notebooks"


@contextlib.contextmanager
def own_cloud(*, quiet: bool = False) -> Iterator[str]:
    """Deploy all stages to a local cloud that is there for the notebooks alone.

    Args:
        quiet: Say nothing of it, unless it fails.

    Yields:
        Its name.

    Raises:
        WorkshopError: It could not be made; the message holds what was said.
    """
    remove(OWN_CLOUD)
    try:
        if quiet:
            _up_quietly()
        else:
            up(name=OWN_CLOUD)
        yield OWN_CLOUD
    finally:
        remove(OWN_CLOUD)


def _up_quietly() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "workshop", "up"],
        cwd=ROOT,
        env=os.environ | {CLOUD_VARIABLE: OWN_CLOUD},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise WorkshopError(f"{done.stdout}The notebooks have no stack to run on.")


@contextlib.contextmanager
def named_or_own_cloud() -> Iterator[str]:
    """Give the cloud that WORKSHOP_CLOUD names, which must be up, or make one.

    Yields:
        Its name.

    Raises:
        WorkshopError: The one is not up, or the other could not be made.
    """
    if CLOUD_VARIABLE in os.environ:
        yield current().target.name
    else:
        with own_cloud() as name:
            yield name

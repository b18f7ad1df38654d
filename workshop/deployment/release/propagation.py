"""How long a moved alias takes to lead everything to its new version."""

import time

from local_cloud.control import Control
from workshop.deployment.stack import Stack

SECONDS = 2.0
"""AWS states no time for UpdateAlias; its control plane is eventually consistent."""


def wait(stack: Stack) -> None:
    """Wait until events and requests reach the versions that aliases were moved to.

    A local cloud leads there at once, unless it is as eventually consistent as AWS.
    """
    target = stack.target
    if target.own and not Control(target.endpoint_url or "").eventually_consistent():
        return
    time.sleep(SECONDS)

"""Lambda: what MiniStack does otherwise than AWS, one module for each reason."""

from local_cloud.delivery.wiring import Parts
from local_cloud.ministack.lambda_functions import (
    asynchronous,
    destinations,
    environment_size,
    environments,
    executions,
    invoke,
    mappings,
    names,
    permissions,
    versions,
)


def install(parts: Parts) -> None:
    """Attach all patches of Lambda. Once per process, before the first request."""
    executions.install(parts)
    environments.install(parts)
    asynchronous.install(parts)
    invoke.install()
    names.install()
    versions.install()
    permissions.install()
    destinations.install()
    environment_size.install()
    mappings.install()

"""The plans that the security tests share; Terraform makes each of them once."""

from collections.abc import Iterator

import pytest

from devtools.security import offline_plans, plans
from devtools.security.plans import SCANNED_CLOUD, Plan
from workshop.deployment.local.up import remove


@pytest.fixture(scope="session")
def planned() -> Iterator[dict[str, Plan]]:
    """Return the plans of the stack and of the bootstrap, with all policies."""
    remove(SCANNED_CLOUD)
    try:
        yield plans.plans()
    finally:
        remove(SCANNED_CLOUD)


@pytest.fixture(scope="session")
def offline() -> dict[str, Plan]:
    """Return the plans for AWS: every stage in two regions, a second stack and the bootstraps."""
    return offline_plans.offline_plans()

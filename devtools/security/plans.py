"""What Terraform would make on AWS, worked out against a local cloud.

A plan of the stack for an empty account knows no ARN, so it holds no policy either, and a scanner
would find nothing wrong with it. So the stack is made first, and then planned as for AWS.
"""

from collections.abc import Mapping
from typing import Any

from workshop.deployment.aws.bootstrap_names import PATH, names
from workshop.deployment.local.up import forget, up
from workshop.deployment.target import LOCAL_ACCOUNT, LOCAL_REGION, Target
from workshop.deployment.terraform.runner import Configuration, Terraform
from workshop.paths import CICD, ROOT

SCANNED_CLOUD = "test-security"
PREFIX = "orderflow"
_NAMES = names(PREFIX, LOCAL_ACCOUNT, LOCAL_REGION)
BOUNDARY = _NAMES.boundary_arn

Plan = dict[str, Any]
"""A plan in Terraform's JSON form (developer.hashicorp.com, internals, JSON output)."""

_ADDRESS = "alarms@example.com"
_STACK = {
    "region": LOCAL_REGION,
    "name_prefix": PREFIX,
    "alarm_email": _ADDRESS,
    "permissions_boundary": BOUNDARY,
}
_BOOTSTRAP = {
    "name_prefix": PREFIX,
    "region": LOCAL_REGION,
    "names": vars(_NAMES) | {"path": PATH},
    "repository": "owner/name",
    "owner_id": 1,
    "repository_id": 2,
    "alarm_email": _ADDRESS,
}


def plans() -> dict[str, Plan]:
    """The plans of the stack, with everything it can have, and of the account's bootstrap.

    Returns:
        Both under their names: `stack`, `bootstrap`.

    Raises:
        WorkshopError: The local cloud or Terraform failed; the message says why.
    """
    target = up(name=SCANNED_CLOUD).target
    stack = Terraform(target.directory, target.environment())
    return {"stack": _plan(stack, _STACK), "bootstrap": _bootstrap(target)}


def _bootstrap(target: Target) -> Plan:
    """The bootstrap's plan; its policies are made from names, so that all of them are known."""
    directory = target.directory.with_name(f"{target.name}-bootstrap")
    forget(directory)
    configuration = Configuration(ROOT, CICD / "terraform")
    bootstrap = Terraform(directory, target.environment(), configuration=configuration)
    bootstrap.init()
    return _plan(bootstrap, _BOOTSTRAP)


def _plan(terraform: Terraform, variables: Mapping[str, Any]) -> Plan:
    """The plan for AWS; what exists was made a moment ago, and is not read again."""
    return terraform.preview(variables, from_last_run=False, refresh=False)

"""Terraform's plans for AWS, made with a local cloud.

A plan for an empty account knows no ARN, so it contains no policy, and a scanner would find no
problem. So the stack is deployed first, and then planned as for AWS.
"""

from collections.abc import Mapping
from typing import Any

from workshop.deployment.aws.bootstrap_names import PATH, names
from workshop.deployment.local.up import delete_record, up
from workshop.deployment.target import LOCAL_ACCOUNT, LOCAL_REGION, Target
from workshop.deployment.terraform.runner import Configuration, Terraform
from workshop.paths import CICD, ROOT

SCANNED_CLOUD = "test-security"
PREFIX = "orderflow"
BOUNDARY = names(PREFIX, LOCAL_ACCOUNT, LOCAL_REGION).boundary_arn

Plan = dict[str, Any]
"""A plan in Terraform's JSON form (developer.hashicorp.com, internals, JSON output)."""

ALARM_ADDRESS = "alarms@example.com"
_STACK = {
    "region": LOCAL_REGION,
    "name_prefix": PREFIX,
    "alarm_email": ALARM_ADDRESS,
    "permissions_boundary": BOUNDARY,
}


def plans() -> dict[str, Plan]:
    """Return the plans of the stack with all its options, and of the account's bootstrap.

    Returns:
        Both by name: `stack`, `bootstrap`.

    Raises:
        WorkshopError: The local cloud or Terraform failed; the message says why.
    """
    target = up(name=SCANNED_CLOUD).target
    stack = Terraform(target.directory, target.environment())
    return {"stack": _plan(stack, _STACK), "bootstrap": _bootstrap(target)}


def bootstrap_variables(account: str, region: str) -> dict[str, Any]:
    """Return the bootstrap's variables in an account and region, an address for alarms included."""
    return {
        "name_prefix": PREFIX,
        "region": region,
        "names": vars(names(PREFIX, account, region)) | {"path": PATH},
        "repository": "owner/name",
        "owner_id": 1,
        "repository_id": 2,
        "alarm_email": ALARM_ADDRESS,
    }


def _bootstrap(target: Target) -> Plan:
    """Return the bootstrap's plan; its policies are built from names, so all of them are known."""
    directory = target.directory.with_name(f"{target.name}-bootstrap")
    delete_record(directory)
    configuration = Configuration(ROOT, CICD / "terraform")
    bootstrap = Terraform(directory, target.environment(), configuration=configuration)
    bootstrap.init()
    return _plan(bootstrap, bootstrap_variables(LOCAL_ACCOUNT, LOCAL_REGION))


def _plan(terraform: Terraform, variables: Mapping[str, Any]) -> Plan:
    """Return the plan for AWS, without a refresh: the resources were created a moment ago."""
    return terraform.preview(variables, from_last_run=False, refresh=False)

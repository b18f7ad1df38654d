"""Check a role's permissions with MiniStack's IAM."""

# ruff: noqa: SLF001 - MiniStack has no public interface for any of this

from ministack.core import iam_evaluator
from ministack.services import iam

SERVICE, REGION, ACCOUNT = 2, 3, 4
"""Positions of the parts of an ARN."""


def may(role_arn: str, action: str, service: str, resource_arn: str) -> bool:
    """Return whether a role's policies, with the resource's own, allow an action."""
    account, name = part(role_arn, ACCOUNT), role_arn.rpartition("/")[2]
    limits = iam_evaluator._permissions_boundary(iam._roles, name, account)
    context = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{account}:assumed-role/{name}/{service}",
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource_arn,
        region=part(resource_arn, REGION),
    )
    result = iam_evaluator.evaluate(
        context, iam_evaluator._gather_role_policies(name, account), *limits
    )
    found = iam_evaluator._resource_policy(service, resource_arn)
    if found is not None:
        result = iam_evaluator.combine_resource_policy(result, context, *found, limits=limits)
    return bool(result.decision == "Allow")


def part(arn: str, index: int) -> str:
    """Return one of the colon-separated parts of an ARN; empty when it has too few."""
    parts = arn.split(":", 5)
    return parts[index] if len(parts) > index else ""

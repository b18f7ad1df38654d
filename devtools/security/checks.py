"""Rules for every plan that scanners do not check.

A check reads `Resources` and yields a `Finding` for each problem. A value that a plan does not know
yet cannot be checked, so it is a finding, too.
"""

from collections.abc import Iterator
from typing import Any

from devtools.security.dead_letters import dead_letter_paths
from devtools.security.policies import (
    boundaries,
    known_policies,
    open_policies,
    trust_in_github,
    wildcards,
)
from devtools.security.resources import Finding, Resources, Statement


def public_doors(resources: Resources) -> Iterator[Finding]:
    """Only signed requests, and one named rule or API, invoke a function."""
    for each in resources.of("aws_lambda_permission"):
        if not each.values.get("source_arn"):
            yield each.finding(public_doors, "whoever the principal works for may invoke this")
        if each.values["principal"] == "*":
            yield each.finding(public_doors, "anybody may invoke this")
    for each in resources.of("aws_lambda_function_url", "aws_apigatewayv2_route"):
        if each.values.get("authorization_type", "NONE") == "NONE":
            yield each.finding(public_doors, "it asks for no signature")


def buckets(resources: Resources) -> Iterator[Finding]:
    """Every bucket denies public access and plain HTTP."""
    shut = {
        each.values.get("bucket")
        for each in resources.of("aws_s3_bucket_public_access_block")
        if all(each.values.get(setting) for setting in _SHUT)
    }
    encrypted = {
        owner.values.get("bucket")
        for owner, statement in resources.statements
        if owner.type == "aws_s3_bucket_policy" and _refuses_clear_text(statement)
    }
    for bucket in resources.of("aws_s3_bucket"):
        name = bucket.values.get("bucket")
        if name is None or name not in shut:
            yield bucket.finding(buckets, "its public access is not blocked")
        if name is None or name not in encrypted:
            yield bucket.finding(buckets, "it accepts plain HTTP")


_SHUT = (
    "block_public_acls",
    "block_public_policy",
    "ignore_public_acls",
    "restrict_public_buckets",
)


def _refuses_clear_text(statement: Statement) -> bool:
    return (
        statement["Effect"] == "Deny"
        and statement.get("Principal") in ("*", {"AWS": "*"})
        and statement["Action"] == "s3:*"
        and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
    )


def kept_and_encrypted(resources: Resources) -> Iterator[Finding]:
    """Logs expire, tables can be restored, queues are encrypted."""
    for group in resources.of("aws_cloudwatch_log_group"):
        if not group.values.get("retention_in_days"):
            yield group.finding(kept_and_encrypted, "its logs are kept for ever")
    for table in resources.of("aws_dynamodb_table"):
        if not table.nested("point_in_time_recovery").get("enabled"):
            yield table.finding(kept_and_encrypted, "it has no point-in-time recovery")
    for queue in resources.of("aws_sqs_queue"):
        if not (queue.values.get("sqs_managed_sse_enabled") or queue.values["kms_master_key_id"]):
            yield queue.finding(kept_and_encrypted, "it is not encrypted")


def findings(
    plan: dict[str, Any], *, prefix: str, boundary: str | None = None
) -> Iterator[Finding]:
    """Yield the findings of all checks in a plan.

    Args:
        plan: In Terraform's JSON form.
        prefix: A part of the name of every resource of the project.
        boundary: ARN of the permissions boundary that every role must have, if one was given.
    """
    resources = Resources(plan)
    yield from known_policies(resources)
    yield from wildcards(resources, prefix)
    yield from open_policies(resources)
    yield from dead_letter_paths(resources)
    yield from public_doors(resources)
    yield from buckets(resources)
    yield from trust_in_github(resources)
    yield from kept_and_encrypted(resources)
    if boundary:
        yield from boundaries(resources, boundary)

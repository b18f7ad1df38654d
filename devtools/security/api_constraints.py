"""What a plan would send to AWS, against the constraints of botocore's service models.

Terraform's provider checks some values when it plans, and AWS all of them when it applies. The
models say of most members what AWS accepts: pattern, length, range and the allowed values. An
attribute belongs to the member of the same name, written in the API's way; `REQUESTS` lists the
exceptions.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import regex

from devtools.security.resources import Finding, Resource, Resources

REQUESTS: dict[str, dict[str, Mapping[str, str]]] = {
    "aws_apigatewayv2_api": {"apigatewayv2.CreateApiRequest": {}},
    "aws_apigatewayv2_integration": {"apigatewayv2.CreateIntegrationRequest": {}},
    "aws_apigatewayv2_route": {"apigatewayv2.CreateRouteRequest": {}},
    "aws_apigatewayv2_stage": {"apigatewayv2.CreateStageRequest": {"name": "StageName"}},
    "aws_budgets_budget": {
        "budgets.Budget": {
            "name": "BudgetName",
            "limit_amount": "BudgetLimit.Amount",
            "limit_unit": "BudgetLimit.Unit",
        },
        "budgets.CreateBudgetRequest": {"notification": "NotificationsWithSubscribers"},
    },
    "aws_cloudwatch_dashboard": {"cloudwatch.PutDashboardInput": {}},
    "aws_cloudwatch_event_archive": {"events.CreateArchiveRequest": {"name": "ArchiveName"}},
    "aws_cloudwatch_event_bus": {"events.CreateEventBusRequest": {}},
    "aws_cloudwatch_event_rule": {"events.PutRuleRequest": {}},
    "aws_cloudwatch_event_target": {
        "events.PutTargetsRequest": {},
        "events.Target": {"target_id": "Id"},
    },
    "aws_cloudwatch_log_group": {
        "logs.CreateLogGroupRequest": {"name": "logGroupName"},
        "logs.PutRetentionPolicyRequest": {},
    },
    "aws_cloudwatch_metric_alarm": {"cloudwatch.PutMetricAlarmInput": {}},
    "aws_dynamodb_table": {
        "dynamodb.CreateTableInput": {
            "name": "TableName",
            "attribute": "AttributeDefinitions",
            "global_secondary_index": "GlobalSecondaryIndexes",
        }
    },
    "aws_iam_openid_connect_provider": {"iam.CreateOpenIDConnectProviderRequest": {}},
    "aws_iam_policy": {
        "iam.CreatePolicyRequest": {"name": "PolicyName", "policy": "PolicyDocument"}
    },
    "aws_iam_role": {
        "iam.CreateRoleRequest": {
            "name": "RoleName",
            "assume_role_policy": "AssumeRolePolicyDocument",
        }
    },
    "aws_iam_role_policy": {
        "iam.PutRolePolicyRequest": {
            "name": "PolicyName",
            "role": "RoleName",
            "policy": "PolicyDocument",
        }
    },
    "aws_iam_role_policy_attachment": {"iam.AttachRolePolicyRequest": {"role": "RoleName"}},
    "aws_lambda_alias": {"lambda.CreateAliasRequest": {}},
    "aws_lambda_function": {
        "lambda.CreateFunctionRequest": {"s3_bucket": "Code.S3Bucket", "s3_key": "Code.S3Key"}
    },
    "aws_lambda_function_event_invoke_config": {"lambda.PutFunctionEventInvokeConfigRequest": {}},
    "aws_lambda_permission": {"lambda.AddPermissionRequest": {}},
    "aws_s3_bucket": {"s3.CreateBucketRequest": {}},
    "aws_s3_bucket_lifecycle_configuration": {
        "s3.PutBucketLifecycleConfigurationRequest": {"rule": "LifecycleConfiguration.Rules"}
    },
    "aws_s3_bucket_policy": {"s3.PutBucketPolicyRequest": {}},
    "aws_s3_bucket_public_access_block": {"s3.PublicAccessBlockConfiguration": {}},
    "aws_s3_bucket_server_side_encryption_configuration": {
        "s3.PutBucketEncryptionRequest": {"rule": "ServerSideEncryptionConfiguration.Rules"}
    },
    "aws_s3_bucket_versioning": {"s3.PutBucketVersioningRequest": {}},
    "aws_s3_object": {"s3.PutObjectRequest": {}},
    "aws_scheduler_schedule": {"scheduler.CreateScheduleInput": {}},
    "aws_sns_topic": {"sns.CreateTopicInput": {}},
    "aws_sns_topic_subscription": {"sns.SubscribeInput": {}},
    "aws_sqs_queue": {"sqs.CreateQueueRequest": {"name": "QueueName"}},
}
"""By type of resource, the shapes that its attributes become: service and shape, and by attribute
the member's path where the name differs."""

_NESTED: dict[str, Mapping[str, str]] = {
    "AttributeDefinition": {"name": "AttributeName", "type": "AttributeType"},
    "GlobalSecondaryIndex": {
        "name": "IndexName",
        "projection_type": "Projection.ProjectionType",
        "non_key_attributes": "Projection.NonKeyAttributes",
    },
    "NotificationWithSubscribers": {
        name: f"Notification.{name}"
        for name in ("notification_type", "comparison_operator", "threshold", "threshold_type")
    },
}
"""The same for shapes inside those."""


_UNSET: tuple[Any, ...] = (None, "", [], {})
"""How a plan writes that something is not set."""


def constraints(resources: Resources, *, from_state: bool = False) -> Iterator[Finding]:
    """Check every known value that the resources' requests would carry.

    Args:
        resources: Of a plan.
        from_state: Whether they exist: a state has 0 for a number that was never set.
    """
    unset = (*_UNSET, 0) if from_state else _UNSET
    for resource in resources.all:
        for where, shapes in REQUESTS.get(resource.type, {None: {}}).items():
            if where is None:
                message = f"nothing says which request {resource.type} becomes"
                yield resource.finding(constraints, message)
                continue
            shape = _shape(where)
            check = _Check(unset)
            for path, message in check.structure(shape, resource.values, shapes, where):
                yield resource.finding(constraints, message, path)


def checked(resource: Resource) -> int:
    """Return how many attributes of a resource have a member: those that are checked."""
    return sum(
        _member(_shape(where), attribute, renamed) is not None
        for where, renamed in REQUESTS[resource.type].items()
        for attribute in resource.values
    )


@cache
def _model(service: str) -> Any:
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def _shape(where: str) -> Any:
    service, _, shape = where.partition(".")
    return _model(service).shape_for(shape)


def _member(shape: Any, attribute: str, renamed: Mapping[str, str]) -> Any:
    """Return the shape of the member that an attribute becomes; None when the API knows none."""
    path = renamed.get(attribute, attribute).split(".")
    for part in path:
        if shape.type_name != "structure":
            return None
        names = {_folded(name): name for name in shape.members}
        if (name := names.get(_folded(part))) is None:
            return None
        shape = shape.members[name]
    return shape


def _folded(name: str) -> str:
    return name.replace("_", "").lower()


@dataclass(frozen=True)
class _Check:
    """One walk through values beside their shapes; gives paths and what is wrong there."""

    unset: tuple[Any, ...]

    def structure(
        self, shape: Any, values: Mapping[str, Any], renamed: Mapping[str, str], path: str
    ) -> Iterator[tuple[str, str]]:
        for attribute, value in values.items():
            member = _member(shape, attribute, renamed)
            if member is not None and value not in self.unset:
                yield from self.value(member, value, f"{path}.{attribute}")

    def value(self, shape: Any, value: Any, path: str) -> Iterator[tuple[str, str]]:
        limits = shape.metadata
        match shape.type_name, value:
            case "structure", [dict() as block] | (dict() as block):
                yield from self.structure(shape, block, _NESTED.get(shape.name, {}), path)
            case "list", list():
                yield from _between(len(value), limits, path, "it has {} entries")
                for each in value:
                    yield from self.value(shape.member, each, path)
            case "map", dict():
                for name, each in value.items():
                    yield from self.value(shape.key, name, path)
                    yield from self.value(shape.value, each, path)
            case "string", str():
                yield from _between(len(value), limits, path, "it has {} characters")
                yield from _text(value, limits, path)
            case "integer" | "long" | "float" | "double", int() | float():
                yield from _between(value, limits, path, "it is {}")


def _between(
    number: float, limits: Mapping[str, Any], path: str, message: str
) -> Iterator[tuple[str, str]]:
    if number < limits.get("min", number) or number > limits.get("max", number):
        allowed = f"{limits.get('min', '')} to {limits.get('max', '')}"
        yield path, f"{message.format(number)}, allowed are {allowed}"


def _text(value: str, limits: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    if "enum" in limits and value not in limits["enum"]:
        yield path, f"{value} is none of {', '.join(limits['enum'])}"
    pattern = limits.get("pattern")
    if pattern and not regex.fullmatch(pattern, value, regex.DOTALL):
        yield path, f"{value} does not match {pattern}"

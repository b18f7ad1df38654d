"""What notebooks could leave behind in a stack: a look before and one after show if they did."""

from dataclasses import dataclass, fields
from typing import Any

from workshop.deployment.stack import Stack


@dataclass(frozen=True)
class Traces:
    """What a stack holds, as far as somebody with boto3 may have changed it."""

    rows: dict[str, list[str]]
    """By table."""
    rules: dict[str, str]
    """Rules of the bus, and whether they are on."""
    targets: dict[str, Any]
    """By rule."""
    queues: dict[str, str]
    """Address → how many messages."""
    variables: dict[str, Any]
    """By function."""
    permissions: dict[str, str]
    """By function: who may invoke it."""
    retention: dict[str, int | None]
    """Log group → days."""

    def differences(self, before: "Traces") -> list[str]:
        """What is not as it was."""
        pairs = (
            (each.name, getattr(before, each.name), getattr(self, each.name))
            for each in fields(self)
        )
        return [
            f"{kind} {key}: {was.get(key)} → {now.get(key)}"
            for kind, was, now in pairs
            for key in sorted(was.keys() | now.keys())
            if was.get(key) != now.get(key)
        ]


def traces(stack: Stack) -> Traces:
    """Look at a stack on which nothing is under way."""
    dynamodb, events, sqs = (stack.client(name) for name in ("dynamodb", "events", "sqs"))
    functions, logs = stack.client("lambda"), stack.client("logs")
    bus = {"EventBusName": stack.outputs.event_bus_name}
    rules = {rule["Name"]: rule["State"] for rule in events.list_rules(**bus)["Rules"]}
    names = stack.outputs.function_names
    count = "ApproximateNumberOfMessages"
    return Traces(
        rows={
            key: sorted(str(item) for page in _pages(dynamodb, name) for item in page["Items"])
            for key, name in stack.outputs.table_names.items()
        },
        rules=rules,
        targets={rule: events.list_targets_by_rule(Rule=rule, **bus)["Targets"] for rule in rules},
        queues={
            url: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[count])["Attributes"][count]
            for url in sqs.list_queues().get("QueueUrls", [])
        },
        variables={
            key: functions.get_function_configuration(FunctionName=name)["Environment"]
            for key, name in names.items()
        },
        permissions={key: _policy(functions, name) for key, name in names.items()},
        retention={
            group["logGroupName"]: group.get("retentionInDays")
            for group in logs.describe_log_groups()["logGroups"]
        },
    )


def _pages(dynamodb: Any, name: str) -> Any:
    return dynamodb.get_paginator("scan").paginate(TableName=name, ConsistentRead=True)


def _policy(functions: Any, name: str) -> str:
    try:
        return str(functions.get_policy(FunctionName=name)["Policy"])
    except functions.exceptions.ResourceNotFoundException:
        return ""  # nobody but the account's own users

"""Compare a stack before and after notebooks, to find what they left behind."""

from contextlib import suppress
from dataclasses import dataclass, fields
from typing import Any

from workshop.deployment.stack import Stack


@dataclass(frozen=True)
class Traces:
    """The contents of a stack that a notebook may change with boto3."""

    rows: dict[str, list[str]]
    """By table."""
    rules: dict[str, str]
    """Rules of the bus, and their states."""
    targets: dict[str, Any]
    """By rule."""
    queues: dict[str, str]
    """URL → number of messages."""
    variables: dict[str, Any]
    """By function."""
    permissions: dict[str, str]
    """By function: who may invoke it."""
    retention: dict[str, int | None]
    """Log group → days."""

    def differences(self, before: "Traces") -> list[str]:
        """Return the differences."""
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
    """Read a stack that processes no events."""
    dynamodb, events, sqs = (stack.client(name) for name in ("dynamodb", "events", "sqs"))
    functions, logs = stack.client("lambda"), stack.client("logs")
    bus = {"EventBusName": stack.outputs.event_bus_name}
    rules = {rule["Name"]: rule["State"] for rule in events.list_rules(**bus)["Rules"]}
    names = stack.outputs.function_names
    return Traces(
        rows={
            key: sorted(str(item) for page in _pages(dynamodb, name) for item in page["Items"])
            for key, name in stack.outputs.table_names.items()
        },
        rules=rules,
        targets={rule: events.list_targets_by_rule(Rule=rule, **bus)["Targets"] for rule in rules},
        queues=_queues(sqs),
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


def _queues(sqs: Any) -> dict[str, str]:
    """Return the number of messages in each queue; a list may still show a deleted queue."""
    count = "ApproximateNumberOfMessages"
    found = {}
    for url in sqs.list_queues().get("QueueUrls", []):
        with suppress(sqs.exceptions.QueueDoesNotExist):
            attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[count])
            found[url] = attributes["Attributes"][count]
    return found


def _policy(functions: Any, name: str) -> str:
    try:
        return str(functions.get_policy(FunctionName=name)["Policy"])
    except functions.exceptions.ResourceNotFoundException:
        return ""  # nobody but the account's own users

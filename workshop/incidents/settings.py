"""Settings of a stack that an incident breaks: each can be read, and written, with AWS's API.

A value consists of JSON's types, because the session stores it before it is changed.
"""

import json
from dataclasses import dataclass
from typing import Any

from workshop.deployment.aws_errors import NOT_FOUND
from workshop.deployment.release import function_updates, propagation, release
from workshop.deployment.stack import Stack
from workshop.orders.tables import table_name


class Setting:
    """A setting of a stack."""

    def read(self, stack: Stack) -> Any:
        """Return its value; None if it does not exist."""
        raise NotImplementedError

    def write(self, stack: Stack, value: Any) -> None:
        """Give it a value that `read` returned, or one like it."""
        raise NotImplementedError

    def same(self, value: Any, other: Any) -> bool:
        """Return whether two values have the same effect."""
        return bool(value == other)


@dataclass(frozen=True, slots=True)
class Rule(Setting):
    """The rule of a consumer: its state, and its pattern as JSON text."""

    key: str

    def read(self, stack: Stack) -> dict[str, str]:
        """See `Setting`."""
        found = stack.client("events").describe_rule(**self._which(stack))
        return {name: found[name] for name in ("State", "EventPattern", "Description")}

    def write(self, stack: Stack, value: dict[str, str]) -> None:
        """See `Setting`."""
        stack.client("events").put_rule(**self._which(stack), **value)

    def same(self, value: dict[str, str], other: dict[str, str]) -> bool:
        """Compare patterns as JSON."""
        return _parsed(value) == _parsed(other)

    def _which(self, stack: Stack) -> dict[str, str]:
        name = stack.outputs.function_names[self.key]  # a rule has its function's name
        return {"Name": name, "EventBusName": stack.outputs.event_bus_name}


@dataclass(frozen=True, slots=True)
class RulePermission(Setting):
    """The permission of EventBridge to invoke a function: statement id → statement."""

    key: str

    def read(self, stack: Stack) -> dict[str, dict[str, str]]:
        """See `Setting`."""
        client = stack.client("lambda")
        policy = _read(lambda: client.get_policy(FunctionName=stack.invokable(self.key))["Policy"])
        return {
            each["Sid"]: {
                "Action": each["Action"],
                "Principal": each["Principal"]["Service"],
                "SourceArn": each["Condition"]["ArnLike"]["AWS:SourceArn"],
            }
            for each in json.loads(policy or '{"Statement": []}')["Statement"]
        }

    def write(self, stack: Stack, value: dict[str, dict[str, str]]) -> None:
        """See `Setting`."""
        client, function = stack.client("lambda"), stack.invokable(self.key)
        there = self.read(stack)
        for statement in there.keys() - value.keys():
            client.remove_permission(FunctionName=function, StatementId=statement)
        for statement in value.keys() - there.keys():
            client.add_permission(FunctionName=function, StatementId=statement, **value[statement])

    def same(self, value: dict[str, dict[str, str]], other: dict[str, dict[str, str]]) -> bool:
        """Compare without the ids: Terraform gives a recreated statement another one."""
        some, others = [*value.values()], [*other.values()]
        return all(each in others for each in some) and all(each in some for each in others)


@dataclass(frozen=True, slots=True)
class RolePolicy(Setting):
    """A policy in the role of a function."""

    key: str
    policy: str = "own-resources"

    def read(self, stack: Stack) -> dict[str, Any] | None:
        """See `Setting`."""
        client, which = stack.client("iam"), self._which(stack)
        return _read(lambda: client.get_role_policy(**which)["PolicyDocument"])  # type: ignore[no-any-return]

    def write(self, stack: Stack, value: dict[str, Any] | None) -> None:
        """See `Setting`."""
        client, which = stack.client("iam"), self._which(stack)
        if value is not None:
            client.put_role_policy(**which, PolicyDocument=json.dumps(value))
        elif self.read(stack) is not None:
            client.delete_role_policy(**which)

    def _which(self, stack: Stack) -> dict[str, str]:
        name = stack.outputs.function_names[self.key]  # a role has its function's name
        return {"RoleName": name, "PolicyName": self.policy}


@dataclass(frozen=True, slots=True)
class ReservedConcurrency(Setting):
    """How many environments a function may have; None: no limit of its own."""

    key: str

    def read(self, stack: Stack) -> int | None:
        """See `Setting`."""
        name = stack.outputs.function_names[self.key]
        found = stack.client("lambda").get_function_concurrency(FunctionName=name)
        limit: int | None = found.get("ReservedConcurrentExecutions")
        return limit

    def write(self, stack: Stack, value: int | None) -> None:
        """See `Setting`."""
        client, name = stack.client("lambda"), stack.outputs.function_names[self.key]
        if value is None:
            client.delete_function_concurrency(FunctionName=name)
        else:
            client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=value)


@dataclass(frozen=True, slots=True)
class Timeout(Setting):
    """After how many seconds Lambda ends an invocation of a function."""

    key: str

    def read(self, stack: Stack) -> int:
        """Return what applies to events: from stage 6 on, the timeout of the live version."""
        found = stack.client("lambda").get_function_configuration(
            FunctionName=stack.invokable(self.key)
        )
        return int(found["Timeout"])

    def write(self, stack: Stack, value: int) -> None:
        """Change it, and make the change live."""
        client, name = stack.client("lambda"), stack.outputs.function_names[self.key]
        if stack.outputs.live_alias:
            release.newest_code_is_live(stack, [self.key])
        until = function_updates.deadline()
        function_updates.wait_until_updated(client, name, until)
        client.update_function_configuration(FunctionName=name, Timeout=value)
        function_updates.wait_until_updated(client, name, until)
        if stack.outputs.live_alias and release.put_live(stack, [self.key]):
            propagation.wait(stack)


@dataclass(frozen=True, slots=True)
class QueuePolicy(Setting):
    """The policy of a consumer's dead-letter queue."""

    key: str
    kind: str

    def read(self, stack: Stack) -> dict[str, Any]:
        """See `Setting`."""
        found = stack.client("sqs").get_queue_attributes(
            QueueUrl=self._url(stack), AttributeNames=["Policy"]
        )
        policy: dict[str, Any] = json.loads(found.get("Attributes", {}).get("Policy") or "{}")
        return policy

    def write(self, stack: Stack, value: dict[str, Any]) -> None:
        """See `Setting`."""
        stack.client("sqs").set_queue_attributes(
            QueueUrl=self._url(stack), Attributes={"Policy": json.dumps(value)}
        )

    def _url(self, stack: Stack) -> str:
        return stack.outputs.dead_letter_queue_urls[self.key][self.kind]


@dataclass(frozen=True, slots=True)
class ReconcilerSchedule(Setting):
    """The state of the schedule that starts the reconciler."""

    def read(self, stack: Stack) -> str:
        """See `Setting`."""
        return str(self._get(stack)["State"])

    def write(self, stack: Stack, value: str) -> None:
        """Send all its other settings, too: UpdateSchedule resets what is left out."""
        accepted = ("Name", "Description", "ScheduleExpression", "FlexibleTimeWindow", "Target")
        there = self._get(stack)
        settings = {name: there[name] for name in accepted if name in there}
        stack.client("scheduler").update_schedule(**settings, State=value)

    def _get(self, stack: Stack) -> dict[str, Any]:
        name = stack.outputs.function_names["reconciler"]  # a schedule has its function's name
        found: dict[str, Any] = stack.client("scheduler").get_schedule(Name=name)
        return found


@dataclass(frozen=True, slots=True)
class StockItem(Setting):
    """The units on hand of an article, as DynamoDB stores the value."""

    sku: str

    def read(self, stack: Stack) -> dict[str, Any]:
        """See `Setting`."""
        found = stack.client("dynamodb").get_item(
            TableName=table_name(stack, "inventory"),
            Key={"sku": {"S": self.sku}},
            ConsistentRead=True,
        )
        on_hand: dict[str, Any] = found["Item"]["on_hand"]
        return on_hand

    def write(self, stack: Stack, value: dict[str, Any]) -> None:
        """See `Setting`."""
        stack.client("dynamodb").put_item(
            TableName=table_name(stack, "inventory"),
            Item={"sku": {"S": self.sku}, "on_hand": value},
        )

    def same(self, value: dict[str, Any], other: dict[str, Any]) -> bool:
        """Return whether both are whole numbers, or neither is: units are sold all the time."""
        return _is_whole(value) == _is_whole(other)


def _is_whole(value: dict[str, Any]) -> bool:
    return str(value.get("N", "")).isdecimal()


def _parsed(value: dict[str, str]) -> dict[str, Any]:
    return {**value, "EventPattern": json.loads(value["EventPattern"])}


def _read(read: Any) -> Any:
    """Return what AWS has, or None if it does not exist."""
    from botocore.exceptions import ClientError

    try:
        return read()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if NOT_FOUND.search(code) or code == "NoSuchEntity":  # IAM's word
            return None
        raise

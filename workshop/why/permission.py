"""Say whether EventBridge may deliver a rule's events to a target, from the target's policy."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from workshop.deployment.aws_errors import NOT_FOUND
from workshop.deployment.stack import Stack

EVENTBRIDGE = "events.amazonaws.com"

_ANY = "*"
_OPERATORS = {"stringequals", "stringlike", "arnequals", "arnlike", "bool"}
"""The condition operators that are evaluated."""


def problem(stack: Stack, rule_arn: str, target_arn: str) -> str:
    """Return why EventBridge cannot deliver to a target, as a sentence; empty if it can.

    Args:
        stack: The stack.
        rule_arn: The rule.
        target_arn: A function, its alias or a queue. Other targets are not checked.

    Raises:
        ClientError: AWS refused a request for another reason than that the target is missing.
    """
    service = target_arn.split(":")[2]
    if service == "lambda":
        return _of_function(stack, rule_arn, target_arn)
    if service == "sqs":
        return _of_queue(stack, rule_arn, target_arn)
    return ""


def _of_function(stack: Stack, rule_arn: str, target_arn: str) -> str:
    client, name = stack.client("lambda"), target_arn.partition(":function:")[2]
    policy = _read(lambda: client.get_policy(FunctionName=target_arn)["Policy"])
    if policy is None:
        there = _read(lambda: client.get_function_configuration(FunctionName=target_arn))
        if there is None:
            return f"The function {name} does not exist."
    if allows(policy or "{}", "lambda:InvokeFunction", rule_arn, target_arn):
        return ""
    return f"The policy of the function {name} does not let this rule invoke it."


def _of_queue(stack: Stack, rule_arn: str, target_arn: str) -> str:
    client, (account, name) = stack.client("sqs"), target_arn.split(":")[4:6]
    url = _read(lambda: client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account))
    if url is None:
        return f"The queue {name} does not exist."
    read = client.get_queue_attributes(QueueUrl=url["QueueUrl"], AttributeNames=["Policy"])
    policy = read.get("Attributes", {}).get("Policy") or "{}"
    if allows(policy, "sqs:SendMessage", rule_arn, target_arn):
        return ""
    return f"The policy of the queue {name} does not let this rule send to it."


def _read(read: Any) -> Any:
    """Return what AWS has, or None if it does not exist."""
    from botocore.exceptions import ClientError

    try:
        return read()
    except ClientError as error:
        if NOT_FOUND.search(error.response["Error"]["Code"]):
            return None
        raise


def allows(policy: str, action: str, rule_arn: str, resource: str) -> bool:
    """Return whether a resource's policy lets EventBridge do something for a rule.

    A condition on anything else than the rule's ARN and account and on TLS never holds.

    Args:
        policy: The policy as JSON text; `{}` if there is none.
        action: Such as `lambda:InvokeFunction`.
        rule_arn: The rule.
        resource: The ARN of the function or the queue.
    """
    context = {
        "aws:sourcearn": rule_arn,
        "aws:sourceaccount": rule_arn.split(":")[4],
        "aws:securetransport": "true",
    }
    effects = {
        statement.get("Effect")
        for statement in _listed(json.loads(policy).get("Statement", []))
        if _is_eventbridge(statement.get("Principal"))
        and any(_like(each.lower(), action.lower()) for each in _listed(statement.get("Action")))
        and any(_like(each, resource) for each in _listed(statement.get("Resource", _ANY)))
        and _holds(statement.get("Condition") or {}, context)
    }
    return "Allow" in effects and "Deny" not in effects


def _is_eventbridge(principal: Any) -> bool:
    if not isinstance(principal, Mapping):
        return bool(principal == _ANY)
    return EVENTBRIDGE in _listed(principal.get("Service")) or _ANY in _listed(principal.get("AWS"))


def _holds(condition: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    return all(
        _compare(operator.lower(), context.get(key.lower()), _listed(values))
        for operator, keys in condition.items()
        for key, values in keys.items()
    )


def _compare(operator: str, value: str | None, wanted: Iterable[str]) -> bool:
    """Return whether one comparison of a condition holds."""
    optional = operator.endswith("ifexists")
    operator = operator.removesuffix("ifexists")
    negated = "not" in operator
    if (operator := operator.replace("not", "")) not in _OPERATORS:
        return False
    if value is None:
        return optional or negated
    if operator == "bool":
        value, wanted = value.lower(), [str(each).lower() for each in wanted]
    wildcards = operator not in {"stringequals", "bool"}
    found = any(_like(each, value) if wildcards else each == value for each in wanted)
    return found is not negated


def _like(pattern: str, text: str) -> bool:
    """Return whether a text matches a pattern of IAM, with * and ?."""
    translated = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(translated, text, re.DOTALL) is not None


def _listed(value: Any) -> list[Any]:
    """Return a list; IAM may write a single value without brackets."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]

"""Check both paths to a dead letter: each exists, and accepts only its sender."""

import json
from collections.abc import Iterator

from devtools.security.resources import Finding, Resource, Resources, listed


def dead_letter_paths(resources: Resources) -> Iterator[Finding]:
    """A rule's target loses no event, neither an undelivered nor a failed one.

    The target has a dead-letter queue; the function has an on-failure destination for the alias
    that the rule invokes, or the queue before the function has a dead-letter queue of its own.
    Each queue accepts only its sender: the rule, the function's role, or SQS itself.
    """
    functions = {each.values["function_name"]: each for each in resources.of("aws_lambda_function")}
    rules = {each.values["name"]: each for each in resources.of("aws_cloudwatch_event_rule")}
    settings = {
        (each.values["function_name"], each.values.get("qualifier") or None): each
        for each in resources.of("aws_lambda_function_event_invoke_config")
    }
    for target in resources.of("aws_cloudwatch_event_target"):
        service, name, alias = _invoked(target.values.get("arn"))
        function = functions.get(name) if service == "lambda" else None
        buffer = resources.with_arn("aws_sqs_queue", target.values.get("arn"))
        if function is None and buffer is None:
            yield target.finding(dead_letter_paths, "it invokes no function of this plan")
            continue
        rule = rules[target.values["rule"]]
        queue = target.nested("dead_letter_config").get("arn")
        yield from _kept(resources, target, queue, "aws:SourceArn", rule.values.get("arn"))
        if buffer is not None:
            yield from _buffered(resources, target, buffer, rule.values.get("arn"))
            continue
        setting = settings.get((name, alias))
        if setting is None:
            whom = f"{name}:{alias}" if alias else name
            yield target.finding(dead_letter_paths, f"{whom} has no on-failure destination")
            continue
        queue = setting.nested("destination_config", "on_failure").get("destination")
        role = function.values.get("role") if function else None
        yield from _kept(resources, setting, queue, "aws:PrincipalArn", role)


def _invoked(arn: str | None) -> tuple[str, str, str | None]:
    """Return service, function and alias of arn:aws:lambda:region:account:function:name:alias."""
    parts = (arn or "").split(":")
    if len(parts) < 7:
        return "", "", None
    return parts[2], parts[6], parts[7] if len(parts) > 7 else None


def _buffered(
    resources: Resources, target: Resource, buffer: Resource, sender: str | None
) -> Iterator[Finding]:
    """The queue before a function accepts only the rule, and only SQS moves messages from it."""
    yield from _kept(resources, target, buffer.values.get("arn"), "aws:SourceArn", sender)
    redrive = json.loads(buffer.values.get("redrive_policy") or "{}")
    queue = resources.with_arn("aws_sqs_queue", redrive.get("deadLetterTargetArn"))
    if queue is None:
        yield buffer.finding(dead_letter_paths, "what fails for good goes to no queue of this plan")
    elif not _refuses_senders(resources, queue, None):
        yield queue.finding(dead_letter_paths, "somebody may send to it")


def _kept(
    resources: Resources, of: Resource, queue_arn: str | None, key: str, sender: str | None
) -> Iterator[Finding]:
    """A failed event goes to a queue that accepts only this sender."""
    queue = resources.with_arn("aws_sqs_queue", queue_arn)
    if queue is None:
        yield of.finding(dead_letter_paths, "what is lost goes to no queue of this plan")
        return
    allowed = {"ArnNotEquals": {key: sender}}
    if sender is None or "*" in sender or not _refuses_senders(resources, queue, allowed):
        yield queue.finding(dead_letter_paths, f"others than {sender} may send to it")


def _refuses_senders(
    resources: Resources, queue: Resource, condition: dict[str, dict[str, str | None]] | None
) -> bool:
    """Return whether a statement of the queue refuses everybody under exactly this condition."""
    return any(
        each["Effect"] == "Deny"
        and each.get("Principal") == "*"
        and "sqs:SendMessage" in listed(each["Action"])
        and each.get("Condition") == condition
        for owner, each in resources.statements
        if owner is queue
    )

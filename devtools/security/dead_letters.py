"""Whether an event can be lost: neither path to a dead letter may be missing, nor be open."""

from collections.abc import Iterator

from devtools.security.resources import Finding, Resource, Resources, listed


def dead_letter_paths(resources: Resources) -> Iterator[Finding]:
    """What a rule invokes loses no event: neither undelivered nor failed.

    The rule's target has a dead-letter queue; the function has an on-failure destination, for the
    very alias that is invoked. Each queue admits only its sender: the rule, the function's role.
    """
    functions = {each.values["function_name"]: each for each in resources.of("aws_lambda_function")}
    rules = {each.values["name"]: each for each in resources.of("aws_cloudwatch_event_rule")}
    settings = {
        (each.values["function_name"], each.values.get("qualifier") or None): each
        for each in resources.of("aws_lambda_function_event_invoke_config")
    }
    for target in resources.of("aws_cloudwatch_event_target"):
        service, name, alias = _invoked(target.values.get("arn"))
        function = functions.get(name)
        if service != "lambda" or function is None:
            yield target.finding(dead_letter_paths, "it invokes no function of this plan")
            continue
        rule = rules[target.values["rule"]]
        queue = target.nested("dead_letter_config").get("arn")
        yield from _kept(resources, target, queue, "aws:SourceArn", rule.values.get("arn"))
        setting = settings.get((name, alias))
        if setting is None:
            whom = f"{name}:{alias}" if alias else name
            yield target.finding(dead_letter_paths, f"{whom} has no on-failure destination")
            continue
        queue = setting.nested("destination_config", "on_failure").get("destination")
        role = function.values.get("role")
        yield from _kept(resources, setting, queue, "aws:PrincipalArn", role)


def _invoked(arn: str | None) -> tuple[str, str, str | None]:
    """The service, function and alias of arn:aws:lambda:region:account:function:name:alias."""
    parts = (arn or "").split(":")
    if len(parts) < 7:
        return "", "", None
    return parts[2], parts[6], parts[7] if len(parts) > 7 else None


def _kept(
    resources: Resources, of: Resource, queue_arn: str | None, key: str, sender: str | None
) -> Iterator[Finding]:
    """Whether what is lost gets to a queue that admits this one sender."""
    queue = resources.with_arn("aws_sqs_queue", queue_arn)
    if queue is None:
        yield of.finding(dead_letter_paths, "what is lost goes to no queue of this plan")
        return
    statements = [each for owner, each in resources.statements if owner is queue]
    shut_out = any(
        each["Effect"] == "Deny"
        and each.get("Principal") == "*"
        and "sqs:SendMessage" in listed(each["Action"])
        and each.get("Condition") == {"ArnNotEquals": {key: sender}}
        for each in statements
    )
    if not shut_out or sender is None or "*" in sender:
        message = f"others than {sender} may send to it"
        yield queue.finding(dead_letter_paths, message)

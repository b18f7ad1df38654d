"""Say for each rule of a stack's bus why an event did or did not arrive at its function."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Any

from local_cloud.delivery.delivery_log import Delivery, Origin, Outcome
from workshop.deployment.local import delivery_records, injected_faults
from workshop.deployment.stack import Stack, command
from workshop.paths import in_stages
from workshop.stages import flow
from workshop.why import permission
from workshop.why.explanation import Event, Matches, Refusal, explain

_FAILED = {
    Outcome.FAILED: "failed",
    Outcome.THROTTLED: "throttled",
    Outcome.REFUSED: "refused",
    Outcome.KILLED: "killed before it published",
}
"""Outcomes of an attempt that is followed by another, in words."""
_ENDED = {Outcome.DELIVERED, Outcome.DEAD_LETTERED, Outcome.DROPPED}


@dataclass(frozen=True)
class RuleAnswer:
    """What became, or would become, of an event at one rule. Its fields are JSON's types.

    Attributes:
        rule: The rule's name.
        function: The key of the function that it invokes, such as `payment`; empty for others.
        matched: Whether the rule's pattern matches the event now.
        refusals: The fields that refuse the event; empty if it matches.
        note: What else to know, in sentences.
        changed: The event with all changes, which the rule matches; None if it matches already, or
            no change was found.
        enabled: Whether the rule is enabled. A missing rule is not.
        permission: Why EventBridge cannot deliver to the target, as a sentence; empty if it can.
            It is read only for a rule that matches.
        outcome: What happened to the event at this rule, such as `delivered`, for an event that
            was sent; else empty.
        arrived: Whether the function processed it; None if it was not sent, or that is unknown.
    """

    rule: str
    function: str
    matched: bool
    refusals: tuple[Refusal, ...] = ()
    note: str = ""
    changed: Event | None = None
    enabled: bool = True
    permission: str = ""
    outcome: str = ""
    arrived: bool | None = None


@dataclass(frozen=True)
class _Rule:
    name: str
    arn: str
    pattern: str
    enabled: bool
    targets: tuple[str, ...]


def why(
    stack: Stack, event: Event, matches: Matches, *, sent: Collection[str] | None = None
) -> list[RuleAnswer]:
    """Return an answer for each rule of the stack's bus, in the order of the flow.

    On the local cloud, the delivery log says what happened to an event that was sent. An answer
    reads the bus's rules again, so it costs some requests to EventBridge, and one to the target
    of each matching rule.

    Args:
        stack: The stack.
        event: The event as EventBridge delivers it; with its `id` if it was sent. Missing fields of
            the envelope are added.
        matches: The matcher, such as `workshop.event_patterns.matches`: one process serves all
            calls.
        sent: The names of the rules that matched when the event reached the bus (`BusEvent.rules`);
            None if that is unknown.

    Raises:
        ClientError: AWS refused a request.
        ValueError: The event lacks its source, detail-type or detail.
    """
    event = {"account": stack.target.account, "region": stack.target.region, **event}
    deliveries = _deliveries(stack, event)
    answers = [
        _answer(stack, rule, event, matches, deliveries.get(rule.name, []), sent)
        for rule in _rules(stack)
    ]
    invoked = {each.function for each in answers}
    answers += [each for each in _missing(stack) if each.function not in invoked]
    order = {key: place for place, key in enumerate(flow().functions)}
    return sorted(answers, key=lambda each: (order.get(each.function, len(order)), each.rule))


def _rules(stack: Stack) -> Iterator[_Rule]:
    """Yield the bus's rules that have a pattern, except those that AWS manages."""
    client, bus = stack.client("events"), stack.outputs.event_bus_name
    for rule in _pages(client.list_rules, "Rules", EventBusName=bus):
        if "EventPattern" in rule and "ManagedBy" not in rule:
            targets = _pages(
                client.list_targets_by_rule, "Targets", EventBusName=bus, Rule=rule["Name"]
            )
            yield _Rule(
                rule["Name"],
                rule["Arn"],
                rule["EventPattern"],
                rule["State"] != "DISABLED",
                tuple(each["Arn"] for each in targets),
            )


def _pages(request: Any, name: str, **arguments: str) -> Iterator[dict[str, Any]]:
    """Yield the items of all pages of a list."""
    while True:
        page = request(**arguments)
        yield from page[name]
        if "NextToken" not in page:
            return
        arguments["NextToken"] = page["NextToken"]


def _missing(stack: Stack) -> Iterator[RuleAnswer]:
    """Yield an answer for each function that events invoke: for those without a rule."""
    for key, name in stack.outputs.function_names.items():
        if in_stages(f"terraform/patterns/{key}.json"):
            again = f"up STAGE={stack.stage}" if stack.target.own else "deploy"
            note = f"The rule does not exist. Recreate it with: {command(stack, again)}"
            yield RuleAnswer(name, key, matched=False, note=note, enabled=False)


def _answer(
    stack: Stack,
    rule: _Rule,
    event: Event,
    matches: Matches,
    deliveries: list[Delivery],
    sent: Collection[str] | None,
) -> RuleAnswer:
    explanation = explain(rule.pattern, event, matches)
    outcome = _in_words(deliveries)
    if not outcome and sent is not None:
        outcome = _of_unlogged(rule, matched=explanation.matched, sent=rule.name in sent)
    return RuleAnswer(
        rule.name,
        _function(stack, rule),
        explanation.matched,
        explanation.refusals,
        explanation.note or _off(stack, rule, matched=explanation.matched),
        explanation.changed,
        rule.enabled,
        _problem(stack, rule) if explanation.matched else "",
        outcome,
        _arrived(deliveries, rule, sent),
    )


def _off(stack: Stack, rule: _Rule, *, matched: bool) -> str:
    """Return how to enable a rule that would match if it were enabled; empty if it is enabled."""
    if rule.enabled or not matched:
        return ""
    return injected_faults.how_to_enable(stack, [rule.name])


def _function(stack: Stack, rule: _Rule) -> str:
    """Return the key of the function that a rule invokes; empty if it is none of the stack's."""
    keys = stack.outputs.function_keys | stack.outputs.buffer_keys
    names = (arn.partition(":function:")[2].partition(":")[0] for arn in rule.targets)
    queues = (arn.rpartition(":")[2] for arn in rule.targets if ":sqs:" in arn)
    return next((keys[name] for name in chain(names, queues) if name in keys), "")


def _problem(stack: Stack, rule: _Rule) -> str:
    if not rule.targets:
        return "The rule has no target."
    return " ".join(
        filter(None, (permission.problem(stack, rule.arn, arn) for arn in rule.targets))
    )


def _deliveries(stack: Stack, event: Event) -> dict[str, list[Delivery]]:
    """Return rule → the records of an event that was sent, oldest first."""
    origin = Origin.of(event)
    if not stack.target.own or not origin.event_id:
        return {}
    found: dict[str, list[Delivery]] = {}
    for each in delivery_records.of(stack, origin.correlation_id or None):
        if each.origin.event_id == origin.event_id:
            found.setdefault(each.origin.rule, []).append(each)
    return found


def _in_words(deliveries: Iterable[Delivery]) -> str:
    """Return what happened: `failed 3 times (UnknownSkuError), then dead-lettered`."""
    steps = []
    for (outcome, reason), group in groupby(
        deliveries, key=lambda each: (each.outcome, each.reason)
    ):
        count = len(list(group))
        times = "" if count == 1 else " twice" if count == 2 else f" {count} times"
        why_so = f" ({reason})" if reason else ""
        steps.append(f"{_FAILED.get(outcome, outcome.value)}{times}{why_so}")
    return ", then ".join(steps)


def _of_unlogged(rule: _Rule, *, matched: bool, sent: bool) -> str:
    """Return what is known of a sent event without a delivery."""
    if sent:
        if matched:
            return "queued or running"
        return "matched when it was sent: the rule's pattern was changed since"
    if not matched:
        return ""
    if not rule.enabled:
        return "the rule is disabled"
    return "when it was sent, the rule was disabled, missing or different"


def _arrived(deliveries: list[Delivery], rule: _Rule, sent: Collection[str] | None) -> bool | None:
    if any(each.outcome is Outcome.DELIVERED for each in deliveries):
        return True
    if any(each.outcome in _ENDED for each in deliveries):
        return False
    return False if sent is not None and rule.name not in sent else None

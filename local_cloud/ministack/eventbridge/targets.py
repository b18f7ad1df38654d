"""Deliver an event to the targets of a matching rule: permissions, retries and dead letters.

MiniStack 1.5.33 runs a function once, and sends an event to a queue without a check of its policy.
It has neither retry policies nor dead-letter queues, and drops an event if the target is missing.
Here `local_cloud.delivery.rule_target` delivers to every target. A replay reaches the rules in its
FilterArns, and rules have metrics in CloudWatch's namespace AWS/Events.
"""

# ruff: noqa: SLF001 - MiniStack has no public interface for any of this

import contextvars
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ministack.services import eventbridge

from local_cloud.delivery.change_log import BusEvent
from local_cloud.delivery.delivery_log import Origin
from local_cloud.delivery.put_events import compact
from local_cloud.delivery.rule_target import EVENT_AGE, RETRY_ATTEMPTS, TargetDelivery, dimensions
from local_cloud.delivery.wiring import Parts
from local_cloud.ministack.eventbridge.archives import filter_of
from local_cloud.ministack.replacing import replace


@dataclass(frozen=True)
class _Match:
    """A rule that matched an event, and one of its targets."""

    target: dict[str, Any]
    rule: dict[str, Any]
    event: dict[str, Any]


_match: contextvars.ContextVar[_Match | None] = contextvars.ContextVar("match", default=None)


def install(parts: Parts) -> None:
    """Attach the patches."""

    def remembering(invoke: Callable[..., None]) -> Callable[..., None]:
        def invoked(target: Any, event: Any, rule: Any, view: Any = None) -> None:
            view = view or eventbridge._pattern_event_view(event)
            token = _match.set(_Match(target, rule or {}, view.event_with_detail()))
            try:
                invoke(target, event, rule, view)
            finally:
                _match.reset(token)

        return invoked

    def deliver(arn: Any, payload: str, _parameters: Any = None) -> None:
        match = _match.get()
        if match is None:
            msg = f"an event for {arn} has no rule"
            raise RuntimeError(msg)
        parts.targets.deliver(_delivery(str(arn), payload, match))

    def to_known_bus(forward: Callable[..., None]) -> Callable[..., None]:
        def forwarded(spec: Any, event: Any, *rest: Any) -> None:
            known = spec.resource.partition("/")[2] in eventbridge._event_buses
            if known and eventbridge._target_matches_request_scope(spec):
                forward(spec, event, *rest)
            else:
                deliver(spec, json.dumps(event.get("Detail", "")))

        return forwarded

    replace(eventbridge, "_invoke_target", remembering)
    for name in (
        *("_dispatch_to_lambda", "_dispatch_to_sqs", "_dispatch_to_sns"),
        "_dispatch_to_stepfunctions",
    ):
        replace(eventbridge, name, lambda _: deliver)
    replace(eventbridge, "_dispatch_to_event_bus", to_known_bus)
    # MiniStack drops what is for another region; here the delivery fails, as on AWS.
    replace(eventbridge, "_target_matches_request_scope", _anywhere_unless_bus)
    replace(eventbridge, "_dispatch_event", lambda _: lambda *given: _dispatch(parts, *given))


def _anywhere_unless_bus(in_scope: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def matches(spec: Any) -> bool:
        return spec.service != "events" or in_scope(spec)

    return matches


def _dispatch(parts: Parts, event: dict[str, Any], view: Any = None) -> None:
    """Deliver an event to the targets of every matching rule on its bus."""
    bus, passed = event.get("EventBusName", "default"), event.get("_DispatchPath") or ()
    only = filter_of(event) if "ReplayName" in event else []
    view = view or eventbridge._pattern_event_view(event)
    matched = []
    for key, rule in eventbridge._rules.items():
        if rule.get("EventBusName", "default") != bus or rule.get("State") != "ENABLED":
            continue
        if key in passed or not rule.get("EventPattern"):
            continue
        if only and rule["Arn"] not in only:
            continue
        if not eventbridge._matches_pattern_view(rule["EventPattern"], view, f"rule {key}"):
            continue
        matched.append((key, rule))
    caller = parts.callers.current()
    parts.changes.add(
        BusEvent(
            compact(view.event_with_detail()),
            bus,
            tuple(rule["Name"] for _, rule in matched),
            caller.function if caller else "",
        )
    )
    for key, rule in matched:
        of_rule = dimensions(rule["Arn"])
        for metric in ("MatchedEvents", "TriggeredRules"):
            parts.cloud.count("AWS/Events", metric, of_rule)
        for target in eventbridge._targets.get(key, []):
            eventbridge._invoke_target(target, event, rule, view)


def _delivery(arn: str, payload: str, match: _Match) -> TargetDelivery:
    """Return MiniStack's delivery as ours."""
    try:
        content = json.loads(payload)
    except ValueError:
        content = payload
    target, rule_arn = match.target, match.rule.get("Arn", "")
    policy = target.get("RetryPolicy") or {}
    uses_role = ":scheduler:" in rule_arn or ":states:" in arn
    return TargetDelivery(
        rule_arn=rule_arn,
        rule_name=match.rule.get("Name", ""),
        target_arn=arn,
        payload=content,
        text=payload,
        group=(target.get("SqsParameters") or {}).get("MessageGroupId", ""),
        raw=compact(match.event),
        origin=Origin.of(match.event, rule=match.rule.get("Name", "")),
        # The own policy of the rule's function, queue or topic decides.
        role_arn=target.get("RoleArn", "") if uses_role else "",
        dead_letter=(target.get("DeadLetterConfig") or {}).get("Arn", ""),
        retries=policy.get("MaximumRetryAttempts", RETRY_ATTEMPTS),
        event_age=policy.get("MaximumEventAgeInSeconds", EVENT_AGE),
    )

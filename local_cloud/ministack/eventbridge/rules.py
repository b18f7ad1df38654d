"""Rules, targets and buses: EventBridge refuses what MiniStack 1.5.33 accepts.

AWS refuses a rule without pattern and schedule, a schedule that is invalid or on a custom bus, a
sixth target, more than one kind of input, a template with an unknown placeholder, and the deletion
of a rule with targets or of a bus with rules. It knows a bus by its ARN, too. PutRule replaces the
whole rule: what a request leaves out has its default again, and an existing rule keeps its tags.
MiniStack accepts all of it, keeps the state, and takes an unknown rule for an empty one.

Source: LocalStack's test_events, test_events_schedule and test_events_inputs, recorded on AWS;
EventBridge API Reference, PutRule.
"""

# ruff: noqa: SLF001 - MiniStack has no public interface for any of this

import json
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from ministack.core.arn import parse_arn
from ministack.core.responses import error_response_json
from ministack.services import eventbridge

from local_cloud.delivery import schedule
from local_cloud.ministack.replacing import replace

Handler = Callable[[dict[str, Any]], Any]

_TARGETS_PER_RULE = 5
_DELIVERED = {"lambda", "sqs", "sns", "states", "events"}
"""The services whose targets the local cloud delivers to."""

_ON_A_BUS = (
    *("_put_rule", "_delete_rule", "_describe_rule", "_enable_rule", "_disable_rule"),
    *("_list_rules", "_put_targets", "_remove_targets", "_list_targets_by_rule"),
)
_ON_A_RULE = (
    *("_describe_rule", "_enable_rule", "_disable_rule"),
    *("_put_targets", "_remove_targets", "_list_targets_by_rule"),
)
"""What AWS refuses where there is no such rule."""

_INPUTS = ("Input", "InputPath", "InputTransformer")
_PLACEHOLDER = re.compile(r"<([^<>]*)>")


def install() -> None:
    """Attach the patches; the last ones are asked first."""
    for check, names in (
        (_checked_rule, ["_put_rule"]),
        (_checked_targets, ["_put_targets"]),
        (_kept_with_targets, ["_delete_rule"]),
        (_paged_targets, ["_list_targets_by_rule"]),
        (_of_a_known_rule, _ON_A_RULE),
        (_on_a_known_bus, _ON_A_BUS),
        (_kept_with_rules, ["_delete_event_bus"]),
        (_new_bus, ["_create_event_bus"]),
        (_known_bus, ["_describe_event_bus"]),
        (_paged_buses, ["_list_event_buses"]),
    ):
        for name in names:
            replace(eventbridge, name, check)
    replace(eventbridge, "_validate_schedule_expression", lambda _: _is_valid)
    replace(eventbridge, "_parse_cron_fields", _only_valid)


def invalid(message: str, code: str = "ValidationException") -> Any:
    """Return a refusal."""
    return error_response_json(code, message, 400)


def missing(message: str) -> Any:
    """Return the refusal of a request for something that does not exist."""
    return invalid(message, "ResourceNotFoundException")


def _is_valid(expression: str) -> bool:
    try:
        return not expression or bool(schedule.of_rule(expression))
    except schedule.InvalidScheduleError:
        return False


def _only_valid(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """Leave out what is invalid: MiniStack's clock would stop at it, for every schedule."""

    def parsed(expression: str) -> Any:
        return parse(expression) if _is_valid(expression) else None

    return parsed


def _on_a_known_bus(handle: Handler) -> Handler:
    def handled(data: dict[str, Any]) -> Any:
        name, error = eventbridge._event_bus_name_from_ref(data.get("EventBusName") or "default")
        if error:
            return invalid(error[1], error[0])
        if name not in eventbridge._event_buses:
            return missing(f"Event bus {name} does not exist.")
        return handle({**data, "EventBusName": name})

    return handled


def _of_a_known_rule(handle: Handler) -> Handler:
    def handled(data: dict[str, Any]) -> Any:
        name, bus = data.get("Name") or data.get("Rule") or "", data["EventBusName"]
        if eventbridge._rule_key(name, bus) not in eventbridge._rules:
            return missing(f"Rule {name} does not exist on EventBus {bus}.")
        return handle(data)

    return handled


def _checked_rule(put: Handler) -> Handler:
    def checked(data: dict[str, Any]) -> Any:
        if not data.get("EventPattern") and not data.get("ScheduleExpression"):
            return invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
        if data.get("ScheduleExpression") and data["EventBusName"] != "default":
            return invalid("ScheduleExpression is supported only on the default event bus.")
        data = {"State": "ENABLED", "Description": "", "RoleArn": "", **data}
        key = eventbridge._rule_key(data.get("Name", ""), data["EventBusName"])
        if key in eventbridge._rules:
            data.pop("Tags", None)
        return put(data)

    return checked


def _checked_targets(put: Handler) -> Handler:
    def checked(data: dict[str, Any]) -> Any:
        key = eventbridge._rule_key(data.get("Rule", ""), data["EventBusName"])
        targets = data.get("Targets") or []
        known = eventbridge._targets.get(key) or []
        if len({each.get("Id") for each in [*known, *targets]}) > _TARGETS_PER_RULE:
            return invalid(
                "The requested resource exceeds the maximum number allowed.",
                "LimitExceededException",
            )
        for target in targets:
            if refusal := _target_refusal(target):
                return invalid(refusal)
        return put(data)

    return checked


def _target_refusal(target: dict[str, Any]) -> str:
    """Return why a target is refused, or "" if it is not."""
    name = target.get("Id")
    if sum(bool(target.get(each)) for each in _INPUTS) > 1:
        return (
            f"Only one of Input, InputPath, or InputTransformer must be provided for target {name}."
        )
    if transformer := target.get("InputTransformer"):
        known = transformer.get("InputPathsMap") or {}
        for placeholder in _PLACEHOLDER.findall(transformer.get("InputTemplate") or ""):
            if placeholder not in known and not placeholder.startswith("aws.events."):
                return (
                    f"InputTemplate for target {name} contains invalid placeholder {placeholder}."
                )
    if eventbridge._validate_target_arn(target) is not None:
        return ""  # MiniStack says why
    service = parse_arn(target["Arn"]).service
    if service not in _DELIVERED:
        return f"The local cloud does not deliver to {service}: an event for {name} would be lost."
    return ""


def _paged_targets(list_targets: Handler) -> Handler:
    def paged(data: dict[str, Any]) -> Any:
        return page(list_targets(data), "Targets", data)

    return paged


def _paged_buses(list_buses: Handler) -> Handler:
    def paged(data: dict[str, Any]) -> Any:
        return page(_without_nothing(list_buses(data), "EventBuses"), "EventBuses", data)

    return paged


def page(response: tuple[int, dict[str, str], bytes], name: str, data: dict[str, Any]) -> Any:
    """Return one page of a response that holds a whole list.

    Args:
        response: Of MiniStack, which knows no pages for this list.
        name: The list's name in the response.
        data: The request, with Limit and NextToken.
    """
    status, headers, body = response
    if status != HTTPStatus.OK:
        return response
    items = json.loads(body)[name]
    start = eventbridge._opaque_offset_decode(data.get("NextToken") or "")
    end = start + int(data.get("Limit") or 100)
    found: dict[str, Any] = {name: items[start:end]}
    if end < len(items):
        found["NextToken"] = eventbridge._opaque_offset_encode(end)
    return status, headers, json.dumps(found).encode()


def _without_nothing(response: tuple[int, dict[str, str], bytes], name: str) -> Any:
    """Leave out the descriptions that nobody wrote."""
    status, headers, body = response
    items = [
        {key: value for key, value in each.items() if value != ""}
        for each in json.loads(body)[name]
    ]
    return status, headers, json.dumps({name: items}).encode()


def _kept_with_targets(delete: Handler) -> Handler:
    def kept(data: dict[str, Any]) -> Any:
        if eventbridge._targets.get(eventbridge._rule_key(data.get("Name"), data["EventBusName"])):
            return invalid("Rule can't be deleted since it has targets.")
        return delete(data)

    return kept


def _kept_with_rules(delete: Handler) -> Handler:
    def kept(data: dict[str, Any]) -> Any:
        name = data.get("Name")
        if name == "default":
            return invalid("Cannot delete event bus default.")
        if any(rule.get("EventBusName") == name for rule in eventbridge._rules.values()):
            return invalid("EventBus can't be deleted since it has rules.")
        return delete(data)

    return kept


def _new_bus(create: Handler) -> Handler:
    def created(data: dict[str, Any]) -> Any:
        if (name := data.get("Name")) in eventbridge._event_buses:
            return invalid(f"Event bus {name} already exists.", "ResourceAlreadyExistsException")
        return create(data)

    return created


def _known_bus(describe: Handler) -> Handler:
    def described(data: dict[str, Any]) -> Any:
        name, error = eventbridge._event_bus_name_from_ref(data.get("Name") or "default")
        if error:
            return invalid(error[1], error[0])
        if name not in eventbridge._event_buses:
            return missing(f"Event bus {name} does not exist.")
        return describe({**data, "Name": name})

    return described

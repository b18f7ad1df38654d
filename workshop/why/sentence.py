"""Answer "why did this function not get this event?" in one plain sentence."""

from workshop.stages import flow
from workshop.why.answers import RuleAnswer
from workshop.why.explanation import Event

_TYPE = "detail-type"
_SOURCE = "source"


def sentence(answer: RuleAnswer, event: Event) -> str:
    """Return why a function got an event, or why not.

    Args:
        answer: The answer for the function's rule.
        event: The event.
    """
    name = answer.function or answer.rule
    if answer.arrived:
        return f"{name} has processed this event: {answer.outcome}."
    if answer.outcome:
        return f"{name} has not processed this event: {answer.outcome}."
    if answer.permission:
        return f"{name} cannot get this event: {answer.permission}"
    if answer.matched:
        state = "its rule matches" if answer.enabled else "its rule would match, but it is disabled"
        return f"{name} and this event: {state}."
    return _of_unmatched(answer, name, event)


def _of_unmatched(answer: RuleAnswer, name: str, event: Event) -> str:
    """Return why a rule does not match an event, and whether that is as it should be."""
    if not answer.refusals:
        return f"{name} does not get this event. {answer.note}".strip()
    function, step = flow().functions.get(answer.function), step_of(event)
    if function and function.receives(step):
        return f"This is not normal: {name} waits for {step}, and its rule refuses this event."
    waits = f"{name} waits for {_accepted(answer, event)}."
    known = {each for other in flow().functions.values() for each in other.publishes}
    return f"This is normal: {waits}" if function and step in known else waits


def step_of(event: Event) -> str:
    """Return an event's step, such as `order-created`; empty if it has none."""
    metadata = event["detail"].get("metadata")
    identity = metadata.get("event_id") if isinstance(metadata, dict) else ""
    return identity.rpartition("/")[2] if isinstance(identity, str) else ""


def is_other_type(answer: RuleAnswer, types: set[str] | frozenset[str], event: Event) -> bool:
    """Return whether a rule is for another of the known types, so that no change makes sense.

    Args:
        answer: The answer for the rule.
        types: The known types of events.
        event: The event.
    """
    return event[_TYPE] in types and any(field.path == _TYPE for field in answer.refusals)


def _accepted(answer: RuleAnswer, event: Event) -> str:
    """Return what a rule waits for: `InventoryUpdated with status RESERVED`."""
    refused = {field.path: field.accepts.replace('"', "") for field in answer.refusals}
    kind = refused.pop(_TYPE, str(event[_TYPE]))
    refused.pop(_SOURCE, None)
    fields = " and ".join(f"{path.rpartition('.')[2]} {each}" for path, each in refused.items())
    return f"{kind} with {fields}" if fields else kind

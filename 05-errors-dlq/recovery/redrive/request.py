"""What the redrive function is asked to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from orderflow.errors import PermanentError
from recovery.redrive.service import Filter

RATE = 10.0
SLOWEST, FASTEST = 0.1, 100.0
"""Invocations a second; slower ones would spend the function's time waiting."""

FILTERS = ("order_id", "consumer", "error", "message_id")


class InvalidRequestError(PermanentError):
    """The function was asked for something it does not do."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request that makes sense."""

    wanted: Filter
    dry_run: bool
    rate: float


def parse(event: Any, consumers: Iterable[str]) -> Request:
    """Read `{"order_id"?, "consumer"?, "error"?, "message_id"?, "dry_run"?, "rate"?}`.

    Raises:
        InvalidRequestError: Names the field and the rule, never the value.
    """
    known = {*FILTERS, "dry_run", "rate"}
    if not isinstance(event, dict):
        raise InvalidRequestError("a redrive is asked for with a JSON object")
    if event.keys() - known:
        raise InvalidRequestError(f"a redrive knows {', '.join(sorted(known))}, and nothing else")
    given = {name: event[name] for name in FILTERS if event.get(name) is not None}
    for name, value in given.items():
        if not isinstance(value, str) or not value:
            raise InvalidRequestError(f"{name} must be a text")
    dry_run, rate = event.get("dry_run", False), event.get("rate", RATE)
    if not isinstance(dry_run, bool):
        raise InvalidRequestError("dry_run must be true or false")
    is_number = isinstance(rate, int | float) and not isinstance(rate, bool)
    if not (is_number and SLOWEST <= rate <= FASTEST):
        raise InvalidRequestError(f"rate must be a number from {SLOWEST:g} to {FASTEST:g}")
    if given.get("consumer") not in {None, *consumers}:
        raise InvalidRequestError(f"consumer must be one of {', '.join(sorted(consumers))}")
    return Request(Filter(**given), dry_run, float(rate))

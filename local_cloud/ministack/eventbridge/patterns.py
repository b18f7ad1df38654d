"""Event patterns: what EventBridge's matcher does and MiniStack 1.5.33's does not.

AWS joins an event's nested names with dots, so `{"a.b": 1}` and `{"a": {"b": 1}}` are one path.
MiniStack joins a pattern's names only. AWS refuses a number that a double cannot hold, such as
1E-325, and a wildcard pattern that is too complex. MiniStack takes both. TestEventPattern refuses
an event that lacks what every event has, and reads a `detail` that is a string as a string.
MiniStack takes any object, and parses the string.

Sources: LocalStack's recorded event_pattern_templates (dot_joining_event,
content_wildcard_complex_EXC) and TestEventPattern::test_invalid_event_payload; event-ruler's
JsonRuleCompilerTest and ComparableNumber.
"""

# ruff: noqa: SLF001 - MiniStack has no public interface for any of this

import json
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import eventbridge

from local_cloud.ministack.replacing import replace

_REQUIRED = ("id", "account", "source", "time", "region", "detail-type")
"""What TestEventPattern wants in every event."""

_TOO_COMPLEX = (
    "Rule is too complex - try using fewer wildcard characters or fewer repeating character "
    "sequences after a wildcard character"
)

_NO_OBJECT = "Value of anything-but must be an array or single string/number value."
_ONLY_TEXT = "prefix/suffix match pattern must be a string"

_COMPLEXITY_LIMIT = 10
"""The complexity that EventBridge refuses.

AWS does not publish the limit. `*:*:*:*:*:event-bus/*`, a recorded refusal, has 10;
`/Users/*/dir/dir/dir/dir/dir/doc.txt`, which is recorded as accepted, has 7.
"""

_TOKEN = re.compile(r"\\.|\*|[^\\*]", re.DOTALL)


class _Number(float):
    """A number of a pattern that knows how it was written."""

    written: str

    @classmethod
    def read(cls, text: str) -> "_Number":
        number = cls(text)
        number.written = text
        return number


def install() -> None:
    """Attach the patches."""
    matches, threshold = eventbridge._matches_detail, eventbridge._validate_numeric_threshold
    wildcard, anything_but = (
        eventbridge._validate_wildcard,
        eventbridge._validate_anything_but_nested,
    )

    def joined_matches(detail: Any, pattern: Any) -> Any:
        if isinstance(detail, dict) and any("." in name for name in detail):
            detail = nested(detail)
        return matches(detail, pattern)

    def exact_threshold(operator: str, value: Any) -> Any:
        written = getattr(value, "written", None)
        if written is not None and Decimal(written) != Decimal(repr(float(value))):
            msg = f"Cannot compare number : {written}"
            raise eventbridge._InvalidPattern(msg)
        return threshold(operator, value)

    def simple_wildcard(operand: Any) -> None:
        wildcard(operand)
        if complexity(operand) >= _COMPLEXITY_LIMIT:
            raise eventbridge._PatternTooComplex(_TOO_COMPLEX)

    replace(eventbridge, "_matches_detail", lambda _: joined_matches)
    replace(eventbridge, "_validate_numeric_threshold", lambda _: exact_threshold)

    def inside_anything_but(operator: str, operand: Any) -> None:
        if isinstance(operand, dict):
            raise eventbridge._InvalidPattern(_NO_OBJECT)
        values = operand if isinstance(operand, list) else []
        if operator in ("prefix", "suffix") and any(not isinstance(each, str) for each in values):
            raise eventbridge._InvalidPattern(_ONLY_TEXT)
        anything_but(operator, operand)

    replace(eventbridge, "_validate_wildcard", lambda _: simple_wildcard)
    replace(eventbridge, "_validate_anything_but_nested", lambda _: inside_anything_but)
    replace(eventbridge, "_parse_pattern_text", lambda _: _parse)
    _judge_whole_events()


def _judge_whole_events() -> None:
    judge, mapped = eventbridge._test_event_pattern, eventbridge._event_from_test_payload

    def judged(data: dict[str, Any]) -> Any:
        try:
            event = json.loads(data.get("Event") or "")
        except (ValueError, TypeError, RecursionError):
            event = None
        if not isinstance(event, dict) or any(name not in event for name in _REQUIRED):
            return error_response_json("ValidationException", "Parameter Event is not valid.", 400)
        return judge(data)

    def as_sent(event: dict[str, Any]) -> Any:
        if isinstance(event.get("detail"), str):
            event = {**event, "detail": json.dumps(event["detail"])}
        return mapped(event)

    replace(eventbridge, "_test_event_pattern", lambda _: judged)
    replace(eventbridge, "_event_from_test_payload", lambda _: as_sent)


def _parse(text: Any) -> tuple[Any, str | None]:
    """Return a pattern's compiled alternatives, or the reason why EventBridge refuses it."""
    if isinstance(text, str) and not text.strip():
        return None, "Filter is not an object"
    try:
        pattern = json.loads(
            text, parse_constant=eventbridge._reject_json_constant, parse_float=_Number.read
        )
    except (ValueError, TypeError, RecursionError):
        return None, "Invalid JSON"
    try:
        return eventbridge._compile_pattern(pattern), None
    except eventbridge._InvalidPattern as refusal:
        return None, str(refusal)
    except RecursionError:
        return None, "Event pattern is nested too deeply"


def nested(detail: dict[str, Any]) -> dict[str, Any]:
    """Return an object whose dotted names are nested objects; names that are equal then are joined.

    Args:
        detail: An object of an event; it is not changed.
    """
    result: dict[str, Any] = {}
    for name, value in detail.items():
        first, dot, rest = name.partition(".")
        one = nested({rest: value}) if dot else value
        result[first] = _join(result[first], one) if first in result else one
    return result


def _join(one: Any, other: Any) -> Any:
    """Return what two values at one path offer together."""
    if isinstance(one, dict) and isinstance(other, dict):
        joined = {**one}
        for name, value in other.items():
            joined[name] = _join(joined[name], value) if name in joined else value
        return joined
    values = [each if isinstance(each, list) else [each] for each in (one, other)]
    return [*values[0], *values[1]]


def complexity(wildcard: str) -> int:
    """Return how many moves a matcher of this pattern may have to make for one character.

    A star may take any character, whatever else the pattern can go on with. The search ends at
    the limit, so it visits few states.
    """
    tokens = _TOKEN.findall(wildcard)
    alphabet = {each for each in tokens if each != "*"} or {"x"}
    start = _with_next(tokens, {0})
    seen, queue, most = {start}, [start], 0
    while queue and most < _COMPLEXITY_LIMIT:
        places = queue.pop()
        stars = {place for place in places if tokens[place] == "*"}
        for character in alphabet:
            passed = {place + 1 for place in places if tokens[place] == character}
            most = max(most, len(stars) + len(passed))
            after = _with_next(tokens, stars | passed)
            if after not in seen:
                seen.add(after)
                queue.append(after)
    return most


def _with_next(tokens: list[str], places: Iterable[int]) -> frozenset[int]:
    """Return the places of tokens that wait for a character: behind a star waits the next, too."""
    waiting = {place for place in places if place < len(tokens)}
    behind = {place + 1 for place in waiting if tokens[place] == "*" and place + 1 < len(tokens)}
    return frozenset(waiting | behind)

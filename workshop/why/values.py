"""Suggest values that a field's options may accept; the matcher decides which of them it does."""

import ipaddress
import json
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from workshop.why.pattern import Options

_WILDCARD = re.compile(r"\\(.)|(\*)|([^\\*])", re.DOTALL)
_SOMETHING = "any"
_OTHERS: tuple[Any, ...] = ("other", "another", "x", "-", "", 0, True, None)
"""What to try for a value that must only differ: not even a pattern for all texts has all these."""


@dataclass(frozen=True)
class Suggestion:
    """A value for a field.

    Attributes:
        value: The value; None may be JSON's null.
        removes: Whether the field is removed instead.
        is_example: Whether other values do as well.
        converts: Whether it is what the event has, only of another JSON type.
    """

    value: Any = None
    removes: bool = False
    is_example: bool = False
    converts: bool = False


def suggestions(options: Options, has: list[Any]) -> Iterator[Suggestion]:
    """Yield values that a field's options may accept, those like the event's own value first.

    Args:
        options: What the pattern accepts.
        has: The values that the event has for the field: none, or several in an array.
    """
    for value in has:
        for converted in _conversions(value):
            for option in options:
                if not isinstance(option, Mapping) or "numeric" in option:
                    yield Suggestion(converted, converts=True)
    for option in options:
        if not isinstance(option, Mapping) or len(option) != 1:
            yield Suggestion(option)
            continue
        ((operator, operand),) = option.items()
        if operator == "exists":
            yield Suggestion(_SOMETHING, is_example=True) if operand else Suggestion(removes=True)
            continue
        if operator == "anything-but":
            yield from (Suggestion(each, is_example=True) for each in _others(operand))
            continue
        yield from (Suggestion(each, is_example=True) for each in _examples(operator, operand, has))


def _conversions(value: Any) -> Iterator[Any]:
    """Yield a value as another JSON type: "300" as 300, true as "true"."""
    if isinstance(value, str):
        with suppress(ValueError):
            read = json.loads(value)
            if not isinstance(read, dict | list):
                yield read
    elif not isinstance(value, dict | list):
        yield json.dumps(value)


def _examples(operator: str, operand: Any, has: list[Any]) -> Iterator[Any]:
    """Yield values that an operator may accept."""
    if operator == "numeric":
        yield from _numbers(operand, has)
        return
    if operator == "cidr":
        network = ipaddress.ip_network(operand, strict=False)
        yield str(network[1] if network.num_addresses > 1 else network[0])
        return
    if isinstance(operand, Mapping):
        operand = operand.get("equals-ignore-case", "")
    for text in operand if isinstance(operand, list) else [operand]:
        if operator == "wildcard":
            yield from (_example_of(text, star) for star in (_SOMETHING, ""))
        else:
            yield text


def _example_of(wildcard: str, star: str) -> str:
    """Return a text that a wildcard pattern accepts, with the same text for each star."""
    return _WILDCARD.sub(lambda found: found[1] or found[3] or star, wildcard)


def _others(operand: Any) -> Iterator[Any]:
    """Yield values that differ from what `anything-but` excludes."""
    excluded = operand if isinstance(operand, list) else [operand]
    if numbers := [each for each in excluded if isinstance(each, int | float)]:
        yield max(numbers) + 1
    yield from _OTHERS


def _numbers(operand: list[Any], has: list[Any]) -> Iterator[float]:
    """Yield numbers in a range, those close to what the event has first."""
    low: float = -math.inf
    high: float = math.inf
    for sign, bound in zip(operand[::2], operand[1::2], strict=True):
        if sign in {">", ">=", "="}:
            low = max(low, bound)
        if sign in {"<", "<=", "="}:
            high = min(high, bound)
    found: list[float] = []
    for bound, inwards in ((low, 1), (high, -1)):
        if math.isfinite(bound):
            found += [bound, math.floor(bound) + inwards, math.ceil(bound) + inwards]
            found.append(math.nextafter(bound, inwards * math.inf))
    if math.isfinite(low) and math.isfinite(high):
        found.append(low + (high - low) / 2)
    numbers = [each for each in has if isinstance(each, int | float)]
    if numbers:
        found.sort(key=lambda each: (each != int(each), abs(each - numbers[0])))
    yield from dict.fromkeys(int(each) if each == int(each) else each for each in found)

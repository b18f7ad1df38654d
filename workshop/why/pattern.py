"""Split an event pattern into its fields, and say in words what each of them accepts."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from workshop.why.event_path import Names, nested

Options = list[Any]
"""What a pattern accepts for one field: values and operators, of which one must match."""

Alternative = dict[Names, Options]
"""Path → options. All fields of an alternative must match; of a pattern's alternatives, one."""

OR = "$or"
_MOST_OPTIONS = 4
"""Options that a sentence names; a pattern may list hundreds of account numbers."""

_OPERATORS = {
    *("anything-but", "prefix", "suffix", "equals-ignore-case", "numeric", "exists", "cidr"),
    *("wildcard", "exactly", "=", "<", "<=", ">", ">=", "regex"),
}
"""Names in an object below a field that is only called `$or`."""


def alternatives(pattern: Mapping[str, Any]) -> list[Alternative]:
    """Return the alternatives that a pattern's `$or` lists combine to; one if there is no `$or`.

    As in EventBridge, a path that a pattern names twice keeps the last options.
    """
    found: list[Alternative] = []
    _collect(found, (), pattern)
    return found


def _collect(found: list[Alternative], path: Names, pattern: Mapping[str, Any]) -> None:
    for name, value in pattern.items():
        if name == OR and _is_or(value):
            before = [dict(each) for each in found] or [{}]
            found.clear()
            for member in value:
                branch = [dict(each) for each in before]
                _collect(branch, path, member)
                found += branch
            continue
        names = (*path, *name.split("."))
        if isinstance(value, Mapping):
            _collect(found, names, value)
        else:
            for each in found or _first(found):
                each[names] = value


def _first(found: list[Alternative]) -> list[Alternative]:
    found.append({})
    return found


def _is_or(value: Any) -> bool:
    """Return whether this is the value of the operator, not of a field with its name."""
    return (
        isinstance(value, list)
        and len(value) > 1
        and all(isinstance(each, Mapping) and _OPERATORS.isdisjoint(each) for each in value)
    )


def pattern_of(names: Names, options: Options) -> dict[str, Any]:
    """Return the pattern of one field alone."""
    pattern: dict[str, Any] = nested(names, options)
    return pattern


def in_words(options: Options) -> str:
    """Return what a field accepts: `"RESERVED" or "OUT_OF_STOCK"`, `a number > 5`."""
    words = list(dict.fromkeys(map(_option, options)))
    if len(words) > _MOST_OPTIONS + 1:
        words[_MOST_OPTIONS:] = [f"one of {len(words) - _MOST_OPTIONS} more"]
    return " or ".join(words)


def _option(option: Any) -> str:
    if not isinstance(option, Mapping) or len(option) != 1:
        return json.dumps(option, ensure_ascii=False)
    ((operator, operand),) = option.items()
    match operator:
        case "exists":
            return "any value" if operand else "no such field"
        case "numeric":
            return _numbers(operand)
        case "cidr":
            return f"an IP address in {operand}"
        case "anything-but":
            return f"a value other than {_excluded(operand)}"
    return _text(operator, operand)


def _text(operator: str, operand: Any) -> str:
    """Return what an operator on texts accepts, in words."""
    any_case = ""
    if isinstance(operand, Mapping) and "equals-ignore-case" in operand:
        operand, any_case = operand["equals-ignore-case"], " in upper or lower case"
    texts = " or ".join(_listed(operand)) + any_case
    match operator:
        case "prefix":
            return f"text that starts with {texts}"
        case "suffix":
            return f"text that ends with {texts}"
        case "wildcard":
            return f"text like {texts}"
        case "equals-ignore-case":
            return f"{texts} in upper or lower case"
        case "exactly":
            return texts
    return json.dumps({operator: operand}, ensure_ascii=False)


def _excluded(operand: Any) -> str:
    if isinstance(operand, Mapping):
        return _option(operand)
    words = list(_listed(operand))
    if len(words) > _MOST_OPTIONS + 1:
        words[_MOST_OPTIONS:] = [f"{len(words) - _MOST_OPTIONS} more"]
    return " and ".join(words)


def _listed(operand: Any) -> Iterator[str]:
    for each in operand if isinstance(operand, list) else [operand]:
        yield json.dumps(each, ensure_ascii=False)


def _numbers(operand: list[Any]) -> str:
    """Return a numeric range: `a number > 0 and <= 5`."""
    pairs = list(zip(operand[::2], operand[1::2], strict=True))
    return "a number " + " and ".join(f"{sign} {number}" for sign, number in pairs)

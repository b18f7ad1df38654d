"""Attribute values: equality, order, size and numbers."""

import base64
import binascii
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any

from local_cloud.dynamodb_expressions.nodes import AttributeValue, ExpressionError

MAX_DIGITS, MAX_EXPONENT, MIN_EXPONENT = 38, 125, -130
"""DynamoDB Developer Guide, Data types, Number."""

_EXACT = Context(prec=400)
"""Enough digits for the exact sum of the greatest and the smallest number."""


def type_of(value: AttributeValue) -> str:
    """Return a value's type, such as "S"."""
    return next(iter(value), "")


def comparable(value: AttributeValue) -> tuple[str, Any]:
    """Return a value's type, and what makes it equal to another of this type."""
    kind, content = next(iter(value.items()))
    convert = _COMPARABLE.get(kind)
    return kind, convert(content) if convert else content


def _bytes(content: str | bytes) -> bytes:
    if isinstance(content, bytes):
        return content
    try:
        return base64.b64decode(content)
    except binascii.Error:
        return content.encode()


_COMPARABLE: dict[str, Callable[[Any], Any]] = {
    "N": Decimal,
    "B": _bytes,
    "SS": frozenset,
    "NS": lambda members: frozenset(map(Decimal, members)),
    "BS": lambda members: frozenset(map(_bytes, members)),
    "L": lambda elements: list(map(comparable, elements)),
    "M": lambda elements: {name: comparable(element) for name, element in elements.items()},
}


def compare(operator: str, left: AttributeValue | None, right: AttributeValue | None) -> bool:
    """Return whether a comparison holds; one with a missing attribute holds only for `<>`."""
    if left is None or right is None:
        return operator == "<>"
    left_kind, a = comparable(left)
    right_kind, b = comparable(right)
    if operator in {"=", "<>"}:
        return ((left_kind, a) == (right_kind, b)) is (operator == "=")
    if left_kind != right_kind or left_kind not in {"S", "N", "B"}:
        return False
    less, equal = bool(a < b), bool(a == b)
    return {"<": less, "<=": less or equal, ">": not less and not equal, ">=": not less}[operator]


def begins_with(whole: AttributeValue | None, start: AttributeValue | None) -> bool:
    """Return whether a string or binary value begins with another of its type."""
    if whole is None or start is None or type_of(whole) not in {"S", "B"}:
        return False
    kind, content = comparable(whole)
    start_kind, beginning = comparable(start)
    return kind == start_kind and bool(content.startswith(beginning))


def contains(whole: AttributeValue | None, part: AttributeValue | None) -> bool:
    """Return whether a string, binary value, set or list contains another value."""
    if whole is None or part is None:
        return False
    kind, content = comparable(whole)
    part_kind, wanted = comparable(part)
    if kind in {"S", "B"}:
        return kind == part_kind and wanted in content
    if kind in {"SS", "NS", "BS"}:
        return kind[0] == part_kind and wanted in content
    return kind == "L" and (part_kind, wanted) in content


def size(value: AttributeValue | None) -> AttributeValue | None:
    """Return what the function `size` gives; nothing for a number, a Boolean and a null."""
    if value is None:
        return None
    kind, content = next(iter(value.items()))
    if kind == "S":
        return {"N": str(len(content.encode("utf-16-le")) // 2)}
    if kind == "B":
        return {"N": str(len(_bytes(content)))}
    return {"N": str(len(content))} if kind in {"SS", "NS", "BS", "L", "M"} else None


def add(left: str, right: str, *, minus: bool = False) -> str:
    """Return the sum of two numbers, or their difference.

    Raises:
        ExpressionError: DynamoDB cannot store the result.
    """
    a, b = Decimal(left), Decimal(right)
    result = _EXACT.subtract(a, b) if minus else _EXACT.add(a, b)
    return number(result)


def number(result: Decimal) -> str:
    """Return a number as DynamoDB stores it; raises as `add` does."""
    result = _EXACT.normalize(result)
    if not result:
        return "0"
    if result.adjusted() > MAX_EXPONENT or len(result.as_tuple().digits) > MAX_DIGITS:
        # AWS says so of too many digits, too.
        msg = (
            "Number overflow. "
            "Attempting to store a number with magnitude larger than supported range"
        )
        raise ExpressionError(msg)
    if result.adjusted() < MIN_EXPONENT:
        msg = (
            "Number underflow. "
            "Attempting to store a number with magnitude smaller than supported range"
        )
        raise ExpressionError(msg)
    return format(result, "f")


def union(current: AttributeValue, added: AttributeValue) -> AttributeValue:
    """Return a set with the members of another set of its type, each once."""
    kind = type_of(current)
    known = comparable(current)[1]
    new = [member for member in added[kind] if _member(kind, member) not in known]
    return {kind: [*current[kind], *new]}


def difference(current: AttributeValue, deleted: AttributeValue) -> AttributeValue:
    """Return a set without the members of another set of its type."""
    kind = type_of(current)
    gone = comparable(deleted)[1]
    return {kind: [member for member in current[kind] if _member(kind, member) not in gone]}


def _member(kind: str, member: Any) -> Any:
    return comparable({kind[0]: member})[1]

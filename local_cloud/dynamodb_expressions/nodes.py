"""What an expression is made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

AttributeValue = dict[str, Any]
"""A value with its type, such as `{"N": "5"}`."""
Item = dict[str, AttributeValue]


class ExpressionError(ValueError):
    """AWS refuses the expression, or the update of the item; the text is AWS's."""


@dataclass(frozen=True, slots=True)
class Path:
    """A document path: attribute names and list indexes.

    As it is parsed, a name that begins with `#` is one of ExpressionAttributeNames; once bound, a
    name is the attribute's own.
    """

    parts: tuple[str | int, ...]

    def __str__(self) -> str:
        """Return the path as AWS's messages show it."""
        parts = (f"[{part}]" if isinstance(part, int) else part for part in self.parts)
        return f"[{', '.join(parts)}]"


@dataclass(frozen=True, slots=True)
class Reference:
    """A name of ExpressionAttributeValues, such as `:price`."""

    name: str


@dataclass(frozen=True, slots=True)
class Value:
    """A bound reference."""

    value: AttributeValue

    @property
    def type(self) -> str:
        """Return its type, such as "S"."""
        return next(iter(self.value), "")


@dataclass(frozen=True, slots=True)
class Call:
    """A function, or an operator that takes operands: `size`, `=`, `BETWEEN`, `IN`, `+`."""

    name: str
    operands: "tuple[Operand, ...]"


Operand = Path | Reference | Value | Call


@dataclass(frozen=True, slots=True)
class Logic:
    """`AND`, `OR` or `NOT`, and the conditions it joins."""

    name: str
    conditions: "tuple[Condition, ...]"


Condition = Call | Logic


@dataclass(frozen=True, slots=True)
class Action:
    """What an update does to one path; a REMOVE has no operand."""

    clause: str
    path: Path
    operand: Operand | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """An update expression: its clauses in their order, and all their actions."""

    clauses: tuple[str, ...]
    actions: tuple[Action, ...]


COMPARATORS = frozenset({"=", "<>", "<", "<=", ">", ">="})
OPERATORS = COMPARATORS | {"BETWEEN", "IN", "+", "-"}


def calls_in(operand: Operand | None) -> Iterator[Call]:
    """Yield the functions and operators of an operand, the inner ones first."""
    if isinstance(operand, Call):
        for inner in operand.operands:
            yield from calls_in(inner)
        yield operand


def leaves_of(operand: Operand | None) -> Iterator[Path | Reference | Value]:
    """Yield the paths and values of an operand, from left to right."""
    if isinstance(operand, Call):
        for inner in operand.operands:
            yield from leaves_of(inner)
    elif operand is not None:
        yield operand


def tests_of(condition: Condition) -> Iterator[Call]:
    """Yield the comparisons and functions that a condition joins, from left to right."""
    if isinstance(condition, Logic):
        for inner in condition.conditions:
            yield from tests_of(inner)
    else:
        yield condition

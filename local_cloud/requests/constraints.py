"""Checks of values against the shapes of a service's model, compiled once and then cheap.

botocore's own `ParamValidator` reads Python's values before they are serialized, and knows no
upper bounds, patterns or enumerations. So it cannot say what a service says.
"""

import base64
import binascii
import functools
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.utils import parse_timestamp

from local_cloud.requests.exceptions import ADDED, NOT_CHECKED
from local_cloud.requests.violations import (
    NOT_NULL,
    Path,
    SerializationError,
    Violation,
    lowered,
    wire_name,
)

Check = Callable[[Any, Path, list[Violation]], None]
"""Given a value, its path and a list: adds what is wrong, or raises a SerializationError."""

_Constraint = tuple[str, Callable[[Any], bool]]
"""AWS's words, and whether a value satisfies them."""

_UNCONSTRAINED: tuple[_Constraint, ...] = ()
_WORD_CLASS = r"\p{L}\p{Z}\p{N}"
"""Java's classes of word characters and spaces, as in all patterns for tags."""
_SPACES = r" \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_BOOLEANS = frozenset({"true", "false", "1", "0", "yes", "no"})
_JAVA = {
    "string": "String",
    "character": "String",
    "boolean": "Boolean",
    "integer": "Integer",
    "long": "Long",
    "float": "Float",
    "double": "Double",
}


class Checks:
    """The checks of one service."""

    def __init__(self, service: str) -> None:
        """Compile nothing yet: shapes are compiled when a request has them."""
        self._service = service
        self._compiled: dict[str, Check] = {}

    def of(self, shape: Shape) -> Check:
        """Return the check of a shape, with all its members."""
        if (found := self._compiled.get(shape.name)) is not None:
            return found
        # A shape may hold itself: its check is looked up when a value needs it.
        self._compiled[shape.name] = functools.partial(self._later, shape.name)
        if isinstance(shape, StructureShape):
            check = self._structure(shape)
        elif isinstance(shape, ListShape):
            check = self._list(shape)
        elif isinstance(shape, MapShape):
            check = self._map(shape)
        else:
            check = self._scalar(shape)
        self._compiled[shape.name] = check
        return check

    def _later(self, name: str, value: Any, path: Path, found: list[Violation]) -> None:
        self._compiled[name](value, path, found)

    def _structure(self, shape: StructureShape) -> Check:
        if shape.metadata.get("document") or shape.serialization.get("eventstream"):
            return _accept
        required = [
            (wire_name(name, shape.members[name]), lowered(name), shape.members[name])
            for name in shape.required_members
            if (self._service, f"{shape.name}.{name}") not in NOT_CHECKED
        ]
        members: dict[str, tuple[str, Check]] = {}
        package = f"class {shape.name}"

        def check(value: Any, path: Path, found: list[Violation]) -> None:
            if not isinstance(value, dict):
                raise _wrong_type(value, package)
            for wire, name, member in required:
                if value.get(wire) is None:
                    found.append(Violation(member, None, (path, name), NOT_NULL))
            for wire, item in value.items():
                # AWS ignores members that it does not know, as Smithy's protocols ask for.
                if item is not None and (known := members.get(wire)):
                    known[1](item, (path, known[0]), found)

        members.update(
            (wire_name(name, member), (lowered(name), self.of(member)))
            for name, member in shape.members.items()
        )
        return check

    def _list(self, shape: ListShape) -> Check:
        constraints, member = self._constraints(shape), self.of(shape.member)
        own = self._constraints(shape.member)
        summed_up = f"Member must satisfy constraint: [{_words(own)}]"

        def check(value: Any, path: Path, found: list[Violation]) -> None:
            if not isinstance(value, list):
                raise _wrong_type(value, "", container=True)
            _hold(shape, constraints, value, path, found)
            wrong = False
            for number, item in enumerate(value, 1):
                if item is not None:
                    wrong |= _below(member, item, (path, f"{number}.member"), own, found)
            if wrong:
                found.append(Violation(shape, value, path, summed_up))

        return check

    def _map(self, shape: MapShape) -> Check:
        constraints, member = self._constraints(shape), self.of(shape.value)
        own, of_keys = self._constraints(shape.value), self._constraints(shape.key)
        summed_up = f"Map value must satisfy constraint: [{_words(own)}]"

        def check(value: Any, path: Path, found: list[Violation]) -> None:
            if not isinstance(value, dict):
                raise _wrong_type(value, "java.util.Map", container=True)
            _hold(shape, constraints, value, path, found)
            if not all(holds(key) for _, holds in of_keys for key in value):
                words = f"Map keys must satisfy constraint: [{_words(of_keys)}]"
                found.append(Violation(shape, value, path, words))
            wrong = False
            for key, item in value.items():
                if item is not None:
                    wrong |= _below(member, item, (path, f"{key}.member"), own, found)
            if wrong:
                found.append(Violation(shape, value, path, summed_up))

        return check

    def _scalar(self, shape: Shape) -> Check:
        constraints = self._constraints(shape)
        # One value may miss several constraints; AWS begins with the pattern.
        constraints = tuple(sorted(constraints, key=lambda one: "pattern" not in one[0]))
        typed = _TYPES.get(shape.type_name)
        if typed is None:
            return _accept

        def check(value: Any, path: Path, found: list[Violation]) -> None:
            typed(shape, value)
            for words, holds in constraints:
                if not holds(value):
                    found.append(Violation(shape, value, path, words))

        return check

    def _constraints(self, shape: Shape) -> tuple[_Constraint, ...]:
        """Return a shape's own constraints, in the order in which AWS lists them."""
        if (self._service, shape.name) in NOT_CHECKED:
            return _UNCONSTRAINED
        if shape.type_name in {"structure", "timestamp", "boolean"}:
            return _UNCONSTRAINED
        found = _of_limits(shape, shape.metadata)
        if (added := ADDED.get((self._service, shape.name))) is not None:
            excepted = re.compile(added["unless"]).fullmatch
            found += tuple(_unless(excepted, one) for one in _of_limits(shape, added))
        return found


def _of_limits(shape: Shape, limits: dict[str, Any]) -> tuple[_Constraint, ...]:
    numeric = shape.type_name in {"integer", "long", "float", "double"}
    return (
        *_bounds(limits, numeric=numeric, measure=_measure(shape)),
        *_pattern(limits.get("pattern")),
        *_enumeration(limits.get("enum")),
    )


def _unless(excepted: Callable[[str], Any], constraint: _Constraint) -> _Constraint:
    words, holds = constraint
    return words, lambda value: bool(excepted(value)) or holds(value)


def _accept(value: Any, path: Path, found: list[Violation]) -> None:
    """Accept anything."""


def _below(
    check: Check,
    item: Any,
    path: Path,
    own: tuple[_Constraint, ...],
    found: list[Violation],
) -> bool:
    """Check an item of a list or map; return whether it misses constraints of its own.

    AWS reports those once, for the whole list, and what is wrong inside an item with its own path.
    """
    before = len(found)
    check(item, path, found)
    if not own or len(found) == before:
        return False
    words = {words for words, _ in own}
    inside = [one for one in found[before:] if one.path is not path or one.constraint not in words]
    wrong = len(inside) < len(found) - before
    found[before:] = inside
    return wrong


def _hold(
    shape: Shape,
    constraints: tuple[_Constraint, ...],
    value: Any,
    path: Path,
    found: list[Violation],
) -> None:
    for words, holds in constraints:
        if not holds(value):
            found.append(Violation(shape, value, path, words))


def _words(constraints: tuple[_Constraint, ...]) -> str:
    return ", ".join(words for words, _ in constraints)


def _measure(shape: Shape) -> Callable[[Any], float]:
    if shape.type_name == "blob":
        return lambda value: len(value if isinstance(value, bytes) else base64.b64decode(value))
    return len if shape.type_name in {"string", "list", "map"} else float


def _bounds(
    limits: dict[str, Any], *, numeric: bool, measure: Callable[[Any], float]
) -> list[_Constraint]:
    what = "value" if numeric else "length"
    bounds: list[_Constraint] = []
    if (highest := limits.get("max")) is not None:
        words = f"Member must have {what} less than or equal to {highest}"
        bounds.append((words, lambda value: measure(value) <= highest))
    if (lowest := limits.get("min")) is not None:
        words = f"Member must have {what} greater than or equal to {lowest}"
        bounds.append((words, lambda value: measure(value) >= lowest))
    return bounds


def compiled(pattern: str) -> re.Pattern[str] | None:
    r"""Return a pattern of a model, which is one of Java's; None if Python has no such pattern.

    In Java `\w`, `\d` and `\s` mean ASCII characters only, and a pattern matches a whole value.
    """
    flags = re.NOFLAG if _WORD_CLASS in pattern else re.ASCII
    try:
        return re.compile(pattern.replace(_WORD_CLASS, rf"\w{_SPACES}"), flags)
    except re.error:
        return None


def _pattern(pattern: str | None) -> list[_Constraint]:
    if not pattern or (expression := compiled(pattern)) is None:
        return []
    words = f"Member must satisfy regular expression pattern: {pattern}"
    return [(words, lambda value: expression.fullmatch(value) is not None)]


def _enumeration(values: list[str] | None) -> list[_Constraint]:
    if not values:
        return []
    allowed = frozenset(values)
    words = f"Member must satisfy enum value set: [{', '.join(values)}]"
    return [(words, lambda value: value in allowed)]


def _wrong_type(value: Any, target: str, *, container: bool = False) -> SerializationError:
    """Return the error for a value of another type; dynalite recorded the words on DynamoDB."""
    if isinstance(value, dict):
        return SerializationError("Start of structure or map found where not expected.")
    if isinstance(value, list):
        return SerializationError(f"Unrecognized collection type {target}".rstrip())
    if container or target.startswith("class "):
        return SerializationError("Unexpected field type")
    kind = {bool: f"{value!s}_VALUE".upper(), int: "NUMBER_VALUE", float: "DECIMAL_VALUE"}
    return SerializationError(
        f"{kind.get(type(value), 'STRING_VALUE')} cannot be converted to {target}"
    )


def _string(shape: Shape, value: Any) -> None:
    if type(value) is not str:
        if isinstance(value, list):
            raise _wrong_type(value, "class java.lang.String")
        raise _wrong_type(value, _JAVA[shape.type_name])


def _number(shape: Shape, value: Any) -> None:
    if type(value) is int or type(value) is float:
        return
    if isinstance(value, str) and shape.type_name in {"float", "double"} and _special(value):
        return
    raise _wrong_type(value, _JAVA[shape.type_name])


def _special(value: str) -> bool:
    return value in {"NaN", "Infinity", "-Infinity"}


def _boolean(shape: Shape, value: Any) -> None:
    if type(value) is bool:
        return
    if not isinstance(value, str):
        raise _wrong_type(value, _JAVA[shape.type_name])
    if value.lower() not in _BOOLEANS:
        raise SerializationError("Unexpected token received from parser")


def _timestamp(shape: Shape, value: Any) -> None:  # noqa: ARG001 - one signature for all types
    if isinstance(value, int | float | datetime) and type(value) is not bool:
        return
    if not isinstance(value, str):
        raise _wrong_type(value, "java.util.Date")
    try:
        parse_timestamp(value)
    except (ValueError, OverflowError):
        raise SerializationError("STRING_VALUE cannot be converted to Date") from None


def _blob(shape: Shape, value: Any) -> None:  # noqa: ARG001 - one signature for all types
    if isinstance(value, bytes):
        return
    if isinstance(value, dict | list):
        raise _wrong_type(value, "class java.nio.ByteBuffer")
    if not isinstance(value, str):
        raise SerializationError("only base-64-encoded strings are convertible to bytes")
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        msg = "Invalid last non-pad Base64 character dectected"  # AWS's spelling
        raise SerializationError(msg) from None


_TYPES: dict[str, Callable[[Shape, Any], None]] = {
    "string": _string,
    "character": _string,
    "boolean": _boolean,
    "integer": _number,
    "long": _number,
    "float": _number,
    "double": _number,
    "blob": _blob,
    "timestamp": _timestamp,
}

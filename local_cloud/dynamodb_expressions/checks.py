"""What AWS checks in an expression before it reads an item, in AWS's order and words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations

from local_cloud.dynamodb_expressions import grammar
from local_cloud.dynamodb_expressions.nodes import (
    COMPARATORS,
    OPERATORS,
    Action,
    AttributeValue,
    Call,
    Condition,
    ExpressionError,
    Logic,
    Operand,
    Path,
    Reference,
    Update,
    Value,
    calls_in,
    leaves_of,
    tests_of,
)
from local_cloud.dynamodb_expressions.values import compare

_CONDITION_FUNCTIONS = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
    "size": 1,
}
"""How many operands each function takes."""
_UPDATE_FUNCTIONS = {"if_not_exists": 2, "list_append": 2}
_TYPE_NAMES = ("S", "N", "B", "NULL", "SS", "BOOL", "L", "BS", "NS", "M")
_ORDERED = {"S", "N", "B"}
_LONG_TYPES = {
    "S": "STRING",
    "N": "NUMBER",
    "B": "BINARY",
    "NULL": "NULL",
    "BOOL": "BOOLEAN",
    "L": "LIST",
    "M": "MAP",
}
_SETS = {"SS", "NS", "BS"}


@dataclass(slots=True)
class Attributes:
    """A request's ExpressionAttributeNames and ExpressionAttributeValues.

    Attributes:
        names: Alias → attribute name.
        values: Reference → value.
        used: The aliases and references that an expression used.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, AttributeValue] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def path(self, path: Path) -> Path:
        """Return the path with the attributes' own names."""
        if not any(isinstance(part, str) and part[0] == "#" for part in path.parts):
            return path
        return Path(tuple(map(self._name, path.parts)))

    def _name(self, part: str | int) -> str | int:
        if isinstance(part, int) or part[0] != "#":
            return part
        self.used.add(part)
        if (name := self.names.get(part)) is None:
            msg = (
                "An expression attribute name used in the document path is not defined; "
                f"attribute name: {part}"
            )
            raise ExpressionError(msg)
        return name

    def value(self, reference: Reference) -> Value:
        """Return the value that a reference names."""
        self.used.add(reference.name)
        if (value := self.values.get(reference.name)) is None:
            msg = (
                "An expression attribute value used in expression is not defined; "
                f"attribute value: {reference.name}"
            )
            raise ExpressionError(msg)
        return Value(value)

    def bound(self, operand: Operand) -> Operand:
        """Return an operand with names and values in place of aliases and references."""
        if isinstance(operand, Path):
            return self.path(operand)
        if isinstance(operand, Reference):
            return self.value(operand)
        if isinstance(operand, Call):
            return Call(operand.name, tuple(map(self.bound, operand.operands)))
        return operand


# Conditions


def condition(text: str, attributes: Attributes, reserved: frozenset[str]) -> Condition:
    """Return a condition that is ready to be evaluated.

    Args:
        text: A condition or filter expression.
        attributes: The request's names and values.
        reserved: DynamoDB's reserved words, in upper case.

    Raises:
        ExpressionError: AWS refuses the expression.
    """
    return _bound_condition(_condition(text, reserved), attributes)


@lru_cache(maxsize=1024)
def _condition(text: str, reserved: frozenset[str]) -> Condition:
    """Parse, and check what needs no names and values."""
    parsed = grammar.parse_condition(text)
    tests = list(tests_of(parsed))
    calls = [call for test in tests for call in calls_in(test)]
    _known_functions(calls, _CONDITION_FUNCTIONS)
    for call in calls:
        for operand in call.operands:
            if isinstance(operand, Call) and operand.name != "size":
                _misused(operand)
    for test in tests:
        if test.name == "size":
            _misused(test)
    _no_reserved_word((leaf for test in tests for leaf in leaves_of(test)), reserved)
    return parsed


def _bound_condition(node: Condition, attributes: Attributes) -> Condition:
    if isinstance(node, Logic):
        bound = tuple(_bound_condition(inner, attributes) for inner in node.conditions)
        return Logic(node.name, bound)
    test = attributes.bound(node)
    calls = list(calls_in(test))
    for call in calls:
        _operand_count(call, _CONDITION_FUNCTIONS)
    for call in calls:
        _distinct(call)
    for call in calls:
        _condition_operands(call)
    assert isinstance(test, Call)  # noqa: S101 - a bound call is a call
    return test


def _misused(call: Call) -> None:
    msg = f"The function is not allowed to be used this way in an expression; function: {call.name}"
    raise ExpressionError(msg)


def _distinct(call: Call) -> None:
    if len(call.operands) != 2 or call.name == "IN":
        return
    first, second = call.operands
    if isinstance(first, Path) and first == second:
        msg = (
            "The first operand must be distinct from the remaining operands for this operator "
            f"or function; operator: {call.name}, first operand: {first}"
        )
        raise ExpressionError(msg)


def _condition_operands(call: Call) -> None:
    first, last = call.operands[0], call.operands[-1]
    if call.name in {"attribute_exists", "attribute_not_exists"}:
        _document_path(call)
    elif call.name == "begins_with":
        _allow(call, call.operands, {"S", "B"})
    elif call.name == "size":
        _allow(call, [first], _SETS | {"S", "B", "L", "M"})
    elif call.name == "attribute_type":
        _attribute_type(call, last)
    elif call.name in COMPARATORS - {"=", "<>"}:
        _allow(call, call.operands, _ORDERED)
    elif call.name == "BETWEEN":
        _allow(call, call.operands, _ORDERED)
        _bounds(*call.operands[1:])


def _attribute_type(call: Call, operand: Operand) -> None:
    if not isinstance(operand, Value) or operand.type != "S":
        _incorrect_type(call, _type(operand) or "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}")
    elif (wanted := operand.value["S"]) not in _TYPE_NAMES:
        valid = "{B,NULL,SS,BOOL,L,BS,N,NS,S,M}"
        msg = f"Invalid attribute type name found; type: {wanted}, valid types: {valid}"
        raise ExpressionError(msg)


def _bounds(low: Operand, high: Operand) -> None:
    if not isinstance(low, Value) or not isinstance(high, Value):
        return
    if low.type != high.type:
        rule = "same data type for lower and upper bounds"
    elif compare(">", low.value, high.value):
        rule = "upper bound to be greater than or equal to lower bound"
    else:
        return
    shown = (f"{{{bound.type}:{bound.value[bound.type]}}}" for bound in (low, high))
    msg = (
        "The BETWEEN operator requires {}; lower bound operand: AttributeValue: {}, "
        "upper bound operand: AttributeValue: {}"
    ).format(rule, *shown)
    raise ExpressionError(msg)


# Updates


def update(text: str, attributes: Attributes, reserved: frozenset[str]) -> Update:
    """Return an update that is ready to be applied; arguments and errors as for `condition`."""
    parsed = _update(text, reserved)
    paths = [attributes.path(action.path) for action in parsed.actions]
    operands = [
        None if action.operand is None else attributes.bound(action.operand)
        for action in parsed.actions
    ]
    _no_overlap(tuple(paths))
    actions = tuple(
        Action(action.clause, path, operand)
        for action, path, operand in zip(parsed.actions, paths, operands, strict=True)
    )
    for action in actions:
        _added_or_deleted(action)
    for action in actions:
        for call in calls_in(action.operand):
            _operand_count(call, _UPDATE_FUNCTIONS)
            _update_operands(call)
    return Update(parsed.clauses, actions)


@lru_cache(maxsize=1024)
def _update(text: str, reserved: frozenset[str]) -> Update:
    parsed = grammar.parse_update(text)
    _no_reserved_word(
        (leaf for action in parsed.actions for leaf in (action.path, *leaves_of(action.operand))),
        reserved,
    )
    calls = (call for action in parsed.actions for call in calls_in(action.operand))
    _known_functions(calls, _UPDATE_FUNCTIONS)
    for clause in parsed.clauses:
        if parsed.clauses.count(clause) > 1:
            msg = f'The "{clause}" section can only be used once in an update expression;'
            raise ExpressionError(msg)
    return parsed


def _added_or_deleted(action: Action) -> None:
    allowed = {"ADD": _SETS | {"N"}, "DELETE": _SETS}.get(action.clause)
    if allowed and isinstance(action.operand, Value) and action.operand.type not in allowed:
        # AWS names the set of types of ADD for DELETE, too.
        msg = (
            f"Incorrect operand type for operator or function; operator: {action.clause}, "
            f"operand type: {_LONG_TYPES[action.operand.type]}, typeSet: ALLOWED_FOR_ADD_OPERAND"
        )
        raise ExpressionError(msg)


def _update_operands(call: Call) -> None:
    if call.name == "if_not_exists":
        _document_path(call)
    else:
        _allow(call, call.operands, {"L"} if call.name == "list_append" else {"N"})


# Projections


def projection(text: str, attributes: Attributes, reserved: frozenset[str]) -> tuple[Path, ...]:
    """Return the paths of a projection; arguments and errors as for `condition`."""
    paths = tuple(map(attributes.path, _projection(text, reserved)))
    _no_overlap(paths)
    return paths


@lru_cache(maxsize=1024)
def _projection(text: str, reserved: frozenset[str]) -> tuple[Path, ...]:
    paths = grammar.parse_projection(text)
    _no_reserved_word(paths, reserved)
    return paths


# Both


def _known_functions(calls: Iterable[Call], functions: Mapping[str, int]) -> None:
    for call in calls:
        if call.name not in functions and call.name not in OPERATORS:
            msg = f"Invalid function name; function: {call.name}"
            raise ExpressionError(msg)


def _no_reserved_word(leaves: Iterable[Path | Reference | Value], reserved: frozenset[str]) -> None:
    for leaf in leaves:
        for part in leaf.parts if isinstance(leaf, Path) else ():
            if isinstance(part, str) and part.upper() in reserved:
                msg = f"Attribute name is a reserved keyword; reserved keyword: {part}"
                raise ExpressionError(msg)


def _operand_count(call: Call, functions: Mapping[str, int]) -> None:
    if len(call.operands) != functions.get(call.name, len(call.operands)):
        msg = (
            "Incorrect number of operands for operator or function; "
            f"operator or function: {call.name}, number of operands: {len(call.operands)}"
        )
        raise ExpressionError(msg)


def _document_path(call: Call) -> None:
    if not isinstance(call.operands[0], Path):
        msg = f"Operator or function requires a document path; operator or function: {call.name}"
        raise ExpressionError(msg)


def _allow(call: Call, operands: Iterable[Operand], types: set[str]) -> None:
    for operand in operands:
        if (kind := _type(operand)) and kind not in types:
            _incorrect_type(call, kind)


def _type(operand: Operand) -> str:
    """Return the type that is known before an item is read, or nothing."""
    if isinstance(operand, Value):
        return operand.type
    return "N" if isinstance(operand, Call) and operand.name == "size" else ""


def _incorrect_type(call: Call, kind: str) -> None:
    msg = (
        "Incorrect operand type for operator or function; "
        f"operator or function: {call.name}, operand type: {kind}"
    )
    raise ExpressionError(msg)


@lru_cache(maxsize=1024)
def _no_overlap(paths: tuple[Path, ...]) -> None:
    conflict = ""
    for one, two in combinations(paths, 2):
        relation = _relation(one, two)
        if relation == "overlap":
            raise ExpressionError(_two_paths(relation, one, two))
        if relation and not conflict:
            conflict = _two_paths(relation, one, two)
    if conflict:
        raise ExpressionError(conflict)


def _relation(one: Path, two: Path) -> str:
    for a, b in zip(one.parts, two.parts, strict=False):
        if isinstance(a, int) is not isinstance(b, int):
            return "conflict"
        if a != b:
            return ""
    return "overlap"


def _two_paths(relation: str, one: Path, two: Path) -> str:
    return (
        f"Two document paths {relation} with each other; "
        f"must remove or rewrite one of these paths; path one: {one}, path two: {two}"
    )

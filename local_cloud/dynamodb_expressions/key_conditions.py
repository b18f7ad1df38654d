"""What AWS allows in a key condition expression, beyond what it allows in every condition."""

from dataclasses import dataclass

from local_cloud.dynamodb_expressions.nodes import (
    COMPARATORS,
    Call,
    Condition,
    ExpressionError,
    Logic,
    Path,
    tests_of,
)

_ALLOWED = (COMPARATORS - {"<>"}) | {"BETWEEN", "begins_with"}


@dataclass(frozen=True, slots=True)
class KeyCondition:
    """A test of one key attribute."""

    attribute: str
    operator: str


def check(condition: Condition) -> list[KeyCondition]:
    """Return the tests of a bound key condition, one for each attribute.

    Raises:
        ExpressionError: AWS refuses it; the text is the whole message.
    """
    _no_forbidden_operator(condition)
    found: list[KeyCondition] = []
    for test in tests_of(condition):
        key = KeyCondition(_attribute(test), test.name)
        if key.attribute in {known.attribute for known in found}:
            msg = "KeyConditionExpressions must only contain one condition per key"
            raise ExpressionError(msg)
        found.append(key)
    return found


def _no_forbidden_operator(condition: Condition) -> None:
    if isinstance(condition, Logic):
        if condition.name != "AND":
            _forbidden(condition.name)
        for inner in condition.conditions:
            _no_forbidden_operator(inner)
    elif condition.name not in _ALLOWED:
        _forbidden(condition.name)


def _forbidden(operator: str) -> None:
    msg = f"Invalid operator used in KeyConditionExpression: {operator}"
    raise ExpressionError(msg)


def _attribute(test: Call) -> str:
    if test.name in {"BETWEEN", "begins_with"} and not isinstance(test.operands[0], Path):
        msg = (
            f"Invalid condition in KeyConditionExpression: {test.name} operator must have "
            "the key attribute as its first operand"
        )
        raise ExpressionError(msg)
    name = ""
    for operand in test.operands:
        if isinstance(operand, Call):
            msg = "KeyConditionExpressions cannot contain nested operations"
            raise ExpressionError(msg)
        if not isinstance(operand, Path):
            continue
        if name:
            msg = (
                "Invalid condition in KeyConditionExpression: "
                "Multiple attribute names used in one condition"
            )
            raise ExpressionError(msg)
        if len(operand.parts) > 1:
            msg = "KeyConditionExpressions cannot have conditions on nested attributes"
            raise ExpressionError(msg)
        name = str(operand.parts[0])
    if not name:
        msg = "Invalid condition in KeyConditionExpression: No key attribute specified"
        raise ExpressionError(msg)
    return name

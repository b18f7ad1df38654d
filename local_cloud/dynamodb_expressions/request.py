"""All expressions of one request, checked as AWS does before it reads an item."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_cloud.dynamodb_expressions import checks, key_conditions
from local_cloud.dynamodb_expressions.key_conditions import KeyCondition
from local_cloud.dynamodb_expressions.nodes import Condition, ExpressionError, Path, Update

CONDITIONS = ("ConditionExpression", "KeyConditionExpression", "FilterExpression")
EXPRESSIONS = ("UpdateExpression", *CONDITIONS, "ProjectionExpression")
"""The parameters, in the order in which AWS checks them."""
_KEYS = {
    "ExpressionAttributeNames": re.compile("#[0-9a-zA-Z_]+"),
    "ExpressionAttributeValues": re.compile(":[0-9a-zA-Z_]+"),
}


@dataclass(slots=True)
class Checked:
    """A request's expressions, bound to its names and values.

    Attributes:
        update: The update expression.
        conditions: Parameter → condition.
        keys: The tests of the key condition expression.
        projection: The paths of the projection expression.
    """

    update: Update | None
    conditions: dict[str, Condition]
    keys: list[KeyCondition]
    projection: tuple[Path, ...]


def check(request: Mapping[str, Any], reserved: frozenset[str]) -> Checked:
    """Check the expressions of a request, and that they use all its names and values.

    Args:
        request: The request's parameters, or those of one action of a transaction.
        reserved: DynamoDB's reserved words, in upper case.

    Raises:
        ExpressionError: AWS answers ValidationException with this text.
    """
    _attribute_keys(request)
    attributes = checks.Attributes(
        request.get("ExpressionAttributeNames") or {},
        request.get("ExpressionAttributeValues") or {},
    )
    checked = Checked(None, {}, [], ())
    for parameter in EXPRESSIONS:
        if (text := request.get(parameter)) is None:
            continue
        try:
            if parameter == "UpdateExpression":
                checked.update = checks.update(text, attributes, reserved)
            elif parameter == "ProjectionExpression":
                checked.projection = checks.projection(text, attributes, reserved)
            else:
                checked.conditions[parameter] = checks.condition(text, attributes, reserved)
        except ExpressionError as error:
            msg = f"Invalid {parameter}: {error}"
            raise ExpressionError(msg) from error
    _all_used(request, attributes.used)
    if key_condition := checked.conditions.get("KeyConditionExpression"):
        checked.keys = key_conditions.check(key_condition)
    return checked


def _attribute_keys(request: Mapping[str, Any]) -> None:
    for parameter, valid in _KEYS.items():
        if (given := request.get(parameter)) is None:
            continue
        if not given:
            msg = f"{parameter} must not be empty"
            raise ExpressionError(msg)
        for key in given:
            if not valid.fullmatch(key):
                msg = f'{parameter} contains invalid key: Syntax error; key: "{key}"'
                raise ExpressionError(msg)


def _all_used(request: Mapping[str, Any], used: set[str]) -> None:
    for parameter in _KEYS:
        if unused := [key for key in request.get(parameter) or {} if key not in used]:
            msg = (
                f"Value provided in {parameter} unused in expressions: "
                f"keys: {{{', '.join(unused)}}}"
            )
            raise ExpressionError(msg)

"""Expressions are read by AWS's grammar, and evaluated as AWS does.

MiniStack 1.5.33 skips the characters and tokens that it does not understand: `SET n :q` and
`n * :q` succeed without an effect, `!=` is read as `=`, an unknown function only fails the
condition, `SET s = s - :q` on a string changes nothing, `OR` passes in a key condition, and
attributes that a global index does not project are returned.
"""

# ruff: noqa: SLF001 - MiniStack offers no other way in

import json
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import dynamodb
from ministack.services._dynamodb_keywords import AWS_KEYWORDS

from local_cloud.dynamodb_expressions import checks, evaluation, request, table_rules
from local_cloud.dynamodb_expressions.checks import Attributes
from local_cloud.dynamodb_expressions.nodes import ExpressionError, Item
from local_cloud.dynamodb_expressions.request import Checked
from local_cloud.dynamodb_expressions.table_rules import Index, Keys
from local_cloud.ministack.replacing import replace

Response = tuple[int, dict[str, str], bytes]
Request = dict[str, Any]


def install() -> None:
    """Replace MiniStack's checks of expressions, and its evaluation of them."""
    replace(dynamodb, "_validate_expression_attrs", _strict)
    replace(dynamodb, "_projection_overlap_response", lambda _: _projection_error)
    replace(dynamodb, "_evaluate_condition", lambda _: _holds)
    replace(dynamodb, "_apply_update_expression", lambda _: _updated)


def refusal(message: str) -> Response:
    """Return AWS's response to a request that is not valid."""
    response: Response = error_response_json("ValidationException", message, 400)
    return response


def checked(data: Request) -> Checked:
    """Check a request's expressions, or those of one action of a transaction.

    Raises:
        ExpressionError: AWS refuses them.
    """
    known = of_transaction.get(id(data))
    return known[1] if known else request.check(data, AWS_KEYWORDS)


of_transaction: dict[int, tuple[Request, Checked]] = {}
"""The checked actions of the transaction under way, by identity: MiniStack checks each again."""


def keys_of(table: dict[str, Any], index_name: str | None = None) -> Keys:
    """Return a table's keys, as a request meets them that reads it or one of its indexes."""
    own = tuple(name for name in (table["pk_name"], table["sk_name"]) if name)
    of_indexes = {
        name
        for _, partition, sort in dynamodb._index_key_schemas(table)
        for name in (*partition, *sort)
    }
    found = dynamodb._index_def(table, index_name) if index_name else None
    if found is None:
        return Keys(own, frozenset(of_indexes), own[:1], own[1:])
    partition, sort = dynamodb._index_key_lists(found)
    index = None
    if found in table.get("GlobalSecondaryIndexes", []):
        projection = found.get("Projection", {})
        held = {*own, *partition, *sort, *projection.get("NonKeyAttributes", [])}
        whole = projection.get("ProjectionType") == "ALL"
        index = Index(found["IndexName"], None if whole else frozenset(held))
    return Keys(own, frozenset(of_indexes), tuple(partition), tuple(sort), index)


def _strict(lenient: Callable[..., Any]) -> Callable[..., Any]:
    def strict(
        data: Request, expression_fields: tuple[str, ...], size_wording: Any = "figure"
    ) -> Response | None:
        if all(data.get(parameter) is None for parameter in expression_fields):
            return _unprojected(data) or lenient(data, expression_fields, size_wording)
        too_long = dynamodb._expression_size_error(data, expression_fields, size_wording)
        if error := too_long or _value_error(data):
            return error
        try:
            found = checked(data)
            _remember(data, found)
            if (table := _table(data)) is None:
                return None
            keys = keys_of(table, data.get("IndexName"))
            table_rules.check(found, keys)
        except ExpressionError as error:
            return refusal(str(error))
        # Only UpdateItem asks so; in a transaction this is a reason for its cancellation.
        single_update = "UpdateExpression" in expression_fields and size_wording == "envelope"
        if single_update and (message := table_rules.changed_key(found, keys)):
            return refusal(message)
        return _unprojected(data)

    return strict


def _remember(data: Request, found: Checked) -> None:
    """Keep the bound expressions for their evaluation, which follows in the same thread."""
    values, names = data.get("ExpressionAttributeValues"), data.get("ExpressionAttributeNames")
    bound = {**found.conditions, "UpdateExpression": found.update}
    for parameter, expression in bound.items():
        if expression is not None:
            _latest[parameter] = (data[parameter], values, names, expression)


def _table(data: Request) -> dict[str, Any] | None:
    name = dynamodb._normalize_table_name(data.get("TableName"))
    table: dict[str, Any] | None = dynamodb._tables.get(name)
    return table


def _value_error(data: Request) -> Response | None:
    """Return AWS's response to a value that no attribute can have, such as an empty set."""
    for name, value in (data.get("ExpressionAttributeValues") or {}).items():
        if (error := dynamodb._validate_attribute_value(name, value)) is None:
            continue
        message = json.loads(error[2])["message"]
        if message != dynamodb._NESTING_MSG:  # MiniStack words it as AWS does, later
            return refusal(
                f"ExpressionAttributeValues contains invalid value: {message} for key {name}"
            )
    return None


def _unprojected(data: Request) -> Response | None:
    """Return AWS's response to a read of all attributes of an index that has some only."""
    if data.get("Select") != "ALL_ATTRIBUTES" or not data.get("IndexName"):
        return None
    if (table := _table(data)) is None:
        return None
    index = keys_of(table, data["IndexName"]).index
    if index is None or index.projected is None:
        return None
    return refusal(
        "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported "
        f"for global secondary index {index.name} because its projection type is not ALL"
    )


def _projection_error(data: Request) -> Response | None:
    """Check a projection where MiniStack checks only whether its paths overlap."""
    parameters = ("ProjectionExpression", "ExpressionAttributeNames")
    if data.get("ProjectionExpression") is None or "Keys" not in data:
        return None  # a request with other parameters was checked before
    try:
        checked({name: data[name] for name in parameters if name in data})
    except ExpressionError as error:
        return refusal(str(error))
    return None


_latest: dict[str, tuple[Any, Any, Any, Any]] = {}
"""Parameter → text, values, names and bound expression: MiniStack asks for each item again."""


def _bound(parameter: str, text: str, values: Any, names: Any, bind: Callable[..., Any]) -> Any:
    known = _latest.get(parameter)
    if known and known[0] == text and known[1] is values and known[2] is names:
        return known[3]
    try:
        bound = bind(text, Attributes(names or {}, values or {}), AWS_KEYWORDS)
    except ExpressionError as error:
        msg = f"Invalid {parameter}: {error}"
        raise ValueError(msg) from error
    _latest[parameter] = (text, values, names, bound)
    return bound


def _holds(
    expr: str,
    item: Item,
    attr_values: dict[str, Any],
    attr_names: dict[str, str],
    slot: str = "ConditionExpression",
) -> bool:
    if not expr or not expr.strip():
        return True
    condition = _bound(slot, expr, attr_values, attr_names, checks.condition)
    return evaluation.holds(condition, item)


def _updated(
    item: Item,
    expr: str,
    attr_values: dict[str, Any],
    attr_names: dict[str, str],
    updated_attrs: set[tuple[str | int, ...]] | None = None,
) -> tuple[Item, set[tuple[str | int, ...]]]:
    touched = set() if updated_attrs is None else updated_attrs
    update = _bound("UpdateExpression", expr, attr_values, attr_names, checks.update)
    touched |= evaluation.touched(update)
    return evaluation.applied(update, item), touched

"""A transaction whose keys do not fit a table is cancelled, and nothing is stored.

AWS gives the reason ValidationError for each such action. MiniStack 1.5.33 stores a Put without
its key, ignores further attributes of a Key, changes key attributes in an Update, and reads a key
of the wrong type as an item that does not exist.
"""

# ruff: noqa: SLF001 - MiniStack offers no other way in

from collections.abc import Callable
from typing import Any

from ministack.services import dynamodb

from local_cloud.dynamodb_expressions import table_rules
from local_cloud.dynamodb_expressions.nodes import ExpressionError
from local_cloud.ministack.dynamodb.expressions import (
    Request,
    Response,
    checked,
    keys_of,
    of_transaction,
    refusal,
)
from local_cloud.ministack.replacing import replace

MAX_ACTIONS = 100


def install() -> None:
    """Replace both kinds of transaction."""
    replace(dynamodb, "_transact_write_items", _strict_write)
    replace(dynamodb, "_transact_get_items", _strict_read)


def _strict_write(write: Callable[[Request], Response]) -> Callable[[Request], Response]:
    def strict(data: Request) -> Response:
        actions = _actions(data)
        reasons = _reasons([dynamodb._extract_transact_op(action) for action in actions])
        if not reasons:
            try:
                return write(data)
            finally:
                of_transaction.clear()
        of_transaction.clear()
        earlier = dynamodb._transact_write_members_error(data, actions)
        for action in actions:
            earlier = earlier or dynamodb._transact_write_action_error(
                *dynamodb._extract_transact_op(action)
            )
        return earlier or _cancelled(len(actions), reasons)

    return strict


def _strict_read(read: Callable[[Request], Response]) -> Callable[[Request], Response]:
    def strict(data: Request) -> Response:
        gets = [action.get("Get") or {} for action in _actions(data)]
        for get in gets:
            if get.get("ProjectionExpression") is None:
                continue
            try:
                checked(get)
            except ExpressionError as error:
                return refusal(str(error))
        reasons = _reasons([("Get", get) for get in gets])
        return _cancelled(len(gets), reasons) if reasons else read(data)

    return strict


def _actions(data: Request) -> list[dict[str, Any]]:
    """Return the actions of a transaction; none if their number is not valid."""
    actions = data.get("TransactItems") or []
    return actions if len(actions) <= MAX_ACTIONS else []


def _reasons(actions: list[tuple[str | None, Any]]) -> dict[int, str]:
    """Return why actions are not valid for their tables; none if a table does not exist."""
    reasons: dict[int, str] = {}
    for number, (kind, action) in enumerate(actions):
        if kind is None or not isinstance(action, dict):
            return {}
        name = dynamodb._normalize_table_name(action.get("TableName"))
        if (table := dynamodb._tables.get(name)) is None:
            return {}
        if reason := _reason(kind, action, table):
            reasons[number] = reason
    return reasons


def _reason(kind: str, action: dict[str, Any], table: dict[str, Any]) -> str:
    keys = keys_of(table)
    if kind == "Put":
        missing = [name for name in keys.table if name not in action.get("Item", {})]
        return (
            f"One or more parameter values were invalid: Missing the key {missing[0]} in the item"
            if missing
            else ""
        )
    key = action.get("Key", {})
    if set(key) != set(keys.table) or dynamodb._key_type_mismatch_reason(table, key):
        return "The provided key element does not match the schema"
    if kind != "Update":
        return ""
    try:
        found = checked(action)
    except ExpressionError:
        return ""  # the transaction is refused as a whole
    of_transaction[id(action)] = (action, found)
    return table_rules.changed_key(found, keys)


def _cancelled(actions: int, reasons: dict[int, str]) -> Response:
    response: Response = dynamodb._transact_validation_cancel_response(actions, reasons)
    return response

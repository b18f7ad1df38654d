"""DynamoDB in memory: the few operations of the stores, with the local cloud's expressions.

The stores' own tests run on it, as they do on moto and on the local cloud: see
`test_dynamodb.py`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from local_cloud.dynamodb_expressions import evaluation, request
from local_cloud.dynamodb_expressions.request import Checked
from tests.fixtures.in_process import TABLES

Item = dict[str, Any]
Write = Callable[[str, Item, Item], None]
"""Is called with the table, the item before and the item after a write; `{}` is no item."""

_NO_WORDS: frozenset[str] = frozenset()
_CANCELLED = "TransactionCanceledException"
_FAILED = "ConditionalCheckFailedException"


class Dynamodb:
    """Stands for a boto3 `dynamodb` client; every table is there from the start.

    Attributes:
        items: Table → key → item.
        before: Table → key → item before its last write.
        written: Is called after each write, in a transaction after the whole of it.
    """

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Item]] = {name: {} for name in TABLES}
        self.before: dict[str, dict[str, Item]] = {name: {} for name in TABLES}
        self.written: Write = lambda *_: None

    def item(self, table: str, key: str) -> Item:
        """Return an item; `{}` if there is none."""
        return self.items[table].get(key, {})

    def get_item(self, **parameters: Any) -> dict[str, Any]:
        """Return the item of a key."""
        table = _table(parameters)
        found = self.item(table, _key(table, parameters["Key"]))
        checked = _checked(parameters)
        if found and checked.projection:
            names = {str(path.parts[0]) for path in checked.projection}
            found = {name: value for name, value in found.items() if name in names}
        return {"Item": found} if found else {}

    def put_item(self, **parameters: Any) -> dict[str, Any]:
        """Write an item whole."""
        self._write(parameters, _put(parameters))
        return {}

    def update_item(self, **parameters: Any) -> dict[str, Any]:
        """Change an item."""
        new = self._write(parameters, _update(parameters))
        return {"Attributes": new} if parameters.get("ReturnValues") == "ALL_NEW" else {}

    def transact_write_items(self, **parameters: Any) -> dict[str, Any]:
        """Write all items, or none."""
        actions = []
        for entry in parameters["TransactItems"]:
            [(kind, given)] = entry.items()
            actions.append((given, {"Put": _put, "Update": _update}[kind](given)))
        reasons = [self._refusal(given, change) for given, change in actions]
        if any(reasons):
            raise cancelled(reason or {"Code": "None"} for reason in reasons)
        before = [self._apply(given, change) for given, change in actions]
        for (given, change), old in zip(actions, before, strict=True):
            self.written(_table(given), old, self.item(_table(given), change.key))
        return {}

    def query(self, *, stale: bool = False, **parameters: Any) -> dict[str, Any]:
        """Return the items of an index that meet a key condition.

        Args:
            stale: Show every item as it was before its last write.
            parameters: The request's.
        """
        table, index = _table(parameters), parameters["IndexName"]
        hash_key, range_key = TABLES[table][index]
        condition = _checked(parameters).conditions["KeyConditionExpression"]
        found = [
            item
            for item in (self.before if stale else self.items)[table].values()
            if hash_key in item and range_key in item and evaluation.holds(condition, item)
        ]
        own_key = TABLES[table]["key"]
        found.sort(
            key=lambda item: (item[range_key]["S"], item[own_key]["S"]),
            reverse=not parameters.get("ScanIndexForward", True),
        )
        if start := parameters.get("ExclusiveStartKey"):
            keys = [item[own_key] for item in found]
            found = found[keys.index(start[own_key]) + 1 :]
        limit = parameters.get("Limit", len(found) + 1)
        answer: dict[str, Any] = {"Items": found[:limit]}
        if len(found) >= limit:
            last = found[limit - 1]
            answer["LastEvaluatedKey"] = {n: last[n] for n in {own_key, hash_key, range_key}}
        return answer

    def scan(self, **parameters: Any) -> dict[str, Any]:
        """Return all items of a table."""
        return {"Items": list(self.items[_table(parameters)].values())}

    def delete_item(self, **parameters: Any) -> dict[str, Any]:
        """Remove an item."""
        table = _table(parameters)
        self.items[table].pop(_key(table, parameters["Key"]), None)
        return {}

    def _write(self, parameters: Mapping[str, Any], change: "_Change") -> Item:
        if refusal := self._refusal(parameters, change):
            raise _error(_FAILED, Item=refusal.get("Item", {}))
        old = self._apply(parameters, change)
        new = self.item(_table(parameters), change.key)
        self.written(_table(parameters), old, new)
        return new

    def _refusal(self, parameters: Mapping[str, Any], change: "_Change") -> dict[str, Any] | None:
        """Return the cancellation reason of a write whose condition fails."""
        old = self.item(_table(parameters), change.key)
        condition = change.checked.conditions.get("ConditionExpression")
        if condition is None or evaluation.holds(condition, old):
            return None  # evaluated before another request is bound
        shown = parameters.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and old
        return {"Code": "ConditionalCheckFailed", **({"Item": old} if shown else {})}

    def _apply(self, parameters: Mapping[str, Any], change: "_Change") -> Item:
        """Write; return the item before."""
        table = _table(parameters)
        old = self.item(table, change.key)
        self.items[table][change.key] = change.applied_to(old)
        self.before[table][change.key] = old
        return old


class _Change:
    """A checked write of one item."""

    def __init__(self, parameters: Mapping[str, Any], key: Item, whole: Item | None) -> None:
        self.key = _key(_table(parameters), key)
        self._parameters = parameters
        self._base = key
        self._whole = whole

    @property
    def checked(self) -> Checked:
        """The expressions, bound until the next request is."""
        return _checked(self._parameters)

    def applied_to(self, old: Item) -> Item:
        if self._whole is not None:
            return self._whole
        update = self.checked.update
        assert update is not None
        new = evaluation.applied(update, old or self._base)
        # The bound values are used again for the next request.
        return {name: dict(value) for name, value in new.items()}


_bound: dict[tuple[Any, ...], tuple[dict[str, Item], Checked]] = {}
"""Expressions, names and types of values → the bound values, and the expressions bound to them."""


def _checked(parameters: Mapping[str, Any]) -> Checked:
    """Return a request's checked expressions.

    A run makes a dozen different requests thousands of times: an expression that was checked with
    values of the same types is bound to the new values without another check.
    """
    values = parameters.get("ExpressionAttributeValues") or {}
    names = parameters.get("ExpressionAttributeNames") or {}
    key = (
        *(parameters.get(name) for name in request.EXPRESSIONS),
        *names.items(),
        *((name, *value) for name, value in values.items()),
    )
    if key not in _bound:
        own = {name: dict(value) for name, value in values.items()}
        checked = request.check({**parameters, "ExpressionAttributeValues": own or None}, _NO_WORDS)
        _bound[key] = own, checked
    own, checked = _bound[key]
    for name, value in values.items():
        own[name].update(value)
    return checked


def _put(parameters: Mapping[str, Any]) -> _Change:
    return _Change(parameters, parameters["Item"], parameters["Item"])


def _update(parameters: Mapping[str, Any]) -> _Change:
    return _Change(parameters, parameters["Key"], None)


def _table(parameters: Mapping[str, Any]) -> str:
    return str(parameters["TableName"]).removeprefix("orderflow-")


def _key(table: str, item: Item) -> str:
    return str(item[TABLES[table]["key"]]["S"])


def cancelled(reasons: Any) -> ClientError:
    """Return the error of a transaction that wrote nothing."""
    return _error(_CANCELLED, CancellationReasons=list(reasons))


def _error(code: str, **more: Any) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}, **more}, "Write")

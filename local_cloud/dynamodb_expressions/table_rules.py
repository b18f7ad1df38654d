"""What AWS checks in a request's expressions when it knows the table's keys and indexes."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from local_cloud.dynamodb_expressions.nodes import (
    Condition,
    ExpressionError,
    Path,
    leaves_of,
    tests_of,
)
from local_cloud.dynamodb_expressions.request import Checked

_INVALID = "One or more parameter values were invalid: "


@dataclass(frozen=True, slots=True)
class Index:
    """The global secondary index that a request reads.

    Attributes:
        name: Its name.
        projected: The attributes that it holds; nothing if it holds all.
    """

    name: str
    projected: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Keys:
    """A table's key attributes, as far as a request's expressions concern them.

    Attributes:
        table: The table's partition and sort key.
        indexes: The key attributes of its secondary indexes.
        partition: The partition key of what a query reads: the table or an index.
        sort: The sort key of what a query reads.
        index: The global secondary index that a request reads, if any.
    """

    table: tuple[str, ...]
    indexes: frozenset[str] = frozenset()
    partition: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()
    index: Index | None = field(default=None)


def check(checked: Checked, keys: Keys) -> None:
    """Check a request's expressions against a table's keys.

    Raises:
        ExpressionError: AWS answers ValidationException with this text.
    """
    for tested in checked.keys:
        if tested.attribute in keys.partition and tested.operator != "=":
            msg = "Query key condition not supported"
            raise ExpressionError(msg)
    if checked.keys:
        _filter_without_keys(checked.conditions.get("FilterExpression"), keys)
    for path in _paths(checked):
        _scalar_keys(path, keys)
    if keys.index:
        _projected(checked.projection, keys.index)


def changed_key(checked: Checked, keys: Keys) -> str:
    """Return AWS's message about an update of a key attribute, or nothing."""
    for action in checked.update.actions if checked.update else ():
        if action.path.parts[0] in keys.table:
            return (
                f"{_INVALID}Cannot update attribute {action.path.parts[0]}. "
                "This attribute is part of the key"
            )
    return ""


def _filter_without_keys(condition: Condition | None, keys: Keys) -> None:
    for path in _paths_of(condition):
        if path.parts[0] in (*keys.partition, *keys.sort):
            msg = (
                "Filter Expression can only contain non-primary key attributes: "
                f"Primary key attribute: {path.parts[0]}"
            )
            raise ExpressionError(msg)


def _paths_of(condition: Condition | None) -> Iterator[Path]:
    for test in tests_of(condition) if condition else ():
        yield from (leaf for leaf in leaves_of(test) if isinstance(leaf, Path))


def _paths(checked: Checked) -> Iterator[Path]:
    for action in checked.update.actions if checked.update else ():
        yield action.path
        yield from (leaf for leaf in leaves_of(action.operand) if isinstance(leaf, Path))
    for condition in checked.conditions.values():
        yield from _paths_of(condition)
    yield from checked.projection


def _scalar_keys(path: Path, keys: Keys) -> None:
    name = path.parts[0]
    if len(path.parts) == 1 or name not in {*keys.table, *keys.indexes}:
        return
    msg = (
        "Key attributes must be scalars; list random access '[]' and map lookup '.' are not "
        f"allowed: {'Key' if name in keys.table else 'IndexKey'}: {name}"
    )
    raise ExpressionError(msg)


def _projected(paths: tuple[Path, ...], index: Index) -> None:
    if index.projected is None:
        return
    if missing := [str(p.parts[0]) for p in paths if p.parts[0] not in index.projected]:
        msg = (
            f"{_INVALID}Global secondary index {index.name} does not project [{', '.join(missing)}]"
        )
        raise ExpressionError(msg)

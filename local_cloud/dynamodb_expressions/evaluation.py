"""What a bound expression says of an item, and what it makes of it."""

from collections.abc import Callable

from local_cloud.dynamodb_expressions import values
from local_cloud.dynamodb_expressions.nodes import (
    COMPARATORS,
    Action,
    AttributeValue,
    Call,
    Condition,
    ExpressionError,
    Item,
    Logic,
    Operand,
    Path,
    Update,
    Value,
)

_WRONG_TYPE = "An operand in the update expression has an incorrect data type"
_NO_PLACE = "The document path provided in the update expression is invalid for update"
_NO_ATTRIBUTE = "The provided expression refers to an attribute that does not exist in the item"
_Found = AttributeValue | None


def holds(condition: Condition, item: Item) -> bool:
    """Return whether a bound condition holds for an item; `{}` means no item."""
    if isinstance(condition, Logic):
        if condition.name == "NOT":
            return not holds(condition.conditions[0], item)
        joined = all if condition.name == "AND" else any
        return joined(holds(inner, item) for inner in condition.conditions)
    operands = [_value(operand, item) for operand in condition.operands]
    if condition.name in COMPARATORS:
        return values.compare(condition.name, *operands)
    return _TESTS[condition.name](*operands)


def _between(value: _Found, low: _Found, high: _Found) -> bool:
    return values.compare("<=", low, value) and values.compare("<=", value, high)


def _in(value: _Found, *options: _Found) -> bool:
    return any(values.compare("=", value, option) for option in options)


def _attribute_type(value: _Found, kind: _Found) -> bool:
    return value is not None and values.type_of(value) == (kind or {}).get("S")


_TESTS: dict[str, Callable[..., bool]] = {
    "BETWEEN": _between,
    "IN": _in,
    "attribute_exists": lambda value: value is not None,
    "attribute_not_exists": lambda value: value is None,
    "attribute_type": _attribute_type,
    "begins_with": values.begins_with,
    "contains": values.contains,
}


def _value(operand: Operand, item: Item) -> _Found:
    if isinstance(operand, Value):
        return operand.value
    if isinstance(operand, Path):
        return find(item, operand)
    if isinstance(operand, Call):
        return values.size(_value(operand.operands[0], item))
    msg = f"{operand} is not bound"
    raise TypeError(msg)


def find(item: Item, path: Path) -> _Found:
    """Return what is at a path, or nothing."""
    current = item.get(str(path.parts[0]))
    for part in path.parts[1:]:
        if current is None:
            return None
        current = _child(current, part)
    return current


def _child(parent: AttributeValue, part: str | int) -> _Found:
    if isinstance(part, str):
        found: _Found = parent["M"].get(part) if "M" in parent else None
        return found
    elements = parent.get("L", [])
    return elements[part] if part < len(elements) else None


def applied(update: Update, item: Item) -> Item:
    """Return an item as a bound update makes it; the item itself stays as it is.

    Raises:
        ExpressionError: AWS refuses the update of this item.
    """
    # Every operand and every index means the item as it was before.
    results = [(action.path.parts, _result(action, item)) for action in update.actions]
    stored = [(parts, result) for parts, result in results if result is not None]
    removed = [parts for parts, result in results if result is None]
    removed.sort(key=lambda parts: parts[-1] if isinstance(parts[-1], int) else -1, reverse=True)
    new: AttributeValue = {"M": item}
    for parts, value in [*stored, *((parts, None) for parts in removed)]:
        new = _changed(new, parts, value)
    changed: Item = new["M"]
    return changed


def _result(action: Action, item: Item) -> _Found:
    """Return what an action stores, or nothing if it removes."""
    _require_parent(item, action.path)
    if action.operand is None:
        return None
    operand = _computed(action.operand, item)
    if action.clause == "SET":
        return operand
    current, kind = find(item, action.path), values.type_of(operand)
    if current is None:
        return operand if action.clause == "ADD" else None
    if values.type_of(current) != kind:
        raise ExpressionError(_WRONG_TYPE)
    if action.clause == "DELETE":
        rest = values.difference(current, operand)
        return rest if rest[kind] else None
    if kind == "N":
        return {"N": values.add(current["N"], operand["N"])}
    return values.union(current, operand)


def _computed(operand: Operand, item: Item) -> AttributeValue:
    if isinstance(operand, Value):
        return operand.value
    if isinstance(operand, Path):
        if (found := find(item, operand)) is None:
            raise ExpressionError(_NO_ATTRIBUTE)
        return found
    if not isinstance(operand, Call):
        msg = f"{operand} is not bound"
        raise TypeError(msg)
    first, second = operand.operands
    if operand.name == "if_not_exists":
        current = find(item, first) if isinstance(first, Path) else None
        return _computed(second, item) if current is None else current
    left, right = _computed(first, item), _computed(second, item)
    if operand.name == "list_append":
        if "L" not in left or "L" not in right:
            raise ExpressionError(_WRONG_TYPE)
        return {"L": [*left["L"], *right["L"]]}
    if "N" not in left or "N" not in right:
        raise ExpressionError(_WRONG_TYPE)
    return {"N": values.add(left["N"], right["N"], minus=operand.name == "-")}


def _require_parent(item: Item, path: Path) -> None:
    """Raise AWS's error if nothing can hold the last part of a path."""
    if len(path.parts) == 1:
        return
    parent = find(item, Path(path.parts[:-1]))
    if parent is None or ("L" if isinstance(path.parts[-1], int) else "M") not in parent:
        raise ExpressionError(_NO_PLACE)


def _changed(parent: AttributeValue, parts: tuple[str | int, ...], value: _Found) -> AttributeValue:
    """Return a map or list with another value at a path, or without one; copy only what changes."""
    part, rest = parts[0], parts[1:]
    if isinstance(part, str):
        entries = dict(parent["M"])
        if rest:
            entries[part] = _changed(entries[part], rest, value)
        elif value is None:
            entries.pop(part, None)
        else:
            entries[part] = value
        return {"M": entries}
    elements = list(parent["L"])
    if rest:
        elements[part] = _changed(elements[part], rest, value)
    elif value is None:
        del elements[part : part + 1]
    else:  # an index beyond the end appends
        elements[part : part + 1] = [value]
    return {"L": elements}


def touched(update: Update) -> set[tuple[str | int, ...]]:
    """Return the paths that an update changes."""
    return {action.path.parts for action in update.actions}

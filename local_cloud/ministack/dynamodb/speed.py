"""What MiniStack 1.5.33 does slowly for each write; only the time differs.

An order is written five times on its way, and each write copies and checks the whole item.
`copy.deepcopy` takes 18 µs for an order, `marshal` 4 µs; a number's canonical form takes 5 µs, and
most numbers are the same few; what DynamoDB charges for an update takes 40 µs, and only decides
whether it is too large.
"""

# ruff: noqa: SLF001 - MiniStack offers no other way in

import copy
import marshal
from collections.abc import Callable
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from ministack.services import dynamodb

from local_cloud.ministack.replacing import replace


def install() -> None:
    """Let MiniStack's DynamoDB copy items and read numbers faster."""
    dynamodb.copy = SimpleNamespace(deepcopy=deepcopy)
    replace(dynamodb, "_ddb_canonicalize_number", _remembered)
    replace(dynamodb, "_update_request_charge", _of_large_updates)


def deepcopy(value: Any) -> Any:
    """Return a deep copy of whatever MiniStack stores."""
    try:
        return marshal.loads(marshal.dumps(value))  # noqa: S302 - this process has just written it
    except ValueError:  # not only plain types, such as a default dictionary
        return copy.deepcopy(value)


def _remembered(canonical: Callable[[Any], str | None]) -> Callable[[Any], str | None]:
    known = lru_cache(maxsize=1024)(canonical)

    def form(number: Any) -> str | None:
        return known(number) if isinstance(number, str) else canonical(number)

    return form


Charge = Callable[[str, dict[str, Any], dict[str, str], dict[str, Any]], int]


def _of_large_updates(charge: Charge) -> Charge:
    """Leave out the charge of an update that cannot be too large, whatever its expression says."""

    def charged(
        expr: str,
        attr_values: dict[str, Any],
        attr_names: dict[str, str],
        item_before: dict[str, Any],
    ) -> int:
        values = sum(map(dynamodb._attribute_value_size, (attr_values or {}).values()))
        names = sum(len(name.encode()) for name in (attr_names or {}).values())
        # A value or a name counts at each use, and any other part at most 39 bytes.
        most = expr.count(":") * values + expr.count("#") * names + 40 * len(expr)
        if most <= dynamodb._DDB_ITEM_MAX_BYTES:
            return 0
        return charge(expr, attr_values, attr_names, item_before)

    return charged

"""An order request: what is wrong with it, and the order it becomes."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from order_service.catalogue import Catalogue
from order_service.errors import InvalidOrderError
from orderflow import contract

_SCHEMA = Path(__file__).with_name("request.schema.json")


def check(request: Any, catalogue: Catalogue) -> None:
    """Check a request whole.

    Raises:
        InvalidOrderError: With every fault there is, not only the first.
    """
    faults = contract.violations(_SCHEMA, request)
    well_formed = not faults
    if isinstance(request, dict):
        faults += _faults_of_content(request, catalogue)
    if well_formed and not faults and total(price(request, catalogue)) > _largest_total():
        faults.append(f"the order's total must be at most {_largest_total()} minor units")
    if faults:
        raise InvalidOrderError(faults)


def fingerprint(request: dict[str, Any]) -> str:
    """Return a hash that two requests share only if they ask for the same."""
    canonical = json.dumps(request, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def price(request: dict[str, Any], catalogue: Catalogue) -> list[dict[str, Any]]:
    """Return the request's lines with the catalogue's unit prices in minor units."""
    currency = request["currency"]
    return [{**line, "unit_price": catalogue[line["sku"]][currency]} for line in request["lines"]]


def total(lines: list[dict[str, Any]]) -> int:
    """Return the sum of priced lines in minor units."""
    return sum(int(line["quantity"]) * int(line["unit_price"]) for line in lines)


def _faults_of_content(request: dict[str, Any], catalogue: Catalogue) -> list[str]:
    """Hold against the catalogue whatever has the form to be held against it."""
    currency, lines = request.get("currency"), request.get("lines")
    currencies = sorted({known for prices in catalogue.values() for known in prices})
    faults = []
    if isinstance(currency, str) and currency not in currencies:
        faults.append(f"currency must be one of {', '.join(currencies)}")
    for index, line in enumerate(lines if isinstance(lines, list) else []):
        sku = line.get("sku") if isinstance(line, dict) else None
        if not isinstance(sku, str):
            continue
        if sku not in catalogue:
            faults.append(f"lines[{index}].sku is not in the catalogue")
        elif currency in currencies and currency not in catalogue[sku]:
            faults.append(f"lines[{index}].sku has no price in {currency}")
    return faults


@cache
def _largest_total() -> int:
    return int(contract.schema(_SCHEMA)["definitions"]["amount"]["maximum"])

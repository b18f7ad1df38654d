"""Values that AWS or HTTP would refuse: refused here, in a sentence."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from orderflow import __file__ as orderflow_file
from workshop.errors import UsageError

MOST = 999_999_999
"""The largest number of units; DynamoDB has numbers of 38 digits."""

KEY_LENGTH = 128
"""Characters of an Idempotency-Key at most, as in the API."""

_CONTRACT = Path(orderflow_file).parent / "contracts/common.v1.json"
_SHOWN = 40
"""Characters of a value that a message quotes."""


def order_id(text: str) -> str:
    """Return an order's id as it is.

    Raises:
        UsageError: No order can have it.
    """
    return _id(text, "An order's id")


def sku(text: str) -> str:
    """Return a SKU as it is.

    Raises:
        UsageError: No order can name it, and the inventory keeps other items beside stock items.
    """
    return _id(text, "A SKU")


def idempotency_key(text: str) -> str:
    """Return an Idempotency-Key as it is.

    Raises:
        UsageError: It is no value of an HTTP header that the API takes.
    """
    if not (0 < len(text) <= KEY_LENGTH and text.isascii() and text.isprintable()):
        raise UsageError(
            f"An Idempotency-Key is 1 to {KEY_LENGTH} printable ASCII characters: "
            f"{quoted(text)} is not."
        )
    return text


def whole_number(text: str, name: str) -> int:
    """Return a number of units.

    Args:
        text: What a person typed.
        name: What the number is called.

    Raises:
        UsageError: It is no whole number from 0 to `MOST`.
    """
    digits = len(text.lstrip("0"))
    if not (text.isascii() and text.isdigit()) or digits > len(str(MOST)):
        raise UsageError(f"{name} is a whole number from 0 to {MOST}: {quoted(text)} is not.")
    return int(text)


def quoted(text: str) -> str:
    """Return a value for a message: one line, and not more than the beginning of it."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


def _id(text: str, name: str) -> str:
    rule = _rule_of_ids()
    if not re.fullmatch(rule["pattern"], text):
        raise UsageError(f"{name} has {rule['description']}: {quoted(text)} has not.")
    return text


@cache
def _rule_of_ids() -> dict[str, Any]:
    """Return what the contract says of ids."""
    rule: dict[str, Any] = json.loads(_CONTRACT.read_text("utf-8"))["definitions"]["id"]
    return rule

"""The shelf while a notebook runs: full, and afterwards as it was."""

import json
from pathlib import Path

from workshop.deployment.stack import Stack
from workshop.orders import api_client

_BEFORE = "shelf-before.json"
"""What was there, kept with the stack: a kernel that is killed does not forget it."""


def promised(stack: Stack) -> dict[str, int]:
    """What `fill` puts on the shelf: pieces by SKU; nothing before the stage of the inventory."""
    return api_client.SHELVES if "inventory" in stack.outputs.table_names else {}


def fill(stack: Stack) -> None:
    """Fill the shelf, and remember what was there, unless an interrupted run has done so."""
    if goods := promised(stack):
        if _remembered(stack) is None:
            before = api_client.read_stock(stack, list(goods))
            told = {"api": stack.outputs.api_endpoint, "stock": before}
            _file(stack).write_text(json.dumps(told), "utf-8")
        api_client.set_stock(stack, goods)


def restore(stack: Stack) -> None:
    """Put back what was there before the first `fill`."""
    before = _remembered(stack)
    if before is None:
        return
    api_client.set_stock(stack, before)
    for sku in promised(stack).keys() - before.keys():
        api_client.take_off_the_shelf(stack, sku)
    _file(stack).unlink()


def _remembered(stack: Stack) -> dict[str, int] | None:
    """What was there before; None when nobody has filled this stack's shelf."""
    try:
        told = json.loads(_file(stack).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    same = told["api"] == stack.outputs.api_endpoint  # a stack started anew has another
    return dict(told["stock"]) if same else None


def _file(stack: Stack) -> Path:
    return stack.target.directory / _BEFORE

"""Set the demo stock while a notebook runs, and restore the stock afterwards."""

import json
from pathlib import Path

from workshop.deployment.stack import Stack
from workshop.orders import api_client

_SAVED = "stock-before.json"
"""The stock before the notebook, saved with the stack: a killed kernel does not lose it."""


def demo_stock(stack: Stack) -> dict[str, int]:
    """Return the units that `fill` sets, by SKU; empty when the stack has no inventory."""
    return api_client.DEMO_STOCK if "inventory" in stack.outputs.table_names else {}


def fill(stack: Stack) -> None:
    """Set the demo stock; save the stock before, unless an interrupted run has saved it."""
    if units := demo_stock(stack):
        if _saved(stack) is None:
            before = api_client.read_stock(stack, list(units))
            saved = {"api": stack.outputs.api_endpoint, "stock": before}
            _file(stack).write_text(json.dumps(saved), "utf-8")
        api_client.set_stock(stack, units)


def restore(stack: Stack) -> None:
    """Restore the stock as it was before the first `fill`."""
    before = _saved(stack)
    if before is None:
        return
    api_client.set_stock(stack, before)
    for sku in demo_stock(stack).keys() - before.keys():
        api_client.delete_stock_item(stack, sku)
    _file(stack).unlink()


def _saved(stack: Stack) -> dict[str, int] | None:
    """Return the saved stock; None when none is saved for this stack."""
    try:
        saved = json.loads(_file(stack).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    same = saved["api"] == stack.outputs.api_endpoint  # a recreated stack has another API
    return dict(saved["stock"]) if same else None


def _file(stack: Stack) -> Path:
    return stack.target.directory / _SAVED

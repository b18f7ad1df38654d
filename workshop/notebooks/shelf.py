"""The shelf while a notebook runs: full, and afterwards as it was."""

from workshop.deployment.stack import Stack
from workshop.orders import ordering

_before: dict[str, dict[str, int]] = {}
"""What was there, by the address of the stack's API: connecting twice does not forget it."""


def promised(stack: Stack) -> dict[str, int]:
    """What `fill` puts on the shelf: pieces by SKU; nothing before the stage of the inventory."""
    return ordering.SHELVES if "inventory" in stack.outputs.table_names else {}


def fill(stack: Stack) -> None:
    """Fill the shelf, and remember what was there."""
    if goods := promised(stack):
        _before.setdefault(stack.outputs.api_endpoint, ordering.read_stock(stack, list(goods)))
        ordering.set_stock(stack, goods)


def restore(stack: Stack) -> None:
    """Put back what was there before the first `fill`."""
    before = _before.pop(stack.outputs.api_endpoint, None)
    if before is None:
        return
    ordering.set_stock(stack, before)
    for sku in promised(stack).keys() - before.keys():
        ordering.take_off_the_shelf(stack, sku)

"""Transactions that want the same stock item at the same moment."""

TRIES = 6
"""As `inventory_service.store.ATTEMPTS`; a test holds them together."""
TOLERATED = 0.001
"""Share of orders that may have to wait for Lambda's next try, a minute later."""
_HALVINGS = 60


def left_over(rate: float, seconds: float, shards: int = 1) -> float:
    """Return the share of orders that meet another one in every try.

    DynamoDB lets no transaction wait: one that touches an item while another does is cancelled.
    So a try fails as often as the item is busy, and it is busy for `seconds` for each order that
    gets through: busy = rate × seconds × (1 - busy ** TRIES). Tries are taken to be random in time.

    Args:
        rate: Orders a second that want the same goods.
        seconds: How long a transaction keeps others off an item.
        shards: Into how many items the goods' stock is divided.
    """
    offered = rate / shards * seconds
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        busy = (low + high) / 2
        if busy < offered * (1 - busy**TRIES):
            low = busy
        else:
            high = busy
    return low**TRIES


def bearable_rate(seconds: float, shards: int = 1) -> float:
    """Return the orders a second at which `TOLERATED` are left over."""
    busy = float(TOLERATED ** (1 / TRIES))
    return shards * busy / (1 - TOLERATED) / seconds

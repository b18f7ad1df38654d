"""Clean up after a notebook."""

import time

from workshop.deployment.release import gateway_switch
from workshop.deployment.stack import Stack
from workshop.notebooks import stock, waiting
from workshop.notebooks.connection import Connection
from workshop.orders.cleanup import delete_orders, orders_of

LAG_SECONDS = 5.0
"""Wait before the next query on AWS: an index usually follows its table within a second."""


def clean_up(connection: Connection) -> None:
    """Delete the customer's orders, their rows and dead letters, and restore the stock."""
    stack = connection.stack
    if stack.stage >= gateway_switch.stage():
        gateway_switch.switch(stack, up=True)
    count = delete_orders_of(stack, connection.customer)
    stock.restore(stack)
    orders = "1 order" if count == 1 else f"{count} orders"
    print(f"Deleted {orders}, with rows and dead letters. The stack is as it was before.")  # noqa: T201


def delete_orders_of(stack: Stack, customer: str) -> int:
    """Delete a customer's orders when none is being processed; return how many there were."""
    deleted = set[str]()
    while found := orders_of(stack, customer):
        waiting.wait(stack, found)
        delete_orders(stack, found)
        deleted.update(found)
        if not stack.target.own:
            # An index lags, and a late event creates a row again: query again.
            time.sleep(LAG_SECONDS)
    return len(deleted)

"""Leaving a stack as it was."""

import time

from workshop.deployment.release import gateway_switch
from workshop.deployment.stack import Stack
from workshop.notebooks import stock, waiting
from workshop.notebooks.connection import Connection
from workshop.orders.cleanup import forget, orders_of

LAG_SECONDS = 5.0
"""Before AWS is looked at once more: an index follows its table within a second as a rule."""


def clean_up(connection: Connection) -> None:
    """Remove the customer's orders, their rows and dead letters, and put the shelf right again."""
    stack = connection.stack
    if stack.stage >= gateway_switch.STAGE:
        gateway_switch.switch(stack, up=True)
    count = forget_orders(stack, connection.customer)
    stock.restore(stack)
    orders = "1 order is" if count == 1 else f"{count} orders are"
    print(f"{orders} forgotten, rows and dead letters; the stack is as it was.")  # noqa: T201


def forget_orders(stack: Stack, customer: str) -> int:
    """Remove a customer's orders once nothing of them is under way; return how many there were."""
    forgotten = set[str]()
    while found := orders_of(stack, customer):
        waiting.wait(stack, found)
        forget(stack, found)
        forgotten.update(found)
        if not stack.target.own:
            # An index lags, and an event on its way makes a row anew: so look once more.
            time.sleep(LAG_SECONDS)
    return len(forgotten)

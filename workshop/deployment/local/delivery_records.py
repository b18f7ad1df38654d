"""The local cloud's delivery records, for people: a buffer is a part of its function."""

from collections.abc import Iterable
from dataclasses import replace

from local_cloud.delivery.change_log import Record
from local_cloud.delivery.delivery_log import Delivery, Outcome
from workshop.deployment.local import injected_faults
from workshop.deployment.stack import Outputs, Stack


def of(stack: Stack, order_id: str | None = None) -> list[Delivery]:
    """Return the records of an order's deliveries, or of all, oldest first.

    Args:
        stack: A stack on a local cloud.
        order_id: Which order; None for all.
    """
    found = at_functions(injected_faults.switch(stack).deliveries(order_id), stack.outputs)
    return [each for each in found if isinstance(each, Delivery)]


def at_functions(records: Iterable[Record], outputs: Outputs) -> tuple[Record, ...]:
    """Return records with the name of a buffer's function in place of the buffer's name.

    A record of an event that arrived in a buffer is left out: it is not yet at its function.

    Args:
        records: Deliveries, and also events, which are returned as they are.
        outputs: The stack's names.
    """
    buffers = {name: outputs.function_names[key] for name, key in outputs.buffer_keys.items()}
    found: list[Record] = []
    for each in records:
        if isinstance(each, Delivery) and each.function in buffers:
            if each.outcome is not Outcome.DELIVERED:
                found.append(replace(each, function=buffers[each.function]))
        else:
            found.append(each)
    return tuple(found)

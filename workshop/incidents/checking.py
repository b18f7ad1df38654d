"""The check of an incident: what must be true again, in a sentence each."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from workshop.deployment.stack import Stack
from workshop.incidents import repair, session
from workshop.incidents.session import Record
from workshop.journeys import order_rows
from workshop.orders import ledger


@dataclass(frozen=True, slots=True)
class Claim:
    """A part of the check.

    Attributes:
        holds: Whether it is true.
        text: The claim if it is true; else what is not right, without the cause.
    """

    holds: bool
    text: str


def check(stack: Stack, record: Record) -> Iterator[Claim]:
    """Yield each claim.

    It places an order like those of the incident. This order is stored in the record: if it is
    damaged, it must be recovered, too.

    Raises:
        WorkshopError: The API does not take the order.
    """
    probe = session.place(stack, record.incident.orders[0])
    record = replace(record, orders=[*record.orders, probe])
    session.save(stack.target.name, record)
    open_orders, messages = repair.left(stack, record.orders, record.dead_letters)
    yield _new_order(probe, open_orders)
    yield _damaged_orders(record.orders[:-1], open_orders)
    yield _books(stack, record.orders)
    yield _queues(len(messages))
    for change, before in zip(record.incident.changes, record.before, strict=True):
        if change.promise:
            holds = change.setting.same(change.setting.read(stack), before)
            yield Claim(holds, f"{change.promise}." if holds else f"Not true: “{change.promise}.”")


def _new_order(order_id: str, open_orders: dict[str, str]) -> Claim:
    if order_id not in open_orders:
        return Claim(holds=True, text="An order like theirs, placed now, ships.")
    return Claim(
        holds=False,
        text=f"An order like theirs, placed now, does not ship: {order_id} is "
        f"{open_orders[order_id]}.",
    )


def _damaged_orders(orders: list[str], open_orders: dict[str, str]) -> Claim:
    still = [f"{each} is {open_orders[each]}" for each in orders if each in open_orders]
    shipped = f"{len(orders) - len(still)} of {len(orders)}"
    listed = f" ({', '.join(still)})" if still else ""
    return Claim(not still, f"Orders of the incident that are shipped: {shipped}{listed}.")


def _books(stack: Stack, orders: list[str]) -> Claim:
    tables = [order_rows.rows(stack, each) for each in orders]
    entries = [ledger.entry(rows) for rows in tables if "orders" in rows]
    wrong = [each.order_id for each in entries if not each.is_balanced]
    if not wrong:
        return Claim(holds=True, text="What was charged, reserved and shipped agrees.")
    return Claim(
        holds=False,
        text=f"What was charged, reserved and shipped does not agree: {', '.join(wrong)}.",
    )


def _queues(count: int) -> Claim:
    if not count:
        return Claim(holds=True, text="The incident has left no dead letter.")
    are = "dead letter is" if count == 1 else "dead letters are"
    return Claim(holds=False, text=f"{count} {are} left.")

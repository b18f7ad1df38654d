"""Why an order is stalled, and which commands help."""

from collections.abc import Iterator
from contextlib import suppress

from workshop.deployment.aws_errors import aws_errors
from workshop.deployment.local import injected_faults
from workshop.deployment.stack import Stack, command
from workshop.errors import EXPECTED, WorkshopError
from workshop.journeys.hops import Hop
from workshop.stages import stage_of

_ENDS = {
    "dropped": "The event {hop.step} to {hop.function} was lost.",
    "dead-lettered": "The event {hop.step} to {hop.function} is a dead letter.",
    "killed": "{hop.function} was killed while it processed {hop.step}.",
}
"""What a hop of the delivery log says about an event that did not get through."""


def reason_of(order_status: str | None, shown: list[Hop], *, given_up: bool, seconds: float) -> str:
    """Return the status at which an order is stalled, and the reason."""
    where = (
        f"The order is stalled at {order_status}: nothing runs, and nothing will be tried again."
        if given_up
        else f"The order is still {order_status} after {seconds:.0f} s."
    )
    failures = [hop for hop in shown if hop.what == "failed"]
    if not failures:
        ends = [_ENDS[hop.what].format(hop=hop) for hop in shown if hop.what in _ENDS]
        return " ".join([where, "No function logged a failure.", *ends[-1:]])
    last = failures[-1]
    return f"{where} The last failure, in {last.function}: {last.step.rstrip('.')}."


def of(stack: Stack, order_id: str, shown: list[Hop], *, given_up: bool) -> Iterator[str]:
    """Yield the commands that help a stalled order at this stage, one line each."""
    failures = [hop for hop in shown if hop.what == "failed"]
    if failures:
        logs = command(stack, f'logs ARGS="{failures[-1].function} --order {order_id}"')
        yield f"Its log: {logs}"
    try:
        with aws_errors():
            off = injected_faults.rules_off(stack)
    except EXPECTED as error:
        yield f"Whether a rule is disabled is unknown. {error}"
        return
    if off:
        yield injected_faults.how_to_enable(stack, off)
    elif not stack.outputs.dead_letter_queue_urls:
        yield (
            f"No command recovers it at stage {stack.stage}: dead-letter queues and the "
            f"reconciler come with stage {stage_of('redrive')}."
        )
    else:
        if failures and (stock := missing_stock(failures[-1].step)):
            yield f"Set its stock: {command(stack, stock)}"
        yield _recovery(stack, order_id, given_up=given_up)


def missing_stock(failure: str) -> str:
    """Return the command that creates the stock items a failure names; empty if it names none.

    Args:
        failure: The error and its reason.
    """
    error, _, skus = failure.partition(": no stock item for ")
    if error != "UnknownSkuError" or not skus:
        return ""
    arguments = " ".join(f"{sku}=10" for sku in skus.split(", "))
    return f'stock ARGS="{arguments}"' if " " in arguments else f"stock ARGS={arguments}"


def _recovery(stack: Stack, order_id: str, *, given_up: bool) -> str:
    """Return the queue that has the order's event, and the command that recovers the order."""
    try:
        keys, held = dead_lettered(stack, order_id)
    except EXPECTED as error:
        return f"Whether a dead-letter queue has its event is unknown. {error}"
    if held:
        dlq = command(stack, "dlq")
        return f"Another command is processing dead letters, perhaps this order's: {dlq}"
    if not keys:
        perhaps = "" if given_up else "; perhaps it is still being tried"
        return (
            f"No dead-letter queue has its event{perhaps}. Re-publish its OrderCreated: "
            + command(stack, f'reconcile ARGS="--order {order_id}"')
        )
    return (
        f"Its event is in the dead-letter queue of {' and '.join(keys)}: {command(stack, 'dlq')}\n"
        "After you have removed the cause, redrive it: "
        + command(stack, f'redrive ARGS="--order {order_id}"')
    )


def dead_lettered(stack: Stack, order_id: str) -> tuple[list[str], bool]:
    """Return the consumers with dead letters of an order, and whether another command holds some.

    Raises:
        WorkshopError: The queues cannot be read.
    """
    from workshop.recovery import dead_letters  # noqa: PLC0415 - stage 5's own code

    with aws_errors():
        queues = dead_letters.of(stack).queues
        found = dead_letters.look(queues, dead_letters.Filter(order_id=order_id))
        held = not found and any(each.held for each in queues.waiting().values())
    return sorted({each.consumer for each in found}), held


def no_such_order(stack: Stack, order_id: str) -> WorkshopError:
    """Return the error for an order without a row; its events may be dead letters."""
    if stack.outputs.dead_letter_queue_urls:
        with suppress(*EXPECTED):
            keys, _ = dead_lettered(stack, order_id)
            if keys:
                return WorkshopError(
                    f"The Orders table has no order {order_id}, but the dead-letter queue of "
                    f"{' and '.join(keys)} has its event: "
                    + command(stack, f'dlq ARGS="--order {order_id}"')
                )
    return WorkshopError(f"There is no order {order_id}.")

"""What must hold at the end of exercise 04.2."""

import pytest

from tests.fixtures.events import delivered, example

STEPS = [
    ("payment_service", "payments", "charge", ("OrderCreated", ""), "PaymentProcessed"),
    (
        "shipping_service",
        "shipments",
        "prepare",
        ("InventoryUpdated", "reserved"),
        "ShipmentPrepared",
    ),
]


@pytest.fixture(params=STEPS, ids=["payment", "shipping"])
def step(request, load_handler, context):
    """A consumer, the event that it gets, and what it publishes."""
    package, table, entry, (event_type, kind), outcome = request.param
    handler = getattr(load_handler(package, table), entry)
    return lambda: handler(delivered(example(event_type, kind)), context), outcome


def test_a_crash_before_the_publish_is_made_good(step, bus):
    """What a function wrote and could not tell, its next run tells"""
    run, outcome = step
    bus.crash = SystemExit("killed")
    with pytest.raises(SystemExit):
        run()
    bus.crash = None
    run()
    assert [each["DetailType"] for each in bus.entries] == [outcome], (
        f"The function died after its write. Its next run found the work done and told nobody: "
        f"{outcome} is missing, and the order stands still for ever."
    )


def test_an_order_that_is_announced_again_is_healed(step, bus):
    """An event that got lost behind this step comes again when the step is asked again"""
    run, outcome = step
    run()
    bus.entries.clear()
    run()
    assert [each["DetailType"] for each in bus.entries] == [outcome], (
        f"{outcome} got lost on the bus. The step was asked again, and kept it to itself."
    )


def test_the_event_is_the_same_one(step, bus):
    """What is published again is what was stored, to the last letter"""
    run, _ = step
    run()
    run()
    assert len({each["Detail"] for each in bus.entries}) <= 1, (
        "The same step has told two different stories of one order."
    )

"""What must hold at the end of exercise 04.2."""

import pytest
from payment_service import app as payment
from shipping_service import app as shipping

from tests.fixtures.events import delivered, example

STEPS = {
    "payment": (payment.build, "payments", ("OrderCreated", ""), "PaymentProcessed"),
    "shipping": (shipping.build, "shipments", ("InventoryUpdated", "reserved"), "ShipmentPrepared"),
}


@pytest.fixture(params=STEPS)
def step(request, environment, dynamodb, bus, context):
    """Return a run of a consumer, and the type of the event that it publishes."""
    build, table, (event_type, kind), outcome = STEPS[request.param]
    app = build(environment(table), dynamodb=dynamodb, events=bus)
    entry = app.charge if request.param == "payment" else app.prepare
    return lambda: entry(delivered(example(event_type, kind)), context), outcome


def test_a_crash_before_the_publish_is_made_good(step, bus):
    """After a crash before the publish, the next run publishes"""
    run, outcome = step
    bus.crash = SystemExit("killed")
    with pytest.raises(SystemExit):
        run()
    bus.crash = None
    run()
    assert [each["DetailType"] for each in bus.entries] == [outcome], (
        f"The function died after its write. Its next run found the stored outcome and published "
        f"nothing. {outcome} is missing, and the order is stalled for ever."
    )


def test_a_step_that_runs_again_publishes_again(step, bus):
    """A step that runs again publishes its event again"""
    run, outcome = step
    run()
    bus.entries.clear()
    run()
    assert [each["DetailType"] for each in bus.entries] == [outcome], (
        f"{outcome} was lost on the bus. The step ran again, but did not publish it again."
    )


def test_the_event_is_the_same_one(step, bus):
    """The event that is published again is exactly the stored one"""
    run, _ = step
    run()
    run()
    assert len({each["Detail"] for each in bus.entries}) <= 1, (
        "The same step published two different events about one order."
    )

"""The payment functions: event in, table and event out."""

import json

import pytest
from payment_service.app import build
from payment_service.gateway import GatewayUnavailableError

from orderflow import contract
from orderflow.errors import InvalidEventError, PublishError
from tests.fixtures.events import delivered, example


@pytest.fixture
def app(environment, dynamodb, bus):
    return build(environment("payments"), dynamodb=dynamodb, events=bus)


def created(token="tok_approved"):
    event = example("OrderCreated")
    event.part("payment_method")["token"] = token
    return event


def test_an_order_in_a_payment_out(app, bus, rows, context):
    """One OrderCreated makes one row and one PaymentProcessed that keeps the contract."""
    app.charge(delivered(created()), context)
    (row,) = rows("payments")
    assert (row["status"], row["amount"], row["attempts"]) == ("SUCCEEDED", 13700, 1)
    (entry,) = bus.entries
    assert (entry["Source"], entry["DetailType"]) == ("orderflow.payment", "PaymentProcessed")
    detail = json.loads(entry["Detail"])
    contract.parse(
        {"detail-type": entry["DetailType"], "source": entry["Source"], "detail": detail}
    )
    assert detail["metadata"]["causation_id"] == "example-1/order-created"


def test_a_refund_out(app, bus, rows, context):
    """A stock-out of a paid order makes its payment refunded."""
    app.charge(delivered(created()), context)
    app.refund(delivered(example("InventoryUpdated", "out-of-stock")), context)
    assert rows("payments")[0]["status"] == "REFUNDED"
    assert json.loads(bus.entries[-1]["Detail"])["data"]["payment"]["status"] == "REFUNDED"


def test_a_crash_between_write_and_publish_is_repaired(app, bus, rows, context):
    """Written, then killed: the retry publishes the outcome that was stored."""
    bus.crash = SystemExit("killed")
    with pytest.raises(SystemExit):
        app.charge(delivered(created()), context)
    assert rows("payments")[0]["status"] == "SUCCEEDED"
    bus.crash = None
    app.charge(delivered(created()), context)
    stored = rows("payments")[0]["outcome"]
    assert [entry["Detail"] for entry in bus.entries] == [stored]


def test_a_bus_that_refuses_is_asked_again(app, bus, context):
    """PutEvents answers 200 and takes nothing: the entry is sent again."""
    bus.refusals = 2
    app.charge(delivered(created()), context)
    assert len(bus.entries) == 1


def test_a_bus_that_keeps_refusing_is_an_error(app, bus, context):
    """After three refusals the function fails, so that Lambda tries the event again."""
    bus.refusals = 3
    with pytest.raises(PublishError):
        app.charge(delivered(created()), context)


def test_an_unavailable_gateway_is_an_error(app, bus, rows, context):
    """Lambda retries it; until then the row says that a charge is under way."""
    with pytest.raises(GatewayUnavailableError):
        app.charge(delivered(created("tok_unavailable")), context)
    assert rows("payments")[0]["status"] == "PENDING"
    assert bus.entries == []


def test_the_gateway_can_be_switched_off(environment, dynamodb, context):
    """GATEWAY_AVAILABLE=false makes every charge fail, whatever the token."""
    app = build(environment("payments", GATEWAY_AVAILABLE="false"), dynamodb=dynamodb)
    with pytest.raises(GatewayUnavailableError):
        app.charge(delivered(created()), context)


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        "text",
        {},
        {"detail-type": "OrderCreated"},
        {"detail-type": "OrderCreated", "source": "somebody.else", "detail": {}},
        {"detail-type": ["OrderCreated"], "source": "orderflow.order", "detail": {}},
        {"detail-type": "OrderCreated", "source": "orderflow.order"},
        {"detail-type": "OrderCreated", "source": "orderflow.order", "detail": {"metadata": 3}},
    ],
)
def test_what_is_no_event_is_refused(app, bus, rows, context, broken):
    """A broken event raises with its reason; nothing is written or published."""
    with pytest.raises(InvalidEventError):
        app.charge(broken, context)
    assert (rows("payments"), bus.entries) == ([], [])

"""What the payment service decides."""

import pytest
from payment_service import gateway as payment_gateway
from payment_service import service
from payment_service.gateway import ChargeRequest, GatewayUnavailableError, SimulatedGateway

from orderflow import contract
from orderflow.event import Event
from tests.fixtures.events import NOW, example, identity


class CountingGateway(SimulatedGateway):
    """Counts the charges that differ: what a customer would be charged. Keeps the requests."""

    def __init__(self, **options):
        super().__init__(sleep=lambda _: None, **options)
        self.charged = set()
        self.refunded = set()
        self.requests = []

    def charge(self, request):
        self.requests.append(request)
        result = super().charge(request)
        if result.charge_id:
            self.charged.add(result.charge_id)
        return result

    def refund(self, reference, *, idempotency_key):
        self.requests.append((reference, idempotency_key))
        charge_id = super().refund(reference, idempotency_key=idempotency_key)
        self.refunded.add(charge_id)
        return charge_id


def created(token="tok_approved") -> Event:
    event = example("OrderCreated")
    event.part("payment_method")["token"] = token
    return event


def out_of_stock() -> Event:
    return example("InventoryUpdated", "out-of-stock")


@pytest.fixture
def gateway():
    return CountingGateway()


def charge(event, store, gateway, clock):
    return service.charge(event, store=store, gateway=gateway, clock=clock)


def refund(event, store, gateway, clock):
    return service.refund(event, store=store, gateway=gateway, clock=clock)


@pytest.mark.parametrize(
    ("token", "status", "reason"),
    [
        ("tok_approved", "SUCCEEDED", None),
        ("tok_slow", "SUCCEEDED", None),
        ("tok_declined", "DECLINED", "declined by the bank"),
        ("tok_insufficient_funds", "DECLINED", "insufficient funds"),
        ("tok_no_such_thing", "DECLINED", "unknown payment method"),
    ],
)
def test_every_token_has_its_ending(token, status, reason, memory_store, gateway, clock):
    """The payment method's token alone decides how a payment ends."""
    event = charge(created(token), memory_store, gateway, clock).event
    payment = event.part("payment")
    assert (payment["status"], payment.get("reason")) == (status, reason)
    step = f"example-1/payment-{status.lower()}"
    assert identity(event) == ("PaymentProcessed", step, "example-1/order-created", NOW)
    contract.validate(event)


def test_every_try_asks_for_the_same_charge(memory_store, gateway, clock):
    """The gateway recognises a repeated request by its key; only the count of tries changes."""
    token = "tok_unavailable_twice"
    for _ in range(2):
        with pytest.raises(GatewayUnavailableError):
            charge(created(token), memory_store, gateway, clock)
    charge(created(token), memory_store, gateway, clock)
    assert gateway.requests == [
        ChargeRequest("example-1", "charge/example-1", token, 13700, "EUR", attempt)
        for attempt in (1, 2, 3)
    ]


def test_refund_has_a_key_of_its_order(memory_store, gateway, clock):
    charge(created(), memory_store, gateway, clock)
    refund(out_of_stock(), memory_store, gateway, clock)
    assert gateway.requests[1] == ("example-1", "refund/example-1")


def test_intents_have_the_time_at_which_they_are_written(memory_store, gateway, monkeypatch):
    written, record_intent = [], memory_store.record_intent

    def recording(order, intent, at):
        written.append((intent, at))
        return record_intent(order, intent, at)

    monkeypatch.setattr(memory_store, "record_intent", recording)
    charge(created(), memory_store, gateway, lambda: "2026-01-01T00:00:00.000Z")
    refund(out_of_stock(), memory_store, gateway, lambda: "2026-01-02T00:00:00.000Z")
    assert written == [
        ("PENDING", "2026-01-01T00:00:00.000Z"),
        ("REFUND_PENDING", "2026-01-02T00:00:00.000Z"),
    ]


def test_an_unavailable_gateway_recovers_on_the_third_try(memory_store, gateway, clock):
    """Two tries fail, the third one charges."""
    event = created("tok_unavailable_twice")
    for _ in range(2):
        with pytest.raises(GatewayUnavailableError):
            charge(event, memory_store, gateway, clock)
    assert charge(event, memory_store, gateway, clock).event.part("payment")["status"] == (
        "SUCCEEDED"
    )
    assert len(gateway.charged) == 1


def test_a_gateway_that_is_down_stays_down(memory_store, clock):
    """With the gateway switched off nothing is charged and nothing is decided."""
    for _ in range(4):
        with pytest.raises(GatewayUnavailableError):
            charge(created(), memory_store, CountingGateway(available=False), clock)
    gateway = CountingGateway()
    assert not charge(created(), memory_store, gateway, clock).repeated
    assert len(gateway.charged) == 1


def test_a_repeated_order_is_charged_once(store, gateway, clock):
    """The second OrderCreated finds the stored outcome, to be published again as it was."""
    first = charge(created(), store, gateway, clock)
    second = charge(created(), store, gateway, lambda: "2027-01-01T00:00:00.000Z")
    assert (first.repeated, second.repeated) == (False, True)
    assert second.event == first.event
    assert len(gateway.charged) == 1


def test_a_crash_after_the_gateway_charges_once(store, gateway, clock, monkeypatch):
    """Charged, then dead before the outcome was written: the next try meets the same charge."""
    with monkeypatch.context() as patched:
        patched.setattr(store, "settle", lambda _: (_ for _ in ()).throw(MemoryError))
        with pytest.raises(MemoryError):
            charge(created(), store, gateway, clock)
    assert charge(created(), store, gateway, clock).event.part("payment")["status"] == "SUCCEEDED"
    assert len(gateway.charged) == 1


def test_two_at_once_agree_on_one_outcome(store, gateway, clock):
    """Both wrote the intent; the one that settles second is given the first one's outcome."""
    order = created().order
    store.record_intent(order, "PENDING", clock())
    winner = charge(created(), store, gateway, clock)
    loser = store.settle(
        Event(
            "PaymentProcessed",
            example("PaymentProcessed", "declined").detail,
        )
    )
    assert loser.repeated
    assert loser.event == winner.event


def test_nothing_is_settled_that_was_never_intended(store):
    """Without its intent an outcome is not written, and nothing is said to be stored."""
    with pytest.raises(service.PaymentInProgressError):
        store.settle(example("PaymentProcessed", "succeeded"))


def test_another_order_under_the_same_id_is_not_charged(store, gateway, clock):
    """The first one's intent stays; a total that changed in between is an error, not a charge."""
    store.record_intent(created().order, "PENDING", clock())
    forged = created()
    forged.order["total"] = 1
    with pytest.raises(service.ConflictingOrderError, match="example-1"):
        charge(forged, store, gateway, clock)
    assert not gateway.charged


def test_a_refund_gives_back_what_was_charged(store, gateway, clock):
    """Whatever total the stock-out names: the row's own amount is refunded."""
    charge(created(), store, gateway, clock)
    forged = out_of_stock()
    forged.order["total"] = 99_999_999
    assert refund(forged, store, gateway, clock).event.part("payment")["amount"] == 13700


def test_refund_names_the_stock_out_as_its_cause(store, gateway, clock):
    charge(created(), store, gateway, clock)
    event = refund(out_of_stock(), store, gateway, clock).event
    expected = ("PaymentProcessed", "example-1/payment-refunded", "example-1/out-of-stock", NOW)
    assert identity(event) == expected
    contract.validate(event)


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        (["KEYBOARD"], "KEYBOARD"),
        (["KEYBOARD", "MOUSE"], "KEYBOARD, MOUSE"),
        (None, ""),
        ([f"SKU-{n:02}" for n in range(60)], ", ".join(f"SKU-{n:02}" for n in range(60))),
    ],
    ids=["one", "two", "none named", "too many"],
)
def test_refund_names_the_missing_skus(missing, named, memory_store, gateway, clock):
    """As many as fit into the contract's 200 characters."""
    event = out_of_stock()
    del event.part("inventory")["missing_skus"]
    if missing:
        event.part("inventory")["missing_skus"] = missing
    payment = refund(event, memory_store, gateway, clock).event.part("payment")
    assert payment["reason"] == f"out of stock: {named}"[:200]


def test_money_goes_back_once(store, gateway, clock):
    """A stock-out refunds the charge; a second one publishes the same refund."""
    charged = charge(created(), store, gateway, clock).event.part("payment")
    first = refund(out_of_stock(), store, gateway, clock)
    second = refund(out_of_stock(), store, gateway, clock)
    assert first.event.part("payment")["status"] == "REFUNDED"
    assert first.event.part("payment")["charge_id"] == charged["charge_id"]
    assert second == type(first)(first.event, repeated=True)
    assert gateway.refunded == gateway.charged


def test_an_order_created_after_a_refund_publishes_the_refund(store, gateway, clock):
    """Sending OrderCreated again heals what comes after it: the last outcome is published."""
    charge(created(), store, gateway, clock)
    refunded = refund(out_of_stock(), store, gateway, clock)
    assert charge(created(), store, gateway, clock).event == refunded.event


def test_a_refund_of_an_unknown_order_is_made_from_the_event(store, gateway, clock):
    """Events are self-sufficient: a stock-out put on the bus manually is refunded too."""
    assert refund(out_of_stock(), store, gateway, clock).event.part("payment")["status"] == (
        "REFUNDED"
    )


def test_a_declined_payment_is_not_refunded(store, gateway, clock):
    """There is nothing to give back, and trying again will not help."""
    charge(created("tok_declined"), store, gateway, clock)
    with pytest.raises(service.RefundImpossibleError, match="example-1"):
        refund(out_of_stock(), store, gateway, clock)
    assert not gateway.refunded


def test_a_refund_waits_for_the_charge(store, gateway, clock):
    """While the charge is undecided a refund is tried again later."""
    with pytest.raises(GatewayUnavailableError):
        charge(created("tok_unavailable"), store, gateway, clock)
    with pytest.raises(service.PaymentInProgressError, match="example-1"):
        refund(out_of_stock(), store, gateway, clock)


def test_a_charge_waits_for_a_refund_that_is_not_settled(store, gateway, clock):
    """A stock-out put on the bus manually came first: nothing is charged while it is refunded."""
    with pytest.raises(GatewayUnavailableError):
        refund(out_of_stock(), store, CountingGateway(available=False), clock)
    with pytest.raises(service.PaymentInProgressError, match="REFUND_PENDING"):
        charge(created(), store, gateway, clock)
    assert not gateway.charged


def test_a_crash_between_refund_and_its_outcome_refunds_once(store, gateway, clock):
    """A refund that was intended but not settled is asked for again with the same key."""
    charge(created(), store, gateway, clock)
    store.record_intent(out_of_stock().order, "REFUND_PENDING", clock())
    refund(out_of_stock(), store, gateway, clock)
    assert len(gateway.refunded) == 1


def test_the_payment_token_stays_behind(memory_store, gateway, clock):
    """The token travels in OrderCreated alone."""
    assert "tok_" not in charge(created(), memory_store, gateway, clock).event.to_json()


def test_the_slow_gateway_is_slow():
    """`tok_slow` takes two seconds, which its sleep function gets."""
    slept = []
    request = payment_gateway.ChargeRequest("order", "key", payment_gateway.SLOW, 1, "EUR", 1)
    SimulatedGateway(sleep=slept.append).charge(request)
    assert slept == [payment_gateway.SLOW_SECONDS]

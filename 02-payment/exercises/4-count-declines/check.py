"""The checks of exercise 02.4."""

import json

import pytest
from payment_service import declines

from tests.fixtures.events import delivered, example
from workshop.event_patterns import InvalidPatternError, matches
from workshop.paths import in_stages

TABLE = "orderflow-declines"
REQUESTS = ("put_", "update_", "transact_", "get_", "batch_", "delete_", "query", "scan")
WRITES = ("put_", "update_", "transact_", "batch_")


class Before:
    """DynamoDB, where something happens before a request of a kind."""

    def __init__(self, dynamodb, kind, happen):
        self._dynamodb, self._kind, self._happen = dynamodb, kind, happen

    def __getattr__(self, name):
        method = getattr(self._dynamodb, name)
        if not name.startswith(self._kind):
            return method

        def request(**parameters):
            self._happen(name)
            return method(**parameters)

        return request


@pytest.fixture
def count(dynamodb, context):
    """Deliver a declined payment; DynamoDB is another one, if given."""
    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )

    def deliver(order_id, reason="insufficient funds", through=dynamodb):
        event = example("PaymentProcessed", "declined", order_id=order_id)
        event.part("payment")["reason"] = reason
        counter = declines.build({"TABLE_NAME": TABLE}, dynamodb=through)
        counter.count(delivered(event), context)

    return deliver


@pytest.fixture
def total(dynamodb):
    """Return the number of a reason in the table."""

    def read(reason="insufficient funds"):
        key = {"id": {"S": f"reason/{reason}"}}
        item = dynamodb.get_item(TableName=TABLE, Key=key).get("Item", {})
        return int(item.get("declines", {}).get("N", 0))

    return read


def again(count):
    """Deliver the same event again."""
    try:
        count("order-1")
    except Exception as error:  # noqa: BLE001 - whatever the learner's code raises
        pytest.fail(
            f"Lambda delivered the event, and the function raised {error!r}. It would run "
            "twice more for nothing, and the event would count as failed."
        )


def received(event_type, kind=""):
    """Return whether the function receives an event."""
    (path,) = in_stages("terraform/patterns/declines.json") or [None]
    if path is None:
        pytest.fail("There is no patterns/declines.json: start the exercise.", pytrace=False)
    text = path.read_text("utf-8")
    try:
        json.loads(text)
        return matches(text, delivered(example(event_type, kind)))
    except InvalidPatternError as error:
        pytest.fail(f"EventBridge refuses this pattern: {error}", pytrace=False)
    except ValueError as error:
        pytest.fail(f"declines.json is not valid JSON: {error}", pytrace=False)


def test_the_function_receives_declined_payments():
    """The function receives a declined payment"""
    assert received("PaymentProcessed", "declined"), (
        "A card was declined, but the rule does not deliver this event."
    )


@pytest.mark.parametrize(
    ("event_type", "kind"),
    [
        ("PaymentProcessed", "succeeded"),
        ("PaymentProcessed", "refunded"),
        ("OrderCreated", ""),
        ("InventoryUpdated", "out-of-stock"),
    ],
)
def test_the_function_receives_nothing_else(event_type, kind):
    """The function receives no other event"""
    assert not received(event_type, kind), (
        f"The rule also delivers {event_type} {kind}".rstrip()
        + ". Such an event has no reason of a decline, and each delivery costs money."
    )


def test_each_order_is_counted_for_its_reason(count, total):
    """Each declined order is counted, for its own reason"""
    count("order-1")
    assert total() == 1, f"One card was declined, and the table counts {total()}."
    count("order-2")
    count("order-3", "declined by the bank")
    assert (total(), total("declined by the bank")) == (2, 1), (
        "Two cards had insufficient funds and one was declined by the bank, but the table counts "
        f"{total()} and {total('declined by the bank')}."
    )


def test_an_event_that_comes_again_counts_once(count, total):
    """An event that comes three times counts once"""
    for _ in range(3):
        again(count)
    assert total() == 1, f"The same event came three times, and the table counts {total()}."


@pytest.mark.parametrize("requests", [0, 1, 2])
def test_a_crash_neither_loses_nor_doubles_a_count(count, total, dynamodb, requests):
    """If the function dies after some requests, the next run counts the order once"""
    made = []

    def die(name):
        if len(made) == requests:
            raise SystemExit("killed")
        made.append(name)

    try:
        count("order-1", through=Before(dynamodb, REQUESTS, die))
    except SystemExit:
        again(count)  # Lambda runs it again
    assert total() == 1, (
        f"The function died after {requests} of its requests to DynamoDB and ran again: the table "
        f"counts {total()} for one order."
    )


def test_two_runs_at_once_count_once(count, total, dynamodb):
    """Two runs for the same event at the same moment count once"""
    others = [count]

    def rival(_):
        if others:
            others.pop()("order-1")

    try:
        count("order-1", through=Before(dynamodb, WRITES, rival))
    except Exception:  # noqa: BLE001 - Lambda tries again after any error
        again(count)
    assert total() == 1, (
        "The event came twice at the same moment. Both runs found that it was not counted, and the "
        f"table counts {total()}."
    )


def test_a_refused_request_is_no_duplicate(count, total, dynamodb):
    """If DynamoDB refuses a request for another reason, the order is counted later"""
    refusals = ["the first"]

    def refuse(name):
        if not refusals:
            return
        refusals.pop()
        error = {"Error": {"Code": "ProvisionedThroughputExceededException", "Message": "busy"}}
        kind = dynamodb.exceptions.ProvisionedThroughputExceededException
        if name == "transact_write_items":
            reasons = [{"Code": "TransactionConflict"}, {"Code": "TransactionConflict"}]
            error = {
                "Error": {"Code": "TransactionCanceledException", "Message": "cancelled"},
                "CancellationReasons": reasons,
            }
            kind = dynamodb.exceptions.TransactionCanceledException
        raise kind(error, "Write")

    try:
        count("order-1", through=Before(dynamodb, WRITES, refuse))
    except Exception:  # noqa: BLE001 - Lambda tries again after any error
        again(count)
    assert total() == 1, (
        "DynamoDB was busy and refused a write. The function reported success, but the table "
        f"counts {total()}."
    )

"""Reading a dead letter: both formats, and whatever else may lie in a queue."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recovery.redrive.dead_letter import (
    DEEPEST,
    FAILED,
    LONGEST_REASON,
    UNDELIVERED,
    UNPROCESSED,
    read,
)

from tests.fixtures.events import delivered, example

EVENT = delivered(example("OrderCreated", order_id="order-1"))
PAYMENT = "arn:aws:lambda:us-east-1:000000000000:function:orderflow-payment"
SENT = datetime(2026, 1, 15, 10, 5, 0, 250_000, UTC)


def message(body, **changes):
    return {
        "MessageId": "5a1f0c9e-0000-4000-8000-000000000000",
        "ReceiptHandle": "receipt",
        "Body": body if isinstance(body, str) else json.dumps(body),
        "Attributes": {"SentTimestamp": str(int(SENT.timestamp() * 1000))},
        **changes,
    }


def failed(body):
    return read(message(body), consumer="payment", queue=FAILED, function_arn=PAYMENT)


def undelivered(body, attributes):
    return read(
        message(body, MessageAttributes=attributes),
        consumer="payment",
        queue=UNDELIVERED,
        function_arn=PAYMENT,
    )


def unprocessed(body, source="orderflow-payment-buffer"):
    found = message(body)
    arn = f"arn:aws:sqs:us-east-1:000000000000:{source}"
    found["Attributes"] |= {"DeadLetterQueueSourceArn": arn} if source else {}
    return read(found, consumer="payment", queue=UNPROCESSED, function_arn=PAYMENT)


def test_the_record_of_a_function_that_failed(formats):
    """Lambda's record: the event as it was, the handler's error, and how often it ran."""
    dead_letter = failed(formats.on_failure(EVENT))
    assert dead_letter.event == EVENT
    assert dead_letter.unrecognised is None
    assert (dead_letter.order_id, dead_letter.event_id) == ("order-1", "order-1/order-created")
    assert (dead_letter.event_type, dead_letter.step) == ("OrderCreated", "order-created")
    assert (dead_letter.error, dead_letter.attempts) == ("GatewayUnavailableError", 3)
    assert dead_letter.reason == "the gateway does not answer"
    assert (dead_letter.consumer, dead_letter.queue, dead_letter.sent_at) == (
        "payment",
        "failed",
        SENT,
    )
    assert dead_letter.message_id == "5a1f0c9e-0000-4000-8000-000000000000"


def test_an_event_that_was_not_delivered(formats):
    """EventBridge's format: the body is the event, its attributes say why."""
    dead_letter = undelivered(EVENT, formats.target_attributes())
    assert dead_letter.event == EVENT
    assert (dead_letter.order_id, dead_letter.step) == ("order-1", "order-created")
    assert (dead_letter.error, dead_letter.attempts) == ("NO_PERMISSIONS", 1)
    assert dead_letter.reason == "not authorized to perform lambda:InvokeFunction"
    assert dead_letter.attributes["ERROR_CODE"] == "NO_PERMISSIONS"


@pytest.mark.parametrize("source", ["orderflow-payment-buffer", ""])
def test_an_event_that_a_buffer_gave_up(source):
    """SQS's format: the body is the event; the reason is in the function's log only."""
    dead_letter = unprocessed(EVENT, source)
    assert dead_letter.event == EVENT
    assert (dead_letter.order_id, dead_letter.step) == ("order-1", "order-created")
    assert (dead_letter.error, dead_letter.attempts) == ("MaxReceiveCount", 0)
    assert "log" in dead_letter.reason


@pytest.mark.parametrize(
    ("body", "source"),
    [
        (EVENT, "orderflow-shipping-buffer"),
        ("{", "orderflow-payment-buffer"),
        ({"order": 1}, "orderflow-payment-buffer"),
    ],
)
def test_what_a_buffer_should_not_hold_is_left_alone(body, source):
    dead_letter = unprocessed(body, source)
    assert dead_letter.unrecognised
    assert dead_letter.event is None


BUFFER = "arn:aws:sqs:us-east-1:000000000000:orderflow-payment-buffer"


def test_event_that_did_not_reach_the_buffer_is_read(formats):
    """The target of the rule is the buffer, not the function."""
    dead_letter = undelivered(EVENT, formats.target_attributes(TARGET_ARN=BUFFER))
    assert (dead_letter.event, dead_letter.unrecognised) == (EVENT, None)


@pytest.mark.parametrize(
    ("old", "new"),
    [("payment", "shipping"), ("us-east-1", "eu-west-1"), ("000000000000", "111111111111")],
)
def test_event_for_a_buffer_elsewhere_is_foreign(formats, old, new):
    """Another function's, region's or account's."""
    attributes = formats.target_attributes(TARGET_ARN=BUFFER.replace(old, new))
    message = undelivered(EVENT, attributes)
    assert message.unrecognised.startswith("an event for another target")


def test_retries_of_the_delivery_are_counted(formats):
    """Tried once and 185 times again; where AWS gives no words, the limit that was reached."""
    attributes = formats.target_attributes(
        ERROR_CODE="THROTTLING",
        ERROR_MESSAGE="",
        RETRY_ATTEMPTS="185",
        EXHAUSTED_RETRY_CONDITION="MaximumRetryAttempts",
    )
    dead_letter = undelivered(EVENT, attributes)
    assert (dead_letter.error, dead_letter.reason, dead_letter.attempts) == (
        "THROTTLING",
        "MaximumRetryAttempts",
        186,
    )


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ("ZeroReservedConcurrency", "reserved concurrency is 0"),
        ("EventAgeExceeded", "too old"),
        ("RetriesExhausted", "every try failed"),
    ],
)
@pytest.mark.parametrize("answer", [{"responsePayload": None}, {}])
def test_a_function_that_gave_no_answer(formats, condition, reason, answer):
    """It never ran, or AWS reports no more: the condition is the error, in words."""
    record = formats.on_failure(EVENT)
    del record["responsePayload"]
    record |= answer
    record["requestContext"] |= {"condition": condition, "approximateInvokeCount": 0}
    dead_letter = failed(record)
    assert (dead_letter.error, dead_letter.attempts) == (condition, 0)
    assert reason in dead_letter.reason


@pytest.mark.parametrize(
    ("error", "text"),
    [
        ("Sandbox.Timedout", "RequestId: 1 Error: Task timed out after 25.00 seconds"),
        ("Runtime.ExitError", "RequestId: 1 Error: Runtime exited without providing a reason"),
    ],
)
def test_a_function_that_died_keeps_its_error(formats, error, text):
    """Out of time, or gone without a word: Lambda's own name for it."""
    payload = {"errorType": error, "errorMessage": text}
    dead_letter = failed(formats.on_failure(EVENT, responsePayload=payload))
    assert (dead_letter.error, dead_letter.reason) == (error, text)


@pytest.mark.parametrize("qualifier", ["", ":$LATEST", ":live", ":7"])
def test_the_function_is_known_with_and_without_a_version(formats, qualifier):
    """A record names it with, a target may name it without."""
    record = formats.on_failure(EVENT)
    arn = "arn:aws:lambda:us-east-1:000000000000:function:orderflow-payment" + qualifier
    record["requestContext"]["functionArn"] = arn
    assert failed(record).unrecognised is None
    assert undelivered(EVENT, formats.target_attributes(TARGET_ARN=arn)).unrecognised is None


def test_a_broken_event_shows_what_it_has(formats):
    """An order's id from the order, if there are no metadata; the event's type, if no step."""
    event = {"detail-type": "OrderCreated", "detail": {"data": {"order": {"order_id": "order-1"}}}}
    dead_letter = failed(formats.on_failure(event))
    assert (dead_letter.order_id, dead_letter.event_id, dead_letter.step) == (
        "order-1",
        None,
        "OrderCreated",
    )
    dead_letter = failed(formats.on_failure({"detail": "text"}))
    assert (dead_letter.order_id, dead_letter.step, dead_letter.unrecognised) == (None, "?", None)
    assert dead_letter.event == {"detail": "text"}


ELSEWHERE = [
    "arn:aws:lambda:us-east-1:123456789012:function:orderflow-payment",
    "arn:aws:lambda:eu-west-1:000000000000:function:orderflow-payment",
    "arn:aws-cn:lambda:us-east-1:000000000000:function:orderflow-payment",
    "arn:aws:lambda:us-east-1:000000000000:layer:orderflow-payment",
    "orderflow-payment",
]


@pytest.mark.parametrize("arn", ELSEWHERE)
@pytest.mark.parametrize("qualifier", ["", ":live"])
def test_a_function_of_this_name_elsewhere_is_foreign(formats, arn, qualifier):
    """Another account's, region's or partition's: its record would be invoked here."""
    record = formats.on_failure(EVENT)
    record["requestContext"]["functionArn"] = arn + qualifier
    assert failed(record).unrecognised.startswith("the record of another function")
    message = undelivered(EVENT, formats.target_attributes(TARGET_ARN=arn + qualifier))
    assert message.unrecognised.startswith("an event for another target")


ANOTHER = "arn:aws:lambda:us-east-1:000000000000:function:orderflow-payment-refund"


def foreign_messages(formats):
    record, attributes = formats.on_failure(EVENT), formats.target_attributes
    context = record["requestContext"]
    without = attributes()
    del without["RULE_ARN"]
    return {
        "another function": (
            FAILED,
            {**record, "requestContext": context | {"functionArn": ANOTHER}},
            {},
        ),
        "no function": (FAILED, {**record, "requestContext": {}}, {}),
        "no event in it": (FAILED, {**record, "requestPayload": "ada@example.org"}, {}),
        "no event": (FAILED, {"requestContext": context}, {}),
        "a bare event": (FAILED, EVENT, {}),
        "a list": (FAILED, [EVENT], {}),
        "no JSON": (FAILED, "ada@example.org", {}),
        "no attributes": (UNDELIVERED, EVENT, {}),
        "no rule": (UNDELIVERED, EVENT, without),
        "another target": (UNDELIVERED, EVENT, attributes(TARGET_ARN=ANOTHER)),
        "a queue as target": (
            UNDELIVERED,
            EVENT,
            attributes(TARGET_ARN="arn:aws:sqs:us-east-1:000000000000:orderflow-payment"),
        ),
        "a record": (UNDELIVERED, record, {}),
        "not a number": (UNDELIVERED, '{"detail": NaN}', attributes()),
        "infinity": (UNDELIVERED, '{"detail": 1e999}', attributes()),
        "depth": (UNDELIVERED, '{"detail": ' * 200 + "1" + "}" * 200, attributes()),
        "great depth": (UNDELIVERED, '{"detail": ' * 90_000 + "1" + "}" * 90_000, attributes()),
        "endless digits": (UNDELIVERED, '{"detail": ' + "1" * 10_000 + "}", attributes()),
    }


def test_an_unrecognised_message_is_never_quoted(formats):
    """Why, and its size: no word of what is in it, and no event that could be sent on."""
    for name, (queue, body, attributes) in foreign_messages(formats).items():
        dead_letter = read(
            message(body, MessageAttributes=attributes),
            consumer="payment",
            queue=queue,
            function_arn=PAYMENT,
        )
        assert dead_letter.unrecognised, name
        size = f"({len(dead_letter.body.encode()):,} bytes)"
        assert dead_letter.unrecognised.endswith(size), name
        assert dead_letter.event is None, name
        public = replace(dead_letter, body="", attributes={})
        assert "ada@example.org" not in repr(public), name


def test_what_a_terminal_would_obey_is_left_out(formats):
    """A reason is one short line; an id that is none is not shown."""
    payload = {
        "errorType": "\x1b[31mRed\nError",
        "errorMessage": "two\nlines \x07\ud800" + "x" * 9999,
    }
    event = delivered(example("OrderCreated"))
    event["detail"]["metadata"] |= {"correlation_id": "\x1b[2J", "event_id": "a b"}
    event["detail"]["data"]["order"]["order_id"] = "ada@example.org"
    event["detail-type"] = "Order\nCreated"
    dead_letter = failed(formats.on_failure(event, responsePayload=payload))
    assert dead_letter.error == "[31mRed Error"
    assert dead_letter.reason.startswith("two lines xxx")
    assert len(dead_letter.reason) == LONGEST_REASON
    assert (dead_letter.order_id, dead_letter.event_id, dead_letter.event_type) == (
        None,
        None,
        None,
    )
    assert dead_letter.step == "?"


def test_a_half_character_is_no_obstacle(formats):
    """Text that is no valid Unicode is read, measured and sent on as it came."""
    dead_letter = failed(formats.on_failure({"detail": "\ud800"}))
    assert json.loads(json.dumps(dead_letter.event)) == {"detail": "\ud800"}
    assert failed("\ud800").unrecognised == "no JSON object that can be read (3 bytes)"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KNOWN = (
    st.sampled_from(["requestContext", "requestPayload", "responsePayload", "functionArn"])
    | st.sampled_from(["condition", "approximateInvokeCount", "errorType", "errorMessage"])
    | st.sampled_from(["detail", "metadata", "data", "order", "order_id", "event_id"])
)
ODD = st.recursive(
    JSON | st.just("arn:aws:lambda:us-east-1:000000000000:function:orderflow-payment"),
    lambda inner: st.dictionaries(KNOWN, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=400, deadline=None)
@given(
    body=ODD.map(json.dumps) | st.text() | JSON,
    attributes=JSON | st.dictionaries(st.sampled_from(["RULE_ARN", "TARGET_ARN"]), JSON),
    system=JSON | st.fixed_dictionaries({"SentTimestamp": JSON | st.text()}),
    queue=st.sampled_from([FAILED, UNDELIVERED]),
)
def test_nothing_that_lies_in_a_queue_stops_the_listing(body, attributes, system, queue):
    """Whatever it holds, it is ours with an event to send on, or unrecognised without one."""
    found = {"MessageId": "1", "Body": body, "MessageAttributes": attributes, "Attributes": system}
    message = read(found, consumer="payment", queue=queue, function_arn=PAYMENT)
    assert (message.event is None) == (message.unrecognised is not None)
    assert isinstance(message.step, str)
    assert message.sent_at.tzinfo is UTC
    assert message.attempts >= 0
    assert message.error


@settings(max_examples=400, deadline=None)
@given(strange=ODD, place=st.sampled_from(["requestContext", "requestPayload", "responsePayload"]))
def test_a_record_with_one_strange_part_is_read(formats, strange, place):
    """Each part of Lambda's record may be anything."""
    record = formats.on_failure(EVENT) | {place: strange}
    dead_letter = failed(record)
    assert (dead_letter.event is None) == (dead_letter.unrecognised is not None)


FINITE = st.floats(allow_nan=False, allow_infinity=False)
NUMBERS = st.integers() | FINITE | st.sampled_from(["1.0", "1e2", "-0", "0.1", "1.10"]).map(float)


@settings(deadline=None)
@given(numbers=st.lists(NUMBERS))
def test_numbers_reach_the_consumer_as_they_were(formats, numbers):
    """1 stays 1, and 1.0 stays 1.0: what the consumer reads is what it would have read."""
    dead_letter = failed(formats.on_failure({"detail": numbers}))
    received = json.loads(json.dumps(dead_letter.event, allow_nan=False))["detail"]
    assert [repr(number) for number in received] == [repr(number) for number in numbers]


def test_an_event_of_the_flow_is_never_too_deep(formats):
    """The deepest event there is stays far from the limit."""

    def depth(value):
        inner = value.values() if isinstance(value, dict) else value
        return 1 + max((depth(i) for i in inner if isinstance(i, dict | list)), default=0)

    assert 5 * depth(formats.on_failure(EVENT)) < DEEPEST

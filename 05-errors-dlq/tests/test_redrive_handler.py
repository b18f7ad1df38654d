"""The redrive function: asked by an event, answering with what it did."""

import io
import json

import boto3
import pytest
from recovery.redrive.app import MAX_REPORTED, RESERVE_MS, build
from recovery.redrive.request import InvalidRequestError

from orderflow.errors import SettingsError
from tests.fixtures.events import delivered, example

LAMBDA = "arn:aws:lambda:us-east-1:000000000000:function:"
MARKERS = ("Ada Example", "12 Analytical Row", "tok_approved")


class FakeLambda:
    """Stands for a boto3 `lambda` client: refuses the orders that a test names."""

    def __init__(self):
        self.invoked, self.refuse = [], set()

    def invoke(self, FunctionName, Payload, **_):  # noqa: N803  (boto3's spelling)
        order_id = json.loads(Payload)["detail"]["metadata"]["correlation_id"]
        self.invoked.append((FunctionName, order_id))
        failure = {"errorType": "UnknownSkuError", "errorMessage": "no stock item for X"}
        if order_id not in self.refuse:
            return {"Payload": io.BytesIO(b"{}")}
        return {"Payload": io.BytesIO(json.dumps(failure).encode()), "FunctionError": "Unhandled"}


@pytest.fixture
def functions():
    return FakeLambda()


@pytest.fixture
def sqs(aws):
    return boto3.client("sqs")


@pytest.fixture
def app(sqs, functions):
    """The redrive function with two consumers and four queues."""
    settings = {}
    for consumer in ("payment", "inventory"):
        settings[consumer] = {"function": f"{LAMBDA}orderflow-{consumer}"} | {
            kind: sqs.create_queue(QueueName=f"orderflow-{consumer}-{kind}")["QueueUrl"]
            for kind in ("undelivered", "failed")
        }
    environment = {"CONSUMERS": json.dumps(settings)}
    return build(environment, sqs=sqs, awslambda=functions, wait_seconds=0)


@pytest.fixture
def park(app, sqs, formats):
    """Put an event into a consumer's queue of failed events."""

    def send(order_id, consumer="payment", body=None):
        event = delivered(example("OrderCreated", order_id=order_id))
        body = body or json.dumps(formats.on_failure(event, consumer))
        url = sqs.get_queue_url(QueueName=f"orderflow-{consumer}-failed")["QueueUrl"]
        return sqs.send_message(QueueUrl=url, MessageBody=body)["MessageId"]

    return send


def test_it_answers_what_it_did(app, park, functions, context):
    """Counts, and each message with its order, event, error and result."""
    functions.refuse = {"order-2"}
    first, second = park("order-1"), park("order-2", "inventory")
    park("", body="somebody else's")
    answer = app.redrive({}, context)
    messages = {message["message_id"]: message for message in answer.pop("messages")}
    assert answer == {"redriven": 1, "failed_again": 1, "unrecognised": 1, "finished": True}
    assert len(messages) == 3
    assert messages[first] == {
        "message_id": first,
        "consumer": "payment",
        "queue": "failed",
        "order_id": "order-1",
        "event": "order-created",
        "error": "GatewayUnavailableError",
        "reason": "the gateway does not answer",
        "attempts": 3,
        "result": "redriven",
    }
    again = messages[second]
    assert (again["result"], again["error"]) == ("failed_again", "UnknownSkuError")
    assert sorted(functions.invoked) == [
        (f"{LAMBDA}orderflow-inventory", "order-2"),
        (f"{LAMBDA}orderflow-payment", "order-1"),
    ]


def test_a_dry_run_only_looks(app, park, functions, context):
    """Twice the same answer, and nobody is invoked."""
    park("order-1")
    park("order-2")
    park("", body="somebody else's")
    for _ in range(2):
        answer = app.redrive({"dry_run": True}, context)
        assert (answer["waiting"], answer["unrecognised"]) == (2, 1)
        assert [message["result"] for message in answer["messages"]].count("waiting") == 2
    assert functions.invoked == []


def test_only_what_is_meant(app, park, functions, context):
    """The filters reach the redrive."""
    park("order-1")
    park("order-2")
    assert app.redrive({"order_id": "order-2"}, context)["redriven"] == 1
    assert functions.invoked == [(f"{LAMBDA}orderflow-payment", "order-2")]


def test_other_consumers_queues_are_not_even_read(app, sqs, context):
    """A redrive of one consumer receives no message of the others."""
    urls = []
    sqs.meta.events.register(
        "provide-client-params.sqs.*", lambda params, **_: urls.append(params["QueueUrl"])
    )
    app.redrive({"consumer": "inventory"}, context)
    names = {url.rpartition("/")[2] for url in urls}
    assert names == {"orderflow-inventory-undelivered", "orderflow-inventory-failed"}


def test_it_stops_before_its_time_is_over(app, park, functions, context):
    """Nothing more is begun in the last minute, and the answer says that there is more."""
    park("order-1")
    context.remaining_ms = RESERVE_MS - 1
    answer = app.redrive({}, context)
    assert (answer["redriven"], answer["finished"]) == (0, False)
    assert functions.invoked == []
    context.remaining_ms = RESERVE_MS
    assert app.redrive({}, context)["finished"] is True


def test_an_answer_names_at_most_a_hundred(app, park, context):
    """Counted are all."""
    for n in range(103):
        park(f"order-{n}")
    answer = app.redrive({"dry_run": True}, context)
    assert (answer["waiting"], len(answer["messages"])) == (103, MAX_REPORTED)
    answer = app.redrive({"rate": 100}, context)
    assert (answer["redriven"], len(answer["messages"])) == (103, MAX_REPORTED)


def test_log_metrics_and_answer_hold_nothing_personal(app, park, functions, context, written):
    """Ids, errors and our own reasons; nothing of an event, nor of what is not ours."""
    functions.refuse = {"order-2"}
    park("order-1")
    park("order-2")
    park("", body=json.dumps({"note": " ".join(MARKERS)}))
    answer = json.dumps([app.redrive({"dry_run": True}, context), app.redrive({}, context)])
    logged = written()
    assert not [marker for marker in MARKERS if marker in answer + "".join(logged)]
    lines = [json.loads(line) for line in logged]
    logged = {(line.get("message"), line.get("correlation_id")) for line in lines}
    assert {("redriven", "order-1"), ("failed again", "order-2"), ("unrecognised", None)} <= logged
    (measured,) = [line for line in lines if "failed_again" in line]
    assert [measured[name] for name in ("redriven", "failed_again", "unrecognised")] == [[1.0]] * 3


def test_a_wrong_request_is_refused(app, context):
    """One clear error; no queue is touched."""
    with pytest.raises(InvalidRequestError, match="order_id"):
        app.redrive({"order_id": 1}, context)


def test_without_settings_it_does_not_start(aws):
    """A function without its environment fails at once, and says what is missing."""
    with pytest.raises(SettingsError, match="CONSUMERS"):
        build({})

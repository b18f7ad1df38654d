"""What must hold at the end of exercise 05.5: a queue, Lambda and payment, without a stack."""

import json
import re

import pytest
from payment_service.app import build
from payment_service.gateway import GatewayUnavailableError

from local_cloud.delivery.emulator_port import (
    Ending,
    EventSource,
    Execution,
    Function,
    QueuedMessage,
)
from tests.fixtures.events import delivered, example
from tests.local_cloud.fake_cloud import ARN, FakeCloud, parts_around
from workshop.paths import TERRAFORM

BUFFER = TERRAFORM / "modules/event-function/buffer.tf"
REPORTS = "ReportBatchItemFailures"
RECEIVES = 5


def response_types():
    """Return the response types of the mapping in buffer.tf."""
    code = re.sub(r"(#|//).*", "", BUFFER.read_text("utf-8"))
    start = r'^resource\s+"aws_lambda_event_source_mapping"\s+"buffer"\s*\{\n'
    mapping = re.search(start + r"(.*?)^\}", code, re.MULTILINE | re.DOTALL)
    if mapping is None:
        pytest.fail("buffer.tf has no event source mapping.", pytrace=False)
    written = re.search(r"^\s*function_response_types\s*=([^\]\n]*)", mapping[1], re.MULTILINE)
    found = re.findall(r'"(.*?)"', written[1]) if written else []
    if unknown := {*found} - {REPORTS}:
        pytest.fail(f"Lambda knows no response type {', '.join(sorted(unknown))}.", pytrace=False)
    return found


class Cloud(FakeCloud):
    """A queue, and Lambda: it treats the function's responses as the local cloud does."""

    def __init__(self, charge):
        source = EventSource("mapping", "buffer", ARN, reports_failures=REPORTS in response_types())
        super().__init__({ARN: Function(ARN, "payment")}, sources=[source])
        self.charge = charge
        self.dead = []
        self.response = None

    def execute(self, function, event, request_id):
        """Run the function with a batch; its response becomes JSON."""
        try:
            self.response = json.loads(json.dumps(self.charge(event)))
        except Exception as error:  # noqa: BLE001 - Lambda takes any error as a failure
            return Execution(Ending.RAISED, {"errorType": type(error).__name__})
        return Execution(Ending.RETURNED, self.response)

    def hide(self, queue_arn, messages, seconds):
        """Return messages to the queue, or to the dead-letter queue after the last receive."""
        self.dead += [each.message_id for each in messages if each.received == RECEIVES]
        super().hide(queue_arn, [each for each in messages if each.received < RECEIVES], seconds)

    def deliver(self, bodies):
        """Put messages into the queue, id → body, and poll until it is empty."""
        for name, body in bodies.items():
            record = {"messageId": name, "eventSource": "aws:sqs", "body": body}
            self.queued.append(QueuedMessage(name, name, body, 1, record=record))
        parts, queue = parts_around(self)
        while parts.sources.poll():
            queue.run()


def created(order_id, token="tok_approved"):
    """Return the OrderCreated of an order, as the rule delivers it."""
    event = example("OrderCreated", order_id=order_id)
    event.part("payment_method")["token"] = token
    return delivered(event)


@pytest.fixture
def charge(environment, dynamodb, bus, context):
    """Run payment with an event or with a batch."""
    app = build(environment("payments"), dynamodb=dynamodb, events=bus)
    return lambda event: app.charge(event, context)


@pytest.fixture
def processed(charge, bus):
    """Let payment process messages, id → body; return the cloud, and the orders it published."""

    def run(bodies):
        cloud = Cloud(charge)
        cloud.deliver(bodies)
        details = [json.loads(entry["Detail"]) for entry in bus.entries]
        return cloud, [each["metadata"]["correlation_id"] for each in details]

    return run


GOOD = {f"message-{number}": json.dumps(created(f"order-{number}")) for number in (1, 3, 4)}
BAD = {
    "the gateway does not answer": json.dumps(created("order-2", "tok_unavailable")),
    "the body is no JSON": "{",
}


def batch(cause):
    """Return a batch of four messages; the second one cannot be processed."""
    return dict(sorted({**GOOD, "message-2": BAD[cause]}.items()))


@pytest.mark.parametrize("cause", BAD)
def test_an_error_stays_with_its_own_message(processed, cause):
    """The neighbours of a message that fails are processed once"""
    cloud, published = processed(batch(cause))
    dead = sorted({*cloud.dead} & {*GOOD})
    paid = ", ".join(sorted({*published})) or "none"
    assert not dead, (
        f"Only message-2 cannot be processed, but {len(dead)} other messages of its batch are "
        f"dead letters: {', '.join(dead)}. Paid orders: {paid}."
    )
    assert sorted(published) == ["order-1", "order-3", "order-4"], (
        f"Three orders had to be paid, once each. Published: {', '.join(published) or 'nothing'}."
    )


@pytest.mark.parametrize("cause", BAD)
def test_a_message_that_fails_is_a_dead_letter(processed, cause):
    """A message that fails is received again, and then it is a dead letter"""
    cloud, _ = processed(batch(cause))
    if "message-2" in cloud.dead:
        return
    why = (
        "Lambda does not read its response: a mapping has to ask for it."
        if "message-2" in json.dumps(cloud.response)
        else f"Its response was {json.dumps(cloud.response)}."
    )
    pytest.fail(
        f"message-2 failed, and Lambda deleted it. It is in no queue: it is lost. {why}",
        pytrace=False,
    )


def test_a_batch_without_an_error_is_done(processed):
    """A batch without an error is deleted"""
    cloud, published = processed(GOOD)
    assert (cloud.dead, sorted(published)) == ([], ["order-1", "order-3", "order-4"]), (
        f"All messages can be processed, but {', '.join(cloud.dead) or 'none'} are dead letters, "
        f"and these were published: {', '.join(published)}."
    )


def test_a_function_without_a_queue_still_raises(charge):
    """Without a queue in front, an error still reaches Lambda"""
    result = charge(created("order-1"))
    assert "published" in (result or {}), (
        f"Without a buffer the function gets one event. Its response is {json.dumps(result)}, and "
        "no longer the ids of its events."
    )
    try:
        charge(created("order-2", "tok_unavailable"))
    except GatewayUnavailableError:
        return
    pytest.fail(
        "The gateway did not answer, but the function reports success. Without a buffer Lambda "
        "would not try again, and the redrive would delete the message.",
        pytrace=False,
    )

"""The dead-letter queues: what every implementation of the port keeps to, and SQS's own matters."""

import threading

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from recovery.redrive.queues import (
    CONFIG,
    HOLD_SECONDS,
    OUT_OF_SIGHT_SECONDS,
    TAKE_AT_MOST,
    Queue,
    SqsDeadLetterQueues,
    Waiting,
)

from orderflow.errors import AwsRequestError


def test_taking_takes_all_queues_out_of_sight(parked):
    """Twenty-five messages of three queues: all taken, none left to be seen, none gone."""
    ids = {parked.failed(f"order-{n}") for n in range(21)}
    ids |= {parked.undelivered(f"order-{n}") for n in range(2)}
    ids |= {parked.failed(f"order-{n}", "inventory") for n in range(2)}
    assert {letter.message_id for letter in parked.queues.take()} == ids
    assert parked.another_redrive().take() == []
    assert parked.counts() == (0, 25)


def test_a_message_tells_its_queue_and_when_it_came(parked):
    """Consumer and kind are the queue's, the time is the moment it was sent."""
    before = parked.time.now()
    parked.undelivered("order-1", "inventory")
    (letter,) = parked.queues.take()
    assert (letter.consumer, letter.queue) == ("inventory", "undelivered")
    assert abs((letter.sent_at - before).total_seconds()) < 1
    assert letter.attributes["ERROR_CODE"] == "NO_PERMISSIONS"


def test_what_is_put_back_is_seen_again(parked):
    """At once, and by anybody."""
    ids = sorted(parked.failed(f"order-{n}") for n in range(12))
    parked.queues.put_back(parked.queues.take())
    assert parked.visible() == ids
    assert parked.counts() == (12, 0)


def test_what_nobody_puts_back_comes_back_by_itself(parked):
    """A redrive that was killed: its messages are seen again after two minutes."""
    message_id = parked.failed()
    parked.queues.take()
    parked.time.sleep(OUT_OF_SIGHT_SECONDS - 1)
    assert parked.another_redrive().take() == []
    parked.time.sleep(2)
    assert parked.visible() == [message_id]


def test_a_held_message_stays_out_of_sight_for_a_minute(parked):
    """From the moment it is held, however little was left of the time it was taken for."""
    message_id = parked.failed()
    (letter,) = parked.queues.take()
    parked.time.sleep(OUT_OF_SIGHT_SECONDS - 1)
    assert parked.queues.hold(letter)
    parked.time.sleep(HOLD_SECONDS - 1)
    assert parked.another_redrive().take() == []
    parked.time.sleep(2)
    assert parked.visible() == [message_id]


def test_what_came_back_is_no_longer_held(parked):
    """Its time is over: whoever took it may not go on with it."""
    parked.failed()
    (letter,) = parked.queues.take()
    parked.time.sleep(OUT_OF_SIGHT_SECONDS + 1)
    assert not parked.queues.hold(letter)


def test_what_another_has_taken_is_theirs(parked):
    """Taken, come back, and taken by another: the first neither holds it nor puts it back."""
    parked.failed()
    (letter,) = parked.queues.take()
    parked.time.sleep(OUT_OF_SIGHT_SECONDS + 1)
    other = parked.another_redrive()
    (theirs,) = other.take()
    assert not parked.queues.hold(letter)
    parked.queues.put_back([letter])
    assert parked.counts() == (0, 1)
    assert other.hold(theirs)


def test_what_was_put_back_is_no_longer_ours(parked):
    """Put back, then taken by another: putting it back once more changes nothing."""
    parked.failed()
    (letter,) = parked.queues.take()
    parked.queues.put_back([letter])
    assert len(parked.another_redrive().take()) == 1
    parked.queues.put_back([letter])
    assert not parked.queues.hold(letter)
    assert parked.counts() == (0, 1)


def test_a_deleted_message_is_gone(parked):
    """It alone; deleting it twice, or holding it, is no error."""
    first, second = parked.failed("order-1"), parked.failed("order-2")
    letters = {letter.message_id: letter for letter in parked.queues.take()}
    parked.queues.delete(letters[first])
    parked.queues.delete(letters[first])
    assert not parked.queues.hold(letters[first])
    parked.queues.put_back(letters.values())
    assert parked.visible() == [second]


def test_waiting_tells_every_queue(parked):
    """Those that are empty too."""
    parked.failed("order-1")
    parked.queues.take()
    parked.failed("order-2")
    assert parked.queues.waiting() == {
        ("payment", "undelivered"): Waiting(0, 0),
        ("payment", "failed"): Waiting(1, 1),
        ("inventory", "undelivered"): Waiting(0, 0),
        ("inventory", "failed"): Waiting(0, 0),
    }


GOOD, BAD = (Queue(name, "failed", f"https://{name}", f"orderflow-{name}") for name in ("a", "b"))


class OneBadQueue:
    """Stands for a boto3 client: one queue has messages, the other raises."""

    def __init__(self, error):
        self.error = error
        self.given = threading.Event()
        self.seen_again = []

    def receive_message(self, QueueUrl, **_):  # noqa: N803  (boto3's spelling)
        if QueueUrl == BAD.url:
            assert self.given.wait(5)
            raise self.error
        if self.given.is_set():
            return {}
        self.given.set()
        return {"Messages": [{"MessageId": "1", "ReceiptHandle": "receipt", "Body": "{}"}]}

    def change_message_visibility_batch(self, QueueUrl, Entries):  # noqa: N803
        self.seen_again += [
            (entry["ReceiptHandle"], entry["VisibilityTimeout"]) for entry in Entries
        ]


def test_a_queue_that_cannot_be_read_is_named():
    """The error names the queue and AWS's code, not its text; what was taken is put back."""
    denied = {"Error": {"Code": "AccessDenied", "Message": "secret"}}
    client = OneBadQueue(ClientError(denied, "ReceiveMessage"))
    with pytest.raises(AwsRequestError, match=r"queue failed of b: .*AccessDenied") as caught:
        SqsDeadLetterQueues(client, [GOOD, BAD]).take()
    assert "secret" not in str(caught.value)
    assert client.seen_again == [("receipt", 0)]


def test_an_interrupt_while_taking_puts_back_what_was_taken():
    """Ctrl-C in the middle of it: nothing stays out of sight."""
    client = OneBadQueue(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        SqsDeadLetterQueues(client, [GOOD, BAD]).take()
    assert client.seen_again == [("receipt", 0)]


class Endless:
    """Stands for a boto3 client of a queue that gets a new message whenever one is taken."""

    def __init__(self, clock):
        self.clock = clock
        self.taken = 0

    def receive_message(self, **_):
        self.taken += 1
        self.clock.sleep(0.1)
        body = {"MessageId": f"{self.taken}", "ReceiptHandle": f"r{self.taken}", "Body": "{}"}
        return {"Messages": [body]}


def test_taking_ends_while_new_messages_keep_coming(time_passes):
    """A round goes on with what it has when it has enough."""
    queues = SqsDeadLetterQueues(Endless(time_passes), [GOOD], clock=time_passes.monotonic)
    assert len(queues.take()) == TAKE_AT_MOST


class Unreachable:
    """Stands for a boto3 client without a network, once a message was taken."""

    def __init__(self):
        self.messages = [{"MessageId": "1", "ReceiptHandle": "receipt", "Body": "{}"}]

    def receive_message(self, **_):
        taken, self.messages = self.messages, []
        return {"Messages": taken}

    def fail(self, **_):
        raise EndpointConnectionError(endpoint_url="https://secret")

    change_message_visibility = change_message_visibility_batch = fail
    delete_message = get_queue_attributes = fail


def test_without_a_network_putting_back_is_left_to_sqs():
    """It comes back by itself, so it does not hide the error that led to it; the rest is told."""
    queues = SqsDeadLetterQueues(Unreachable(), [GOOD])
    (letter,) = queues.take()
    for operation in (queues.hold, queues.delete, lambda _: queues.waiting()):
        with pytest.raises(AwsRequestError, match="queue failed of a: EndpointConnectionError"):
            operation(letter)
    queues.put_back([letter])


def test_a_request_that_hangs_ends_while_the_message_is_held():
    """Waiting for a consumer and for one hanging request take less than a message is held."""
    from recovery.redrive import consumers  # noqa: PLC0415

    assert CONFIG.read_timeout > 1, "a long poll takes a second"
    tries = CONFIG.retries["total_max_attempts"]
    hanging = tries * (CONFIG.connect_timeout + CONFIG.read_timeout)
    answer = consumers.CONFIG.connect_timeout + consumers.CONFIG.read_timeout
    assert answer + hanging < HOLD_SECONDS
    assert consumers.CONFIG.retries["total_max_attempts"] == 1

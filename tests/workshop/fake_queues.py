"""Dead letters in memory: what the command line meets, without a cloud."""

import json
from datetime import UTC, datetime, timedelta

from recovery.redrive.dead_letter import FAILED, UNDELIVERED, DeadLetter
from recovery.redrive.queues import Waiting

NOW = datetime.now(UTC)
ORDER = f"ord_{'2a' * 16}"
CONSUMERS = ("order-tracker", "payment", "payment-refund", "inventory", "shipping")


def letter(message_id, consumer="payment", queue=FAILED, seconds=12 * 60 + 20, **changes):
    """A dead letter as `recovery.redrive` reads it."""
    values = {
        "receipt_handle": f"receipt of {message_id}",
        "sent_at": NOW - timedelta(seconds=seconds),
        "body": json.dumps({"requestPayload": {"detail": {}}}),
        "attributes": {},
        "event": {"id": message_id},
        "order_id": ORDER,
        "event_id": f"{ORDER}/order-created",
        "event_type": "OrderCreated",
        "error": "GatewayUnavailableError",
        "reason": "the gateway does not answer",
        "attempts": 3,
        "foreign": None,
    }
    return DeadLetter(
        message_id=message_id, consumer=consumer, queue=queue, **{**values, **changes}
    )


class FakeQueues:
    """Dead-letter queues in memory, as the port wants them."""

    def __init__(self):
        self.letters = {}
        self.taken = set()
        self.held_by_another = 0

    def put(self, *letters):
        self.letters |= {each.message_id: each for each in letters}

    def take(self):
        found = [each for name, each in self.letters.items() if name not in self.taken]
        self.taken |= {each.message_id for each in found}
        return found

    def put_back(self, letters):
        self.taken -= {each.message_id for each in letters}

    def hold(self, letter):
        return letter.message_id in self.letters

    def delete(self, letter):
        del self.letters[letter.message_id]

    def waiting(self):
        kinds = [(each.consumer, each.queue) for each in self.letters.values()]
        counts = {
            (key, kind): Waiting(kinds.count((key, kind)), 0)
            for key in CONSUMERS
            for kind in (FAILED, UNDELIVERED)
        }
        counts["payment", FAILED] = Waiting(counts["payment", FAILED].visible, self.held_by_another)
        return counts


class FakeConsumers:
    """Consumers that accept everything, but for what a test says."""

    def __init__(self):
        self.invoked = []
        self.answers = {}

    def invoke(self, consumer, event):
        self.invoked.append((consumer, event))
        answer = self.answers.get(consumer)
        if isinstance(answer, BaseException):
            raise answer
        return answer

"""Fake dead-letter queues and consumers in memory."""

import json
from datetime import UTC, datetime, timedelta

from recovery.redrive.dead_letter import FAILED, UNDELIVERED, DeadLetter
from recovery.redrive.queues import Waiting

NOW = datetime.now(UTC)
ORDER = f"ord_{'2a' * 16}"
CONSUMERS = ("order-tracker", "payment", "payment-refund", "inventory", "shipping")


def dead_letter(message_id, consumer="payment", queue=FAILED, seconds=12 * 60 + 20, **changes):
    """Return a dead letter as `recovery.redrive` reads it."""
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
        "unrecognised": None,
    }
    return DeadLetter(
        message_id=message_id, consumer=consumer, queue=queue, **{**values, **changes}
    )


class FakeQueues:
    """Dead-letter queues in memory."""

    def __init__(self):
        self.dead_letters = {}
        self.received = set()
        self.held_by_another = 0

    def put(self, *dead_letters):
        self.dead_letters |= {each.message_id: each for each in dead_letters}

    def receive(self):
        found = [each for name, each in self.dead_letters.items() if name not in self.received]
        self.received |= {each.message_id for each in found}
        return found

    def release(self, dead_letters):
        self.received -= {each.message_id for each in dead_letters}

    def extend_visibility(self, dead_letter):
        return dead_letter.message_id in self.dead_letters

    def delete(self, dead_letter):
        del self.dead_letters[dead_letter.message_id]

    def waiting(self):
        kinds = [(each.consumer, each.queue) for each in self.dead_letters.values()]
        counts = {
            (key, kind): Waiting(kinds.count((key, kind)), 0)
            for key in CONSUMERS
            for kind in (FAILED, UNDELIVERED)
        }
        counts["payment", FAILED] = Waiting(counts["payment", FAILED].visible, self.held_by_another)
        return counts


class FakeConsumers:
    """Consumers that accept every event, except those in `answers`."""

    def __init__(self):
        self.invoked = []
        self.answers = {}

    def invoke(self, consumer, event):
        self.invoked.append((consumer, event))
        answer = self.answers.get(consumer)
        if isinstance(answer, BaseException):
            raise answer
        return answer

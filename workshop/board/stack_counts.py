"""How many items a stack's tables have, and how many messages its queues."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from workshop.deployment.stack import Stack
from workshop.deployment.stack_parts import held_messages, item_count
from workshop.recovery import dead_letters


@dataclass(frozen=True)
class Counts:
    """What one read returned.

    Attributes:
        items: Table's key → items.
        messages: Consumer's key → messages in its dead-letter queues.
        buffered: Consumer's key → messages in its buffer, also those that are being processed.
    """

    items: Mapping[str, int] = field(default_factory=dict)
    messages: Mapping[str, int] = field(default_factory=dict)
    buffered: Mapping[str, int] = field(default_factory=dict)


def read(stack: Stack) -> Counts:
    """Return a stack's counts; each table and each queue is one request.

    Raises:
        ClientError: AWS refused a request.
        AwsRequestError: SQS refused a request.
    """
    items = {key: item_count(stack, name) for key, name in stack.outputs.table_names.items()}
    buffered = {
        key: held_messages(stack.client("sqs"), url)
        for key, url in stack.outputs.buffer_queue_urls.items()
    }
    return Counts(items, dead_letter_counts(stack), buffered)


def dead_letter_counts(stack: Stack) -> dict[str, int]:
    """Return consumer's key → messages in its dead-letter queues; each queue is one request.

    Raises:
        AwsRequestError: SQS refused a request.
    """
    messages: Counter[str] = Counter()
    if stack.outputs.dead_letter_queue_urls:
        for (consumer, _), waiting in dead_letters.of(stack).queues.waiting().items():
            messages[consumer] += waiting.total
    return dict(messages)

"""SQS's errors in MiniStack's form."""

# ruff: noqa: SLF001 - MiniStack offers no other way in

from collections.abc import Iterator
from contextlib import contextmanager

from ministack.services import sqs

from local_cloud.delivery.queue_rules import QueueError


@contextmanager
def answered() -> Iterator[None]:
    """Raise MiniStack's own error for an error of SQS's rules."""
    try:
        yield
    except QueueError as error:
        raise sqs._Err(error.code, error.message, error.status) from error

"""Where the board reads events and deliveries: the port, and the local cloud behind it."""

from dataclasses import dataclass, replace
from typing import Protocol

from local_cloud.control import Control
from local_cloud.delivery.change_log import Changes
from workshop.deployment.local.delivery_records import at_functions
from workshop.deployment.stack import Stack, current

PATIENCE = 10.0
"""Seconds until the board says that a local cloud does not answer."""


@dataclass(frozen=True)
class Cursor:
    """How far a source has been read: a log and the last sequence number in it."""

    log_id: str = ""
    last: int = 0


class Source(Protocol):
    """Where events and deliveries come from. Both methods wait, so they run in a thread.

    Attributes:
        may_act: Whether the board may change the stack.
        missing: What this source does not know, one sentence each.
    """

    may_act: bool
    missing: tuple[str, ...]

    def stack(self) -> Stack:
        """Return the stack as it is now.

        Raises:
            WorkshopError: No stack is up, or the cloud does not respond.
        """

    def read(self, cursor: Cursor, wait: float) -> Changes:
        """Return what is newer than a cursor; wait up to so many seconds if nothing is.

        Raises:
            WorkshopError: The cloud cannot be read.
        """


class LocalSource:
    """Reads a local cloud's log of changes.

    Args:
        name: The cloud's name.
    """

    may_act = True
    missing: tuple[str, ...] = ()

    def __init__(self, name: str) -> None:
        self._name = name

    def stack(self) -> Stack:
        """Return the stack of the local cloud."""
        return current(self._name)

    def read(self, cursor: Cursor, wait: float) -> Changes:
        """Return what is newer than a cursor."""
        stack = self.stack()
        control = Control(str(stack.target.endpoint_url), PATIENCE)
        read = control.changes(cursor.log_id, cursor.last, wait=wait)
        return replace(read, records=at_functions(read.records, stack.outputs))

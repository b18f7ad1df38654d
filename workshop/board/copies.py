"""What the board has sent: the contract's metadata does not say that an event is a copy.

Nor does any log contain an event that was sent to one function.
"""

from collections.abc import Mapping
from typing import Any

from workshop.board.event_list import MOST

MOST_STORED = 50
"""The most events that are stored; one may have a million characters."""


class Copies:
    """Stores what was sent, and from which events others were sent again.

    The oldest entries are removed.

    Args:
        most: The most copies.
        most_stored: The most events that are stored.
    """

    def __init__(self, most: int = MOST, most_stored: int = MOST_STORED) -> None:
        self._most = most
        self._most_stored = most_stored
        self._originals: dict[str, str] = {}
        self._sent: dict[str, Mapping[str, Any]] = {}

    def add(self, key: str, original: str) -> None:
        """Store that an event was sent again.

        Args:
            key: The key of the copy.
            original: The key of the event that it was copied from.
        """
        self._originals[key] = original
        if len(self._originals) > self._most:
            del self._originals[next(iter(self._originals))]

    def original(self, key: str) -> str:
        """Return the key of the event that an event is a copy of; empty if it is none."""
        return self._originals.get(key, "")

    def store(self, key: str, event: Mapping[str, Any]) -> None:
        """Store an event that was sent to one function."""
        self._sent[key] = event
        if len(self._sent) > self._most_stored:
            del self._sent[next(iter(self._sent))]

    def sent(self, key: str) -> Mapping[str, Any]:
        """Return an event that was sent to one function; empty if it is not stored."""
        return self._sent.get(key, {})

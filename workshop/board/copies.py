"""Which event is a copy of which: the contract's metadata has no field for it."""

from workshop.board.event_list import MOST


class Copies:
    """Stores from which events others were sent again; the oldest entries are removed.

    Args:
        most: The most entries.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._originals: dict[str, str] = {}

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

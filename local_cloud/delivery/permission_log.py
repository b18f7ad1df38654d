"""Which permissions of roles are used: action, resource, and for an event its source and type.

A test compares this with what the roles' policies allow.
"""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

DISTINCT = 10_000
"""The most different uses; further ones are not recorded. A stack has fewer than a hundred."""


@dataclass(frozen=True)
class Use:
    """A permission that was needed.

    Attributes:
        role: The role's name.
        function: The function that sent the request, or for which Lambda sent it; empty for any
            other user of the role.
        action: Such as dynamodb:PutItem.
        resource: The resource's ARN.
        source: The source of the event, for events:PutEvents; else empty.
        detail_type: Its detail type.
        allowed: Whether the policies allowed it.
    """

    role: str
    function: str
    action: str
    resource: str
    source: str = ""
    detail_type: str = ""
    allowed: bool = True


class PermissionLog:
    """Counts how often each permission was needed. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._uses: Counter[Use] = Counter()

    def note(self, use: Use) -> None:
        """Count a use."""
        with self._lock:
            if use in self._uses or len(self._uses) < DISTINCT:
                self._uses[use] += 1

    def to_json(self) -> list[dict[str, Any]]:
        """Return all uses with their counts, in JSON's types."""
        with self._lock:
            return [{**asdict(use), "count": count} for use, count in self._uses.items()]

    @staticmethod
    def from_json(data: list[Mapping[str, Any]]) -> Counter[Use]:
        """Return the counts of a `to_json`."""
        return Counter(
            {Use(**{k: v for k, v in each.items() if k != "count"}): each["count"] for each in data}
        )

"""Eventual consistency: what AWS shows late, and how late the local cloud shows it.

It is off for learners and on in the deployed tests. It knows no emulator.
"""

import threading
import time
from collections.abc import Callable, Hashable, Iterator
from typing import Any

LIST_SECONDS = 8.0
"""Seconds for which a list shows deleted resources and misses new ones.

Amazon S3 User Guide, "Amazon S3 data consistency model": a deleted bucket may still be listed.
IAM User Guide, "Changes that I make are not always immediately visible". Neither states a time.
"""

POLICY_SECONDS = 5.0
"""Seconds for which a role's old policies apply; the IAM User Guide states no time."""

BUS_SECONDS = 3.0
"""Seconds for which DeleteEventBus sees a deleted rule (terraform-provider-aws #22131)."""

ALIAS_SECONDS = 1.0
"""Seconds for which invocations through an alias still run the old version."""

DUPLICATE_SHARE = 0.05
DUPLICATE_SECONDS = 6.0
"""The share of deliveries that happen a second time, and the seconds between both.

Both services deliver at least once: EventBridge User Guide, "Amazon EventBridge concepts"; Lambda
Developer Guide, "Asynchronous invocation". Neither states a share.
"""

LOG_READS_PER_SECOND = 5.0
"""Quota of FilterLogEvents in eu-central-1: CloudWatch Logs User Guide, "Quotas"."""

CONFLICT_EVERY = 20
"""Every twentieth DynamoDB transaction conflicts with another one on the same item.

Amazon DynamoDB Developer Guide, "Transaction conflict handling in DynamoDB".
"""

EFFECTS = (
    (
        "lists of buckets, queues, roles and event buses",
        "show deleted resources for a while, and miss new ones",
        f"are {LIST_SECONDS:g} s late",
    ),
    ("policies of a role", "apply after some seconds", f"apply after {POLICY_SECONDS:g} s"),
    (
        "DeleteEventBus after the last rule was deleted",
        "is refused for a moment",
        f"is refused for {BUS_SECONDS:g} s",
    ),
    (
        "an alias after UpdateAlias",
        "may still lead to the version before",
        f"leads to the version before for {ALIAS_SECONDS:g} s",
    ),
    (
        "a change of a function that is being updated",
        "is refused with ResourceConflictException, for some seconds",
        "is refused for half a second",
    ),
    (
        "deliveries of events",
        "happen at least once",
        f"happen twice in {DUPLICATE_SHARE:.0%} of the cases, {DUPLICATE_SECONDS:g} s apart",
    ),
    (
        "FilterLogEvents",
        "has a quota, and pages without events that have a token",
        f"has a quota of {LOG_READS_PER_SECOND:g} a second, and its first page is empty",
    ),
    (
        "transactions of DynamoDB",
        "may meet another one on the same item",
        f"are cancelled with TransactionConflict, one in {CONFLICT_EVERY}",
    ),
)
"""What changes when the switch is on: the subject, what AWS does, and what the local cloud does."""


class Switch:
    """Whether the local cloud is eventually consistent. Thread-safe."""

    def __init__(self, *, on: bool = False) -> None:
        self._on = threading.Event()
        self.set(on=on)

    @property
    def on(self) -> bool:
        """Return whether it is on."""
        return self._on.is_set()

    def set(self, *, on: bool) -> None:
        """Switch it on or off; earlier changes stay late."""
        (self._on.set if on else self._on.clear)()


class LateView:
    """The view of things that change: for some seconds, it shows each as it was before.

    Args:
        seconds: Seconds for which it does not show a change.
        now: Returns the time in seconds.
    """

    def __init__(self, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._now = now
        self._lock = threading.Lock()
        self._before: dict[Hashable, list[tuple[float, Any]]] = {}

    def changes(self, key: Hashable, before: Any) -> None:
        """Note that a thing changes now.

        Args:
            key: Identifies the thing.
            before: Its value until now; None if it did not exist.
        """
        now = self._now()
        with self._lock:
            for known, pending in list(self._before.items()):
                if pending[-1][0] <= now:  # nobody has looked since
                    del self._before[known]
            self._before.setdefault(key, []).append((now + self._seconds, before))

    def seen(self, key: Hashable, current: Any) -> Any:
        """Return what the view shows of a thing.

        Args:
            key: Identifies it.
            current: What it is now.
        """
        with self._lock:
            pending = [each for each in self._before.get(key, ()) if each[0] > self._now()]
            if pending:
                self._before[key] = pending
                return pending[0][1]
            self._before.pop(key, None)
            return current

    def late(self) -> Iterator[Hashable]:
        """Iterate over the keys of the things that changed a short time ago."""
        with self._lock:
            keys = list(self._before)
        yield from keys


class Quota:
    """A quota of requests per second: a token bucket that holds one second's requests.

    Args:
        per_second: How many requests a second are allowed.
        now: Returns the time in seconds.
    """

    def __init__(self, per_second: float, now: Callable[[], float] = time.monotonic) -> None:
        self._rate = per_second
        self._now = now
        self._lock = threading.Lock()
        self._tokens, self._filled = per_second, now()

    def allows(self) -> bool:
        """Take a token; return whether there was one."""
        with self._lock:
            now = self._now()
            self._tokens = min(self._rate, self._tokens + (now - self._filled) * self._rate)
            self._filled = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True

"""What can go wrong at a call, and who decides that it does.

A *site* is one call of one process, or one delivery. Its key names it in every run of a seed, so
that a fault can be taken away (`Seeded.only`) without moving the others.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from typing import Protocol, TypeVar

T = TypeVar("T")


class Fault(StrEnum):
    """What goes wrong at a site."""

    REFUSED = "refused"
    REPLY_LOST = "reply lost"
    REPLY_LOST_ONCE = "reply lost once"
    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"
    CONFLICT = "transaction conflict"
    STALE = "stale index"
    PARTIAL = "partial failure"
    DUPLICATED = "duplicated"
    DELAYED = "delayed"
    DROPPED = "dropped"
    UNDELIVERED = "undelivered"
    TOO_OLD = "too old"


MEANINGS: Mapping[Fault, str] = {
    Fault.REFUSED: "No effect, and an error: throttled, unavailable, both tries of the SDK",
    Fault.REPLY_LOST: "It took effect, at both tries of the SDK, and the caller has a timeout",
    Fault.REPLY_LOST_ONCE: "It took effect, and the SDK's second try met its own write",
    Fault.KILLED_BEFORE: "The process dies, or its time is over, before the call took effect",
    Fault.KILLED_AFTER: "The same after the call took effect",
    Fault.CONFLICT: "Another transaction was in the way; nothing was written",
    Fault.STALE: "An index shows every item as it was before its last write",
    Fault.PARTIAL: "PutEvents answered 200 and took nothing",
    Fault.DUPLICATED: "The event is delivered two to five times",
    Fault.DELAYED: "The event comes up to 30 hours later",
    Fault.DROPPED: "The event, or the message to a dead-letter queue, is lost",
    Fault.UNDELIVERED: "EventBridge could not deliver: the event is in the target's queue",
    Fault.TOO_OLD: "Lambda throttled the event until it was too old: the function never ran",
}
"""What each fault is."""


_CALL = (Fault.REFUSED, Fault.KILLED_BEFORE)
_WRITE = (*_CALL, Fault.REPLY_LOST, Fault.KILLED_AFTER)

FAULTS: Mapping[str, tuple[Fault, ...]] = {
    "read": _CALL,
    "query": (*_CALL, Fault.STALE),
    "write": (*_WRITE, Fault.REPLY_LOST_ONCE),
    "transaction": (*_WRITE, Fault.REPLY_LOST_ONCE, Fault.CONFLICT),
    "publish": (*_WRITE, Fault.REPLY_LOST_ONCE, Fault.PARTIAL),
    "gateway": _WRITE,
    "queue": _WRITE,
    "invoke": _WRITE,
    "delivery": (
        *(Fault.DUPLICATED, Fault.DELAYED, Fault.DROPPED),
        *(Fault.UNDELIVERED, Fault.TOO_OLD),
    ),
    "dead letter": (Fault.DROPPED,),
}
"""Kind of site → its faults."""


class Choices:
    """Draws that depend on a seed and a key alone, in whatever order they are made."""

    def __init__(self, seed: str) -> None:
        self.seed = seed

    def number(self, key: str) -> float:
        """Return a number from 0 up to 1."""
        digest = blake2b(f"{self.seed}|{key}".encode(), digest_size=7).digest()
        return int.from_bytes(digest) / 2**56

    def below(self, limit: int, key: str) -> int:
        """Return a whole number from 0, below the limit."""
        return int(self.number(key) * limit)

    def one_of(self, options: Sequence[T], key: str) -> T:
        """Return one of the options."""
        return options[self.below(len(options), key)]


@dataclass(frozen=True)
class Injected:
    """A fault that was injected."""

    site: str
    fault: Fault


class Faults(Protocol):
    """Decides which sites have faults; `injected` lists them."""

    injected: list[Injected]

    def at(self, kind: str, site: str) -> Fault | None:
        """Return the fault of a site, if it has one; each site is asked for once."""
        ...


@dataclass
class NoFaults:
    """Nothing goes wrong."""

    injected: list[Injected] = field(default_factory=list)

    def at(self, kind: str, site: str) -> Fault | None:
        """See `Faults`."""
        return None


@dataclass
class Seeded:
    """Each site has a fault with the probability of its kind.

    Attributes:
        choices: The seed.
        rates: Kind of site → probability; a kind that is missing has no faults.
        only: The sites that may have a fault; None for all.
    """

    choices: Choices
    rates: Mapping[str, float]
    only: Collection[str] | None = None
    injected: list[Injected] = field(default_factory=list)

    def at(self, kind: str, site: str) -> Fault | None:
        """See `Faults`."""
        rate = self.rates.get(kind, 0.0)
        if not rate or self.choices.number(site) >= rate:
            return None
        if self.only is not None and site not in self.only:
            return None
        fault = self.choices.one_of(FAULTS[kind], f"fault|{site}")
        self.injected.append(Injected(site, fault))
        return fault


@dataclass
class Planned:
    """Chosen faults at the n-th sites of a run; the others have none.

    Attributes:
        plan: The number of a site, from 0 → its fault.
        sites: The kinds of all sites that were met, in order.
    """

    plan: Mapping[int, Fault]
    sites: list[str] = field(default_factory=list)
    injected: list[Injected] = field(default_factory=list)

    def at(self, kind: str, site: str) -> Fault | None:
        """See `Faults`."""
        fault = self.plan.get(len(self.sites))
        self.sites.append(kind)
        if fault is not None:
            self.injected.append(Injected(site, fault))
        return fault

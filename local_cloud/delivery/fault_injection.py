"""Fault injection, decided by a seed.

A decision depends on the seed, the event, the function and the number of earlier deliveries of this
event to this function, never on time or on other events. So the same seed gives the same faults in
any order of threads, and an event that is sent again gets a new decision.
"""

import random
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from local_cloud.eventual_consistency import DUPLICATE_SECONDS, DUPLICATE_SHARE
from local_cloud.eventual_consistency import Switch as Consistency

MOST_COPIES = 10
"""The most deliveries of one event: each copy runs a function and everything after it."""

LONGEST_HOLD = 3600.0
"""The most seconds by which a delivery is delayed."""

_REMEMBERED = 100_000
"""The number of (event, function) pairs with a count; then the oldest is removed."""


class InvalidPlanError(ValueError):
    """A plan is invalid; the message says why."""


@dataclass(frozen=True)
class Share:
    """A share of the deliveries, from 0 (none) to 1 (all)."""

    share: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            msg = f"share is {self.share}, not between 0 and 1"
            raise InvalidPlanError(msg)


@dataclass(frozen=True)
class Duplicate(Share):
    """Deliver more than once; `copies` counts all deliveries, so 3 is three times.

    An event is duplicated once per function. A consumer that gets it twice re-publishes the same
    event, which is not duplicated again: else the copies would multiply at each step.
    """

    copies: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.copies <= MOST_COPIES:
            msg = f"copies is {self.copies}, not between 1 and {MOST_COPIES}"
            raise InvalidPlanError(msg)


@dataclass(frozen=True)
class Hold(Share):
    """Delay by up to so many real seconds."""

    seconds: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.seconds <= LONGEST_HOLD:
            msg = f"seconds is {self.seconds}, not between 0 and {LONGEST_HOLD:g}"
            raise InvalidPlanError(msg)


@dataclass(frozen=True)
class Kill:
    """Kill the function's process just before it publishes, the next `times` times."""

    function: str
    times: int = 1


@dataclass(frozen=True)
class Plan:
    """Which faults to inject, and for which deliveries.

    Attributes:
        seed: The same seed makes the same decisions.
        functions: Names of the functions; empty: all.
        detail_types: Detail types; empty: all.
        duplicate: Deliver several times.
        delay: Deliver late.
        reorder: Delay for a moment, so that later events overtake.
        drop: Lose the event, as Lambda's queue may.
        refuse: Lambda refuses EventBridge's request with an error that EventBridge retries. Each
            attempt has its own decision.
        fail_entries: PutEvents refuses an event of a function in a response with status 200. Each
            request has its own decision. `functions` are those that publish.
        kill_before_publish: Kill a function between its write and its publish.
    """

    seed: int = 0
    functions: tuple[str, ...] = ()
    detail_types: tuple[str, ...] = ()
    duplicate: Duplicate = field(default_factory=Duplicate)
    delay: Hold = field(default_factory=Hold)
    reorder: Hold = field(default_factory=lambda: Hold(seconds=0.5))
    drop: Share = field(default_factory=Share)
    refuse: Share = field(default_factory=Share)
    fail_entries: Share = field(default_factory=Share)
    kill_before_publish: Kill | None = None

    @property
    def has_shares(self) -> bool:
        """Whether a share of the deliveries or of the published events has a fault."""
        kinds = (self.duplicate, self.delay, self.reorder, self.drop, self.refuse)
        return any(each.share for each in (*kinds, self.fail_entries))

    def concerns(self, function: str, detail_type: str) -> bool:
        """Return whether the plan is for deliveries of this detail type to this function."""
        return (not self.functions or function in self.functions) and (
            not self.detail_types or detail_type in self.detail_types
        )

    def to_json(self) -> dict[str, Any]:
        """Return the plan in JSON's types."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Plan":
        """Return the plan of a `to_json`; a missing value gets its default.

        Raises:
            InvalidPlanError: A name is unknown, or a value is out of range.
        """
        parts = {
            "duplicate": Duplicate,
            "delay": Hold,
            "reorder": Hold,
            "drop": Share,
            "refuse": Share,
            "fail_entries": Share,
            "kill_before_publish": Kill,
        }
        known = {item.name for item in fields(cls)}
        if unknown := sorted(set(data) - known):
            msg = f"unknown fault: {', '.join(unknown)}; known: {', '.join(sorted(known))}"
            raise InvalidPlanError(msg)
        values: dict[str, Any] = {}
        for name, value in data.items():
            try:
                if name in parts:
                    values[name] = None if value is None else parts[name](**value)
                elif name == "seed":
                    values[name] = int(value)
                elif isinstance(value, str):
                    values[name] = (value,)
                else:
                    values[name] = tuple(value)
            except (TypeError, ValueError) as error:
                msg = f"{name}: {error}"
                raise InvalidPlanError(msg) from error
        return cls(**values)


@dataclass(frozen=True)
class Decision:
    """The faults of one delivery: a wait in real seconds for each copy; no wait: it is dropped."""

    waits: tuple[float, ...]
    kinds: tuple[str, ...] = ()


AS_USUAL = Decision(waits=(0.0,))
LATE_DUPLICATE = Decision(waits=(0.0, DUPLICATE_SECONDS), kinds=("duplicated",))


def decide(plan: Plan, event_id: str, function: str, nth: int) -> Decision:
    """Return the faults of the nth delivery of an event to a function."""

    def draw(kind: str) -> random.Random:
        # Strings are seeded by their SHA-512: the same on every machine and in every process.
        return random.Random(f"{plan.seed}|{kind}|{event_id}|{function}|{nth}")

    def hit(kind: str, share: Share) -> bool:
        return draw(kind).random() < share.share

    if hit("drop", plan.drop):
        return Decision(waits=(), kinds=("dropped",))
    copies, kinds = 1, []
    if (nth == 1 or not event_id) and hit("duplicate", plan.duplicate):
        copies = plan.duplicate.copies
        kinds.append("duplicated")
    waits = [0.0] * copies
    for kind, hold, name in (
        ("delay", plan.delay, "delayed"),
        ("reorder", plan.reorder, "reordered"),
    ):
        if hit(kind, hold):
            kinds.append(name)
            length = draw(f"{kind}-seconds")
            waits = [wait + length.uniform(0, hold.seconds) for wait in waits]
    return Decision(waits=tuple(waits), kinds=tuple(kinds))


def refuses(plan: Plan, event_id: str, function: str, attempt: int) -> bool:
    """Return whether Lambda refuses EventBridge's attempt (1, 2, …) to deliver an event."""
    draw = random.Random(f"{plan.seed}|refuse|{event_id}|{function}|{attempt}")
    return draw.random() < plan.refuse.share


def fails_entry(plan: Plan, event_id: str, function: str, nth: int) -> bool:
    """Return whether PutEvents refuses the nth request of a function to publish an event."""
    draw = random.Random(f"{plan.seed}|fail-entry|{event_id}|{function}|{nth}")
    return draw.random() < plan.fail_entries.share


def late_duplicate(event_id: str, function: str) -> Decision:
    """Return the faults of a delivery without injection on an eventually consistent cloud."""
    draw = random.Random(f"late|{event_id}|{function}")
    return LATE_DUPLICATE if draw.random() < DUPLICATE_SHARE else AS_USUAL


class Switch:
    """Holds the current plan, and the counts that decisions depend on. Thread-safe."""

    def __init__(self, consistency: Consistency | None = None) -> None:
        self._consistency = consistency or Consistency()
        self._lock = threading.Lock()
        self._plan: Plan | None = None
        self._seen: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._published: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._kills = 0

    @property
    def plan(self) -> Plan | None:
        """Return the current plan; None if there is none."""
        with self._lock:
            return self._plan

    def set(self, plan: Plan | None) -> None:
        """Replace the plan; None: no faults. This resets all counts."""
        with self._lock:
            self._plan = plan
            self._seen.clear()
            self._published.clear()
            self._kills = plan.kill_before_publish.times if plan and plan.kill_before_publish else 0

    def on_delivery(self, event_id: str, function: str, detail_type: str) -> Decision:
        """Return the faults of a delivery."""
        with self._lock:
            plan = self._plan
            if plan is not None and not plan.concerns(function, detail_type):
                plan = None
            if plan is None and not self._consistency.on:
                return AS_USUAL
            nth = _count(self._seen, (event_id, function))
        return decide(plan, event_id, function, nth) if plan else late_duplicate(event_id, function)

    def refuses(self, event_id: str, function: str, detail_type: str, attempt: int) -> bool:
        """Return whether Lambda refuses this attempt of EventBridge."""
        plan = self.plan
        if plan is None or not plan.concerns(function, detail_type):
            return False
        return refuses(plan, event_id, function, attempt)

    def fails_entry(self, event_id: str, function: str, detail_type: str) -> bool:
        """Return whether PutEvents refuses an event that a function publishes."""
        with self._lock:
            plan = self._plan
            if plan is None or not plan.fail_entries.share:
                return False
            if not plan.concerns(function, detail_type):
                return False
            nth = _count(self._published, (event_id, function))
        return fails_entry(plan, event_id, function, nth)

    def kills(self, function: str) -> bool:
        """Return whether to kill a function that is about to publish; count it if so.

        After the last kill the plan has no kill any more: nobody has to clear it.
        """
        with self._lock:
            kill = self._plan.kill_before_publish if self._plan else None
            if kill is None or kill.function != function or self._kills < 1:
                return False
            self._kills -= 1
            if not self._kills:
                rest = replace(self._plan, kill_before_publish=None) if self._plan else None
                self._plan = rest if rest and rest.has_shares else None
            return True


def _count(seen: OrderedDict[tuple[str, str], int], key: tuple[str, str]) -> int:
    """Return how often a key was counted, with this time; forget the oldest if there are many."""
    nth = seen.pop(key, 0) + 1
    seen[key] = nth
    if len(seen) > _REMEMBERED:
        seen.popitem(last=False)
    return nth

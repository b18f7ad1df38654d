"""The trouble switch: faults on purpose, decided by a seed.

A decision depends on the seed, the event, the function and how often this function has seen
this event, never on time or on other events. So the same seed does the same again whatever
the threads do, and an event sent again is not doomed to the same fate.
"""

import random
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

LONGEST_HOLD = 3600.0
"""Seconds that a delivery may be held back."""

_REMEMBERED = 100_000
"""How many (event, function) pairs are counted before the oldest is forgotten."""


class TroubleError(ValueError):
    """A plan that makes no sense; the message says why."""


@dataclass(frozen=True)
class Share:
    """A share of the deliveries, from 0 (none) to 1 (all)."""

    share: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            msg = f"share is {self.share}, not between 0 and 1"
            raise TroubleError(msg)


@dataclass(frozen=True)
class Duplicate(Share):
    """Deliver more than once; `copies` counts all deliveries, so 3 is three times."""

    copies: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.copies < 1:
            msg = f"copies is {self.copies}, not 1 or more"
            raise TroubleError(msg)


@dataclass(frozen=True)
class Hold(Share):
    """Hold back for up to so many real seconds."""

    seconds: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.seconds <= LONGEST_HOLD:
            msg = f"seconds is {self.seconds}, not between 0 and {LONGEST_HOLD:g}"
            raise TroubleError(msg)


@dataclass(frozen=True)
class Kill:
    """Kill the function's process the next `times` times it publishes, before it has."""

    function: str
    times: int = 1


@dataclass(frozen=True)
class Plan:
    """What goes wrong, and for whom.

    Attributes:
        seed: the same seed makes the same decisions.
        functions: names of the functions concerned; none given means all.
        detail_types: detail-types concerned; none given means all.
        duplicate: deliver several times.
        delay: deliver late.
        reorder: hold back a moment, so that later events overtake.
        drop: lose, as Lambda's queue may.
        refuse: Lambda refuses EventBridge in a way that is worth retrying; every attempt is
            decided anew.
        kill_before_publish: kill a function between its write and its publish.
    """

    seed: int = 0
    functions: tuple[str, ...] = ()
    detail_types: tuple[str, ...] = ()
    duplicate: Duplicate = field(default_factory=Duplicate)
    delay: Hold = field(default_factory=Hold)
    reorder: Hold = field(default_factory=lambda: Hold(seconds=0.5))
    drop: Share = field(default_factory=Share)
    refuse: Share = field(default_factory=Share)
    kill_before_publish: Kill | None = None

    def concerns(self, function: str, detail_type: str) -> bool:
        """Whether deliveries of this detail-type to this function are in for trouble."""
        return (not self.functions or function in self.functions) and (
            not self.detail_types or detail_type in self.detail_types
        )

    def to_json(self) -> dict[str, Any]:
        """As JSON's types."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Plan":
        """The reverse of `to_json`; what is missing has its default.

        Raises:
            TroubleError: an unknown name, or a value out of range.
        """
        parts = {
            "duplicate": Duplicate,
            "delay": Hold,
            "reorder": Hold,
            "drop": Share,
            "refuse": Share,
            "kill_before_publish": Kill,
        }
        known = {item.name for item in fields(cls)}
        if unknown := sorted(set(data) - known):
            msg = f"unknown trouble: {', '.join(unknown)}; known: {', '.join(sorted(known))}"
            raise TroubleError(msg)
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
                raise TroubleError(msg) from error
        return cls(**values)


@dataclass(frozen=True)
class Decision:
    """What happens to one delivery: a wait, in real seconds, for each copy; none when dropped."""

    waits: tuple[float, ...]
    kinds: tuple[str, ...] = ()


AS_USUAL = Decision(waits=(0.0,))


def decide(plan: Plan, event_id: str, function: str, nth: int) -> Decision:
    """What happens to the nth delivery of an event to a function."""

    def draw(kind: str) -> random.Random:
        # Strings are seeded by their SHA-512: the same on every machine and in every process.
        return random.Random(f"{plan.seed}|{kind}|{event_id}|{function}|{nth}")

    def hit(kind: str, share: Share) -> bool:
        return draw(kind).random() < share.share

    if hit("drop", plan.drop):
        return Decision(waits=(), kinds=("dropped",))
    copies, kinds = 1, []
    if hit("duplicate", plan.duplicate):
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
    """Whether Lambda refuses EventBridge's given attempt (1, 2, …) to hand over an event."""
    draw = random.Random(f"{plan.seed}|refuse|{event_id}|{function}|{attempt}")
    return draw.random() < plan.refuse.share


class Switch:
    """Holds the plan in force, and counts what a decision depends on. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._plan: Plan | None = None
        self._seen: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._kills = 0

    @property
    def plan(self) -> Plan | None:
        """The plan in force; None when there is no trouble."""
        with self._lock:
            return self._plan

    def set(self, plan: Plan | None) -> None:
        """Put a plan in force, or none. Counting starts anew."""
        with self._lock:
            self._plan = plan
            self._seen.clear()
            self._kills = plan.kill_before_publish.times if plan and plan.kill_before_publish else 0

    def on_delivery(self, event_id: str, function: str, detail_type: str) -> Decision:
        """What happens to this delivery."""
        with self._lock:
            plan = self._plan
            if plan is None or not plan.concerns(function, detail_type):
                return AS_USUAL
            key = (event_id, function)
            nth = self._seen.pop(key, 0) + 1
            self._seen[key] = nth
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
        return decide(plan, event_id, function, nth)

    def refuses(self, event_id: str, function: str, detail_type: str, attempt: int) -> bool:
        """Whether Lambda refuses this attempt of EventBridge's."""
        plan = self.plan
        if plan is None or not plan.concerns(function, detail_type):
            return False
        return refuses(plan, event_id, function, attempt)

    def kills(self, function: str) -> bool:
        """Whether this function, which is about to publish, dies first; counts down if so."""
        with self._lock:
            kill = self._plan.kill_before_publish if self._plan else None
            if kill is None or kill.function != function or self._kills < 1:
                return False
            self._kills -= 1
            return True

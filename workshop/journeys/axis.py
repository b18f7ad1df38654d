"""A time axis on which long pauses are drawn short.

Times are seconds; positions are CSS pixels, or columns of a terminal.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

FOLDED_FROM = 0.4
"""Seconds: a shorter pause is never folded, so normal deliveries on AWS are drawn to scale."""
FOLD_WIDTH = 56.0
"""The most CSS pixels of a folded pause."""
FOLDS_SHARE = 0.4
"""The largest part of an axis that all folded pauses take together."""
TICK_STEPS = tuple(base * 10.0**power for power in range(-3, 6) for base in (1, 2, 5))
"""Possible distances between two ticks, in seconds."""
TICK_SPACE = 56.0
"""Minimum distance of two labelled ticks in CSS pixels."""


@dataclass(frozen=True, slots=True)
class Fold:
    """A pause that is drawn shorter than it was."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.start


def folds_of(
    moments: Sequence[float], busy: Collection[tuple[float, float]] = ()
) -> tuple[Fold, ...]:
    """Return the pauses to fold: each is longer than all shorter ones together.

    Without folds, events within milliseconds would overlap on an axis of seconds.

    Args:
        moments: When something happened, in seconds, ascending.
        busy: The times at which something ran: these are always drawn to scale.
    """
    pauses = sorted((Fold(*pair) for pair in pairwise(moments)), key=lambda fold: fold.seconds)
    together = 0.0
    for at, pause in enumerate(pauses):
        if pause.seconds >= FOLDED_FROM and 0 < together < pause.seconds:
            idle = [
                fold
                for fold in pauses[at:]
                if not any(start < fold.end and fold.start < end for start, end in busy)
            ]
            return tuple(sorted(idle, key=lambda fold: fold.start))
        together += pause.seconds
    return ()


@dataclass(frozen=True, slots=True)
class Scale:
    """Seconds → CSS pixels; outside the folds, every second is equally wide."""

    folds: tuple[Fold, ...]
    left: float
    fold_width: float
    per_second: float
    last: float
    """Seconds at the right edge."""

    @classmethod
    def over(
        cls,
        moments: Sequence[float],
        busy: Collection[tuple[float, float]] = (),
        *,
        left: float,
        right: float,
        fold_width: float = FOLD_WIDTH,
    ) -> "Scale":
        """Spread moments between two positions.

        Args:
            moments: When something happened, in seconds, ascending; the first is 0.
            busy: The times at which something ran.
            left: The position of the first moment.
            right: The position of the last moment.
            fold_width: The most that a folded pause takes.
        """
        folds = folds_of(moments, busy)
        room = max(right - left, 1.0)
        fold_width = min(fold_width, room * FOLDS_SHARE / max(len(folds), 1))
        passed = moments[-1] - sum(fold.seconds for fold in folds)
        room -= fold_width * len(folds)
        return cls(folds, left, fold_width, room / max(passed, 0.001), moments[-1])

    def x(self, moment: float) -> float:
        """Return the pixel of a moment."""
        x = self.left + moment * self.per_second
        for fold in self.folds:
            if moment > fold.start:
                gone = min(moment, fold.end) - fold.start
                x += gone / fold.seconds * self.fold_width - gone * self.per_second
        return x

    def is_folded(self, start: float, end: float) -> bool:
        """Whether a pause between two moments is folded."""
        return any(fold.start < end and start < fold.end for fold in self.folds)

    def stretches(self) -> list[tuple[float, float]]:
        """Return the times between the folds."""
        starts = [0.0, *(fold.end for fold in self.folds)]
        ends = [*(fold.start for fold in self.folds), self.last]
        return list(zip(starts, ends, strict=True))

    @property
    def tick_step(self) -> float:
        """The seconds between two ticks."""
        wide = (step for step in TICK_STEPS if step * self.per_second >= TICK_SPACE)
        return next(wide, TICK_STEPS[-1])

    def ticks(self) -> list[tuple[float, str]]:
        """Return the labelled moments: round ones, or the start of a stretch without one."""
        step = self.tick_step
        named: list[float] = []
        for start, end in self.stretches():
            numbers = range(math.ceil(start / step - 1e-6), math.floor(end / step + 1e-6) + 1)
            for moment in [number * step for number in numbers] or [start]:
                if not named or self.x(moment) - self.x(named[-1]) >= TICK_SPACE * 0.8:
                    named.append(moment)
        return [(moment, self._tick_label(moment)) for moment in named]

    @property
    def in_seconds(self) -> bool:
        """Whether the axis is labelled in seconds; a short axis is in milliseconds."""
        return self.last >= 1

    def _tick_label(self, moment: float) -> str:
        if not self.in_seconds:
            return f"{moment * 1000:.0f}"
        places = 3 if self.tick_step < 0.01 else 2
        return f"{moment:.{places}f}".rstrip("0").rstrip(".")


def duration(seconds: float) -> str:
    """Return a duration for people: 14 ms, 2.8 s, 54 s, 12 min, 3 h."""
    for limit, text in (
        (0.9995, f"{seconds * 1000:.0f} ms"),
        (9.95, f"{seconds:.1f} s"),
        (119.5, f"{seconds:.0f} s"),
        (3600 * 2, f"{seconds / 60:.0f} min"),
    ):
        if seconds < limit:
            return text
    return f"{seconds / 3600:.0f} h"

"""Where things go on a time line: the folded axis, and labels that do not overlap.

All of it is plain arithmetic, in seconds and CSS pixels.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from workshop.notebooks.pictures.timeline_model import TRACKER, Story, Tracked, Way, Work

FOLDED_FROM = 0.4
"""Seconds: no shorter pause is folded. Ordinary ways on AWS show to scale."""
FOLD_WIDTHS = (64.0, 46.0)
"""CSS pixels of a folded pause, when there are few and when there are many."""
FEW_FOLDS = 4
TICK_STEPS = tuple(base * 10.0**power for power in range(-3, 6) for base in (1, 2, 5))
"""Seconds that an axis may count in."""
TICK_SPACE = 56.0
"""CSS pixels between two ticks, at least."""

MARKER = 5.0
"""Half the width of a dot, and the least width of a bar, in CSS pixels."""
CROSS = 7.0
"""Half the width of a cross."""
GAP = 6.0
"""CSS pixels beside a label."""

FITTINGS = 6
"""How often the scale is made narrower at most; each time what is left over is less."""

Measure = Callable[[str], float]


@dataclass(frozen=True, slots=True)
class Fold:
    """A pause that gets less room than it would take."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.start


def folds_of(moments: Sequence[float]) -> tuple[Fold, ...]:
    """Return the pauses to fold: each is longer than all the shorter ones together.

    Otherwise what happens within milliseconds would be a blot on an axis of seconds.

    Args:
        moments: When something happened, in seconds, rising.
    """
    pauses = sorted((Fold(*pair) for pair in pairwise(moments)), key=lambda fold: fold.seconds)
    together = 0.0
    for at, pause in enumerate(pauses):
        if pause.seconds >= FOLDED_FROM and 0 < together < pause.seconds:
            return tuple(sorted(pauses[at:], key=lambda fold: fold.start))
        together += pause.seconds
    return ()


@dataclass(frozen=True, slots=True)
class Scale:
    """Seconds → CSS pixels, with the same pixels per second wherever nothing is folded."""

    folds: tuple[Fold, ...]
    left: float
    fold_width: float
    per_second: float
    last: float
    """Seconds at the right end."""

    @classmethod
    def over(cls, moments: Sequence[float], *, left: float, right: float) -> "Scale":
        """Spread moments from pixel `left` to pixel `right`."""
        folds = folds_of(moments)
        fold_width = FOLD_WIDTHS[len(folds) > FEW_FOLDS]
        busy = moments[-1] - sum(fold.seconds for fold in folds)
        room = max(right - left - fold_width * len(folds), 1.0)
        return cls(folds, left, fold_width, room / max(busy, 0.001), moments[-1])

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
        """Seconds that the axis counts in."""
        wide = (step for step in TICK_STEPS if step * self.per_second >= TICK_SPACE)
        return next(wide, TICK_STEPS[-1])

    def ticks(self) -> list[tuple[float, str]]:
        """Return the moments the axis names: round ones, or a stretch's start if it has none."""
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
        """Whether the axis is labelled in seconds; a short one is in milliseconds."""
        return self.last >= 1

    def _tick_label(self, moment: float) -> str:
        if not self.in_seconds:
            return f"{moment * 1000:.0f}"
        places = 3 if self.tick_step < 0.01 else 2
        return f"{moment:.{places}f}".rstrip("0").rstrip(".")


def duration(seconds: float) -> str:
    """Return a duration as people say it: 14 ms, 2.8 s, 54 s, 12 min, 3 h."""
    for limit, text in (
        (0.9995, f"{seconds * 1000:.0f} ms"),
        (9.95, f"{seconds:.1f} s"),
        (119.5, f"{seconds:.0f} s"),
        (3600 * 2, f"{seconds / 60:.0f} min"),
    ):
        if seconds < limit:
            return text
    return f"{seconds / 3600:.0f} h"


class Line(Enum):
    """A line of text in a lane."""

    MIDDLE = "beside the bars"
    OVER_ARROW = "just above the middle"
    ABOVE = "above the bars"
    BELOW = "below the bars"
    SECOND = "a line further down"


class Kind(Enum):
    """What a label tells."""

    EVENT = "what was published"
    FAILURE = "what failed"
    STATUS = "what the tracker set"
    TIME = "how long an event was on its way"


@dataclass(frozen=True, slots=True)
class Label:
    """A text at its place."""

    function: str
    line: Line
    x: float
    """CSS pixels of its left end."""
    text: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Layout:
    """A story with its scale and its labels."""

    story: Story
    scale: Scale
    labels: tuple[Label, ...]

    def box(self, work: Work) -> tuple[float, float]:
        """Return the pixels between which a function works."""
        return _box(self.scale, work)


def lay_out(story: Story, *, left: float, right: float, measure: Measure) -> Layout:
    """Lay a story out between two pixels.

    Args:
        story: What happened.
        left: The pixel of the first moment.
        right: The pixel that nothing goes beyond.
        measure: Returns a text's width in pixels.
    """
    scale = _scale(story, left, right, measure)
    labels = _Labels(scale, measure, right)
    for work in story.works:
        labels.keep_out(work)
    for way in story.ways:
        labels.keep_off(way)
    for work in sorted(story.works, key=lambda work: work.again):
        labels.say_event(work)
        labels.say_failure(work)
    for way in story.ways:
        labels.say_time(way)
    for seen in story.tracked:
        labels.say_status(seen)
    return Layout(story, scale, tuple(labels.placed))


def event_text(work: Work) -> str:
    """Return how an event is labelled where it is published."""
    return f"{work.published} (again)" if work.again else work.published


def _scale(story: Story, left: float, right: float, measure: Measure) -> Scale:
    """Spread a story as wide as the labels at its right end allow."""
    edge = right
    for _ in range(FITTINGS):
        scale = Scale.over(story.moments, left=left, right=edge)
        ends = [
            _box(scale, work)[1] + GAP + measure(event_text(work))
            for work in story.works
            if work.published
        ]
        too_wide = max(ends, default=right) - right
        if too_wide <= 0:
            break
        edge -= too_wide
    return scale


def _box(scale: Scale, work: Work) -> tuple[float, float]:
    """The pixels of a work: a dot if nothing made it start, a stub if it has no end."""
    start = scale.x(work.start)
    if not work.received:
        return start - MARKER, start + MARKER
    end = start + 3 * MARKER if work.end is None else scale.x(work.end)
    return start, max(end, start + MARKER)


class _Labels:
    """Places labels one by one, each where nothing is yet."""

    def __init__(self, scale: Scale, measure: Measure, right: float) -> None:
        self.scale = scale
        self.measure = measure
        self.right = right
        self.placed: list[Label] = []
        self._taken: dict[tuple[str, Line], list[tuple[float, float]]] = {}
        self._failures: set[tuple[str, str]] = set()

    def keep_out(self, work: Work) -> None:
        """Keep labels off a bar, and off the cross at its end."""
        start, end = _box(self.scale, work)
        end += CROSS if work.error else 0
        for line in (Line.MIDDLE, Line.OVER_ARROW):
            self._take(work.function, line, start, end)

    def keep_off(self, way: Way) -> None:
        """Keep labels off a way's line."""
        self._take(way.target, Line.MIDDLE, self.scale.x(way.start), self.scale.x(way.end))

    def say_event(self, work: Work) -> None:
        """Name what was published beside the bar, or above it."""
        start, end = _box(self.scale, work)
        if work.published:
            text = event_text(work)
            if self._place(work.function, Line.MIDDLE, end + GAP, text, Kind.EVENT):
                return
            if self._place(work.function, Line.ABOVE, start, text, Kind.EVENT):
                # The two lines are so near that their letters would touch.
                self._take(work.function, Line.OVER_ARROW, start, start + self.measure(text))

    def say_failure(self, work: Work) -> None:
        """Name an error the first time a function fails with it."""
        if work.error and (work.function, work.error) not in self._failures:
            x = min(_box(self.scale, work)[0], self.right - self.measure(work.error))
            self._failures.add((work.function, work.error))
            self._place_below(work.function, x, work.error, Kind.FAILURE)

    def say_time(self, way: Way) -> None:
        """Tell how long an event was on its way, if its arrow has room for that."""
        if way.target == TRACKER or way.is_retry or self.scale.is_folded(way.start, way.end):
            return
        text = duration(way.end - way.start)
        x = self.scale.x(way.end) - CROSS - self.measure(text)
        if x >= self.scale.x(way.start) + GAP:
            self._place(way.target, Line.OVER_ARROW, x, text, Kind.TIME)

    def say_status(self, seen: Tracked) -> None:
        """Name a status below its dot."""
        width = self.measure(seen.status)
        x = min(max(self.scale.x(seen.at) - width / 2, self.scale.left), self.right - width)
        if seen.status:
            self._place_below(TRACKER, x, seen.status, Kind.STATUS)

    def _place_below(self, function: str, x: float, text: str, kind: Kind) -> None:
        """Place a label below the lane's middle, or one line further down."""
        if not self._place(function, Line.BELOW, x, text, kind):
            self._place(function, Line.SECOND, x, text, kind)

    def _take(self, function: str, line: Line, start: float, end: float) -> None:
        self._taken.setdefault((function, line), []).append((start, end))

    def _place(self, function: str, line: Line, x: float, text: str, kind: Kind) -> bool:
        """Place a label if there is nothing yet, and say whether there was."""
        end = x + self.measure(text)
        taken = self._taken.get((function, line), [])
        if any(x < other_end and other < end for other, other_end in taken):
            return False
        self._take(function, line, x, end + GAP)
        self.placed.append(Label(function, line, x, text, kind))
        return True

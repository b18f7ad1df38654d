"""Explain why an event does not match a pattern, and which change makes it match.

The matcher decides everything: the pattern is split into its fields, and the matcher judges the
pattern of each field alone. So the explanation agrees with it by construction. A change is offered
only if the matcher accepts the whole event with all changes.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workshop.why import event_path
from workshop.why.event_path import Edit, Names
from workshop.why.pattern import Alternative, Options, alternatives, in_words, pattern_of
from workshop.why.values import Suggestion, suggestions

Event = dict[str, Any]
Matches = Callable[[str | dict[str, Any], Event], bool]
"""Decides whether a pattern matches an event, such as `workshop.event_patterns.matches`."""

LONGEST_VALUE = 60
"""Characters of a value of the event that an explanation quotes."""

_MOST_ELEMENTS = 100
"""Elements of an array that are compared."""
_MOST_ALTERNATIVES = 200
"""Alternatives of a pattern that are compared."""

_SET_BY_EVENTBRIDGE = {"account", "id", "region", "version"}

NO_CHANGE = "No change was found that makes the event match."


@dataclass(frozen=True)
class Refusal:
    """A field that a pattern refuses.

    Attributes:
        path: Such as detail.data.inventory.status, or detail.lines[0].sku.
        accepts: What the pattern accepts there, in words.
        has: What the event has there: JSON, or words.
        change: What makes the field match; empty if no change was found.
    """

    path: str
    accepts: str
    has: str
    change: str


@dataclass(frozen=True)
class Explanation:
    """Why an event matches a pattern or does not.

    Attributes:
        matched: The matcher's answer.
        refusals: The fields that refused the event, those of the envelope first. With `$or`, those
            of the alternative that is nearest to the event.
        changed: The event with all changes, which the pattern matches; None if it matches already,
            or no change was found.
        note: What else to know, in sentences; may be empty.
    """

    matched: bool
    refusals: tuple[Refusal, ...] = ()
    changed: Event | None = None
    note: str = ""


def explain(pattern: str | dict[str, Any], event: Event, matches: Matches) -> Explanation:
    """Return why a pattern matches an event or does not.

    Args:
        pattern: A rule's event pattern, as text or as an object.
        event: With source, detail-type and detail.
        matches: The matcher.

    Raises:
        InvalidPatternError: EventBridge refuses the pattern.
        ValueError: It refuses the event.
    """
    if matches(pattern, event):
        return Explanation(matched=True)
    parsed = json.loads(pattern) if isinstance(pattern, str) else pattern
    split = alternatives(parsed)[:_MOST_ALTERNATIVES]
    judged = sorted((_Judged(each, event, matches) for each in split), key=_Judged.distance)
    best = judged[0]
    changed = None
    for each in judged:
        changed = each.changed_event()
        if changed is not None and matches(pattern, changed):
            best = each
            break
        changed = None
    refusals = tuple(best.refusals(offered=changed is not None))
    notes = best.notes()
    if len(split) > 1:
        notes.append(f"The pattern has {len(split)} alternatives ($or); the nearest is shown.")
    if changed is None:
        notes.append(NO_CHANGE)
    return Explanation(matched=False, refusals=refusals, changed=changed, note=" ".join(notes))


class _Judged:
    """One alternative of a pattern, compared with an event that does not match it.

    A pattern's fields below an array must match in one element. So the event is judged with the
    element that matches most of them as the only one.
    """

    def __init__(self, alternative: Alternative, event: Event, matches: Matches) -> None:
        self._alternative = alternative
        self._event = event
        self._matches = matches
        self._shared: list[str] = []
        self._judged = self._with_best_elements()
        envelope_first = sorted(alternative.items(), key=lambda field: field[0][0] == "detail")
        self._refused = {
            names: options
            for names, options in envelope_first
            if not self._accepts(self._judged, names, options)
        }
        self._changes: dict[Names, tuple[Edit, Suggestion] | None] = {}

    def distance(self) -> tuple[int, int]:
        """Return how far the event is from the alternative; the nearest sorts first."""
        return (not self._refused, len(self._refused))

    def changed_event(self) -> Event | None:
        """Return the event with a change for each refused field, or None without one."""
        changed, judged = self._event, self._judged
        for names, options in self._refused.items():
            found = self._change(judged, names, options)
            self._changes[names] = found
            if found is None:
                return None
            changed, judged = found[0].applied_to(changed), found[0].applied_to(judged)
        return changed if self._refused else None

    def refusals(self, *, offered: bool) -> Iterator[Refusal]:
        """Yield the refused fields.

        Args:
            offered: Whether the changes make the event match.
        """
        for names, options in self._refused.items():
            places = list(event_path.find(self._judged, names))
            path = event_path.text_of(places[0] if places else self._place_of_missing(names))
            change = self._changes.get(names) if offered else None
            yield Refusal(
                path=path,
                accepts=in_words(options),
                has=self._has(names),
                change=_change_in_words(change, self._event, names, path) if change else "",
            )

    def notes(self) -> list[str]:
        """Return what else to know of this alternative, in sentences."""
        if not self._refused:
            return ["Each field matches alone, but no value can match all of them."]
        crossed = any(
            self._accepts(self._event, names, options) for names, options in self._refused.items()
        )
        if not crossed:
            return []
        arrays = " and ".join(dict.fromkeys(self._shared))
        return [f"One element of {arrays} must match all its fields; the nearest is shown."]

    def _accepts(self, event: Event, names: Names, options: Options) -> bool:
        return self._matches(pattern_of(names, options), event)

    def _with_best_elements(self) -> Event:
        """Return the event with one element in each array of objects on a path."""
        event, done = self._event, set()
        while True:
            several = (
                (place, indices)
                for names in self._alternative
                for place, indices in event_path.arrays(event, names)
                if len(indices) > 1 and place not in done
            )
            place, indices = next(several, (None, []))
            if place is None:
                return event
            done.add(place)
            self._shared.append(event_path.text_of(place))
            single = [event_path.only_element(event, place, i) for i in indices[:_MOST_ELEMENTS]]
            below = [
                (names, options)
                for names, options in self._alternative.items()
                if any(found == place for found, _ in event_path.arrays(event, names))
            ]
            event = max(single, key=lambda one: sum(self._accepts(one, *each) for each in below))

    def _change(
        self, event: Event, names: Names, options: Options
    ) -> tuple[Edit, Suggestion] | None:
        """Return the first change that makes a field match."""
        places = list(event_path.find(event, names))
        has = [event_path.value_at(event, place) for place in places]
        has = [each for value in has for each in (value if isinstance(value, list) else [value])]
        for suggestion in suggestions(options, has):
            edits: Iterable[Edit]
            if suggestion.removes:
                edits = [Edit(place, removes=True) for place in places[:1]]
            else:
                edits = event_path.setting(event, names, suggestion.value)
            for edit in edits:
                if self._accepts(edit.applied_to(event), names, options):
                    return edit, suggestion
        return None

    def _has(self, names: Names) -> str:
        """Return what the event has for a field."""
        places = list(event_path.find(self._judged, names))
        if not places:
            similar = _similar(self._judged, names)
            return f"nothing; there is {similar}" if similar else "nothing"
        value = event_path.value_at(self._judged, places[0])
        if isinstance(value, Mapping):
            return f"{_short(value)} (an object)"
        return "[] (an empty list)" if value == [] else _short(value)

    def _place_of_missing(self, names: Names) -> event_path.Place:
        """Return the place that a missing field would have."""
        for edit in event_path.setting(self._judged, names, None):
            known = sum(len(step.split(".")) for step in edit.place if isinstance(step, str))
            return (*edit.place, *names[known:])
        return names


def _change_in_words(change: tuple[Edit, Suggestion], event: Event, names: Names, path: str) -> str:
    """Return a change as an instruction, such as: set it to "RESERVED"."""
    edit, suggestion = change
    value = _short(suggestion.value)
    place = event_path.text_of(edit.place)
    last = edit.place[-1] if edit.place else ""
    if suggestion.removes:
        words = "remove it"
    elif isinstance(last, int) and place.rpartition("[")[0] == path:
        words = f"add {value} to it"
    elif _is_missing(event, edit.place):
        words = f"add it with {value}"
    elif place != path:
        words = f"set {place} to {_short(edit.value)}"
    else:
        words = f"set it to {value}"
    if suggestion.converts:
        words += f" ({_kind(suggestion.value)})"
    elif suggestion.is_example:
        words += ", for example"
    if names[0] in _SET_BY_EVENTBRIDGE:
        words += " (EventBridge sets this field)"
    return words


def _is_missing(event: Event, place: event_path.Place) -> bool:
    try:
        event_path.value_at(event, place)
    except (KeyError, IndexError, TypeError):
        return True
    return False


def _kind(value: Any) -> str:
    """Return the name of a value's JSON type."""
    match value:
        case None | bool():
            return "without quotation marks"
        case str():
            return "text"
    return "a number"


def _similar(event: Event, names: Names) -> str:
    """Return a field that differs from a missing one, or its parent, only in case, - and _."""
    value: Any = event
    for depth, name in enumerate(names):
        while isinstance(value, list):
            value = next((each for each in value if each), None)
        if not isinstance(value, Mapping):
            return ""
        if name in value:
            value = value[name]
            continue
        alike = next((each for each in value if _plain(each) == _plain(name)), None)
        is_last = depth == len(names) - 1
        return (alike if is_last else ".".join((*names[:depth], alike))) if alike else ""
    return ""


def _plain(name: str) -> str:
    return name.casefold().replace("-", "").replace("_", "")


def _short(value: Any) -> str:
    """Return the beginning of a value as JSON."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"

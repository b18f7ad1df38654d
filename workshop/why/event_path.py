"""Find, set and remove a field of an event, through arrays and names with dots."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Names = tuple[str, ...]
"""A field's path as a pattern names it, such as ("detail", "data", "order")."""

Place = tuple[str | int, ...]
"""Where a value is in an event: the keys and indices that lead to it."""


@dataclass(frozen=True)
class Edit:
    """A change of an event.

    Attributes:
        place: Where. The index behind an array's last one appends.
        value: The new value.
        removes: Whether the field is removed instead.
    """

    place: Place
    value: Any = None
    removes: bool = False

    def applied_to(self, event: Any) -> Any:
        """Return a changed copy of an event."""
        changed = copy.deepcopy(event)
        if not self.place:
            return self.value
        parent = value_at(changed, self.place[:-1])
        last = self.place[-1]
        if self.removes:
            del parent[last]
        elif isinstance(parent, list) and last == len(parent):
            parent.append(self.value)
        else:
            parent[last] = self.value
        return changed


def find(value: Any, names: Names) -> Iterator[Place]:
    """Yield the places of a field: one for each element of the arrays on its path.

    Args:
        value: An event, or a part of one.
        names: The path from there. A name with dots in the event is a path, too.
    """
    if not names:
        yield ()
    elif isinstance(value, list):
        for index, element in enumerate(value):
            for place in find(element, names):
                yield (index, *place)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            parts = tuple(key.split("."))
            if names[: len(parts)] == parts:
                for place in find(inner, names[len(parts) :]):
                    yield (key, *place)


def value_at(value: Any, place: Place) -> Any:
    """Return the value at a place."""
    for step in place:
        value = value[step]
    return value


def arrays(value: Any, names: Names, place: Place = ()) -> Iterator[tuple[Place, list[int]]]:
    """Yield the arrays before a path's last name, outermost first, with their elements' indices.

    Only elements that are objects or arrays count, and empty arrays do not.
    """
    if not names:
        return
    if isinstance(value, list):
        inner = [i for i, each in enumerate(value) if isinstance(each, Mapping | list) and each]
        yield place, inner
        for index in inner:
            yield from arrays(value[index], names, (*place, index))
    elif isinstance(value, Mapping):
        for key, each in value.items():
            parts = tuple(key.split("."))
            if names[: len(parts)] == parts:
                yield from arrays(each, names[len(parts) :], (*place, key))


def only_element(event: Any, place: Place, index: int) -> Any:
    """Return a copy of an event in which one element of an array is the only object.

    The others are empty arrays, which no pattern sees, so that the indices stay.
    """
    changed = copy.deepcopy(event)
    array = value_at(changed, place)
    for other, element in enumerate(array):
        if other != index and isinstance(element, Mapping | list):
            array[other] = []
    return changed


def setting(event: Any, names: Names, value: Any) -> Iterator[Edit]:
    """Yield the edits that give a field a value, the smallest first.

    Args:
        event: The event.
        names: The field's path.
        value: The new value.
    """
    for place in find(event, names):
        there = value_at(event, place)
        if isinstance(there, list):
            yield Edit((*place, len(there)), value)
        yield Edit(place, value)
    for known in range(len(names) - 1, -1, -1):
        for place in find(event, names[:known]):
            place = _object_in(event, place)  # noqa: PLW2901 - the object is the place
            parent = value_at(event, place)
            if isinstance(parent, Mapping):
                yield Edit((*place, names[known]), nested(names[known + 1 :], value))
            elif isinstance(parent, list):
                yield Edit((*place, len(parent)), nested(names[known:], value))
            else:
                yield Edit(place, nested(names[known:], value))
            return


def nested(names: Names, value: Any) -> Any:
    """Return a value inside an object for each name."""
    for name in reversed(names):
        value = {name: value}
    return value


def text_of(place: Place) -> str:
    """Return a place as text, such as detail.lines[0].sku."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return text.removeprefix(".")


def _object_in(event: Any, place: Place) -> Place:
    """Return the first object in an array, an empty one last, and any other place as it is."""
    value = value_at(event, place)
    if isinstance(value, list):
        for index, element in sorted(enumerate(value), key=lambda each: not each[1]):
            if isinstance(element, Mapping):
                return (*place, index)
            if isinstance(element, list) and element:
                inner = _object_in(event, (*place, index))
                if isinstance(value_at(event, inner), Mapping):
                    return inner
    return place

"""Hide personal data until somebody asks for it."""

from collections.abc import Mapping
from typing import Any

PERSONAL = frozenset({"ship_to", "contact"})
"""The fields with personal data; see docs/data-model.md."""

HIDDEN = "hidden"


def masked(content: Any) -> Any:
    """Return a copy of JSON in which the values of personal fields are hidden."""
    if isinstance(content, Mapping):
        return {
            name: _hidden(value) if name in PERSONAL else masked(value)
            for name, value in content.items()
        }
    if isinstance(content, list):
        return [masked(each) for each in content]
    return content


def has_masked(content: Any) -> bool:
    """Return whether a value of a personal field is hidden in JSON."""
    if isinstance(content, Mapping):
        return any(
            _has_hidden(value) if name in PERSONAL else has_masked(value)
            for name, value in content.items()
        )
    return isinstance(content, list) and any(has_masked(each) for each in content)


def _has_hidden(content: Any) -> bool:
    if isinstance(content, Mapping):
        return any(_has_hidden(value) for value in content.values())
    if isinstance(content, list):
        return any(_has_hidden(each) for each in content)
    return bool(content == HIDDEN)


def _hidden(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {name: _hidden(value) for name, value in content.items()}
    if isinstance(content, list):
        return [_hidden(each) for each in content]
    return HIDDEN

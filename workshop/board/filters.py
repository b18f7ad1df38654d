"""Which events the list shows; the filter is kept in the page's address."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from workshop.board.event_list import EventLine

_LONGEST = 200
"""Characters of a value at most."""


@dataclass(frozen=True)
class EventFilter:
    """What an event must have; an empty value matches every event.

    Attributes:
        order: The start of the order's id.
        type: The detail type.
        function: The key of a function that published or received it.
        outcome: A state that it has, or had, at one of the consumers.
        text: A text that occurs in the event, upper or lower case.
    """

    order: str = ""
    type: str = ""
    function: str = ""
    outcome: str = ""
    text: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "EventFilter":
        """Return the filter in an address's query; other parameters are ignored."""
        names = [each.name for each in fields(cls)]
        return cls(**{name: query.get(name, "").strip()[:_LONGEST] for name in names})

    def query(self) -> dict[str, str]:
        """Return the parameters that are not empty."""
        return {name: value for name, value in asdict(self).items() if value}

    def matches(self, line: EventLine, keys: Mapping[str, str]) -> bool:
        """Return whether an event has everything.

        Args:
            line: The event.
            keys: Function name → key.
        """
        if not line.order_id.startswith(self.order):
            return False
        if self.type and line.origin.detail_type != self.type:
            return False
        if self.function or self.outcome:
            consumers = line.consumers(keys)
            names = {each.name for each in consumers} | {keys.get(line.producer, line.producer)}
            if self.function and self.function not in names:
                return False
            if self.outcome and not any(self.outcome in each.had for each in consumers):
                return False
        text = self.text.casefold()
        return not text or text in (line.logged.event if line.logged else line.step).casefold()

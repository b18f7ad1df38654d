"""What every store returns when a step writes once."""

from dataclasses import dataclass

from orderflow.event import Event


@dataclass(frozen=True, slots=True)
class Stored:
    """The outcome that is stored in the table, and whether an earlier write stored it.

    `repeated` does not mean "nothing to do". The write that came first may have lost its reply,
    or its function may have died before publishing, so the outcome is published either way.
    """

    event: Event
    repeated: bool = False

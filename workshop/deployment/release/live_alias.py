"""A function's `live` alias: which version it points to, and which ones it pointed to before.

Who invokes a function asks for its alias, so that moving the alias is all it takes to release a
version, or to take it back. What was live before stands in the alias' own description, newest
first: written in the same request that moves the alias, for anybody to read in the console.
"""

import re
from dataclasses import dataclass
from typing import Any

from workshop.deployment.release import function_updates

UNPUBLISHED = "$LATEST"
"""What an alias points to before its function's first release: whatever was deployed last."""

UNPROVED = "?"
"""Behind a release's mark: begun, and neither proved nor taken back; a kill leaves it so."""

_ENTRY = re.compile(r"(?<!\S)(\d{8}T\d{6}Z\??)=(\d+)(?!\S)")

REMEMBERED = 10
"""Releases a description keeps: Lambda takes 256 characters."""


@dataclass(frozen=True)
class Entry:
    """A version that was live.

    Attributes:
        release: The release that made it so, such as ``20261122T141500Z``; with a `?` behind it as
            long as nothing has proved it.
        version: Its number.
    """

    release: str
    version: str


@dataclass(frozen=True)
class Live:
    """An alias.

    Attributes:
        version: What it points to: a version's number, or `UNPUBLISHED`.
        history: The releases that moved it, newest first; the newest is live.
        revision: Lambda's mark of this state: a move names it, so that of two at once one fails.
    """

    version: str
    history: tuple[Entry, ...]
    revision: str

    @property
    def begun(self) -> str | None:
        """The release that moved it here and was not proved, if there is one."""
        mark = self.history[0].release if self.history else ""
        return mark if mark.endswith(UNPROVED) else None

    @property
    def mark(self) -> str:
        """The release that moved it here, proved or not; empty when that is not known."""
        return self.history[0].release.removesuffix(UNPROVED) if self.history else ""

    @property
    def before(self) -> tuple[Entry, ...]:
        """The history without the newest release."""
        return self.history[1:]

    def released(self, release: str, version: str) -> tuple[Entry, ...]:
        """The history when a release has moved it on; one that goes on has one entry only."""
        rest = self.before if self.begun == release else self.history
        return (Entry(release, version), *rest)[:REMEMBERED]

    def proved(self) -> tuple[Entry, ...]:
        """The history when the newest release has proved itself."""
        newest = self.history[0]
        return (Entry(newest.release.removesuffix(UNPROVED), newest.version), *self.before)

    def replaced(self, version: str) -> tuple[Entry, ...]:
        """The history when the same release has another version: only a setting is different."""
        return tuple(Entry(each.release, version) for each in self.history[:1]) + self.history[1:]


def read(client: Any, function: str, alias: str) -> Live:
    """The alias of a function as it is now."""
    found = client.get_alias(FunctionName=function, Name=alias)
    history = _parse(found.get("Description", ""))
    if history and history[0].version != found["FunctionVersion"]:
        history = ()  # moved by somebody else: what was before is not known
    return Live(found["FunctionVersion"], history, found["RevisionId"])


def move(
    client: Any, function: str, alias: str, now: Live, version: str, history: tuple[Entry, ...]
) -> None:
    """Point an alias, found as `now`, to a version, and write down what was before."""
    client.update_alias(
        FunctionName=function,
        Name=alias,
        FunctionVersion=version,
        Description=" ".join(f"{each.release}={each.version}" for each in history),
        RoutingConfig={"AdditionalVersionWeights": {}},  # all of it, whatever somebody tried out
        RevisionId=now.revision,
    )


def publish(client: Any, function: str, until: float) -> str:
    """Make a version of a function as it stands; return its number.

    Lambda makes none when nothing has changed since the last one: it gives that one's number.

    Raises:
        WorkshopError: The function, or the version, was not ready in time.
    """
    settings = function_updates.settled(client, function, until)
    made = client.publish_version(FunctionName=function, CodeSha256=settings["CodeSha256"])
    version = str(made["Version"])
    function_updates.settled(client, function, until, version)
    return version


def _parse(description: str) -> tuple[Entry, ...]:
    """The releases that a description tells of; what else somebody wrote there is nobody's."""
    return tuple(Entry(*found) for found in _ENTRY.findall(description))

"""A function's `live` alias: which version it points to, and which ones it pointed to before.

Callers invoke a function through its alias, so moving the alias releases a version, or rolls it
back. The earlier versions are in the alias' description, newest first. The request that moves the
alias also writes them.
"""

import re
from dataclasses import dataclass
from typing import Any

from workshop.deployment.release import function_updates

UNPUBLISHED = "$LATEST"
"""What an alias points to before its function's first release: whatever was deployed last."""

UNVERIFIED = "?"
"""Suffix of a pending release: neither verified nor rolled back, for example after a kill."""

_ENTRY = re.compile(r"(?<!\S)(\d{8}T\d{6}Z\??)=(\d+)(?!\S)")

REMEMBERED = 10
"""Releases a description keeps: Lambda takes 256 characters."""


@dataclass(frozen=True)
class Entry:
    """A version that was live.

    Attributes:
        release: The release that made it so, such as ``20261122T141500Z``; with the
            suffix `?` while it is pending.
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
    def pending(self) -> str | None:
        """The pending release that moved it here, if there is one."""
        mark = self.history[0].release if self.history else ""
        return mark if mark.endswith(UNVERIFIED) else None

    @property
    def mark(self) -> str:
        """The release that moved it here, verified or not; empty when it is unknown."""
        return self.history[0].release.removesuffix(UNVERIFIED) if self.history else ""

    @property
    def before(self) -> tuple[Entry, ...]:
        """The history without the newest release."""
        return self.history[1:]

    def released(self, release: str, version: str) -> tuple[Entry, ...]:
        """The history when a release has moved it on; one that goes on has one entry only."""
        rest = self.before if self.pending == release else self.history
        return (Entry(release, version), *rest)[:REMEMBERED]

    def verified(self) -> tuple[Entry, ...]:
        """Return the history after the newest release was verified."""
        newest = self.history[0]
        return (Entry(newest.release.removesuffix(UNVERIFIED), newest.version), *self.before)

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
    """Publish a version of a function's current code and settings; return its number.

    When nothing has changed, Lambda returns the number of the last version.

    Raises:
        WorkshopError: The function, or the version, was not ready in time.
    """
    settings = function_updates.wait_until_updated(client, function, until)
    made = client.publish_version(FunctionName=function, CodeSha256=settings["CodeSha256"])
    version = str(made["Version"])
    function_updates.wait_until_updated(client, function, until, version)
    return version


def _parse(description: str) -> tuple[Entry, ...]:
    """Return the releases in a description; other text is ignored."""
    return tuple(Entry(*found) for found in _ENTRY.findall(description))

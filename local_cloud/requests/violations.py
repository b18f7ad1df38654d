"""What is wrong with a request, in the words that AWS's services share.

The words are those of responses recorded on AWS: LocalStack 8b9a79f0 (`*.snapshot.json`) and
dynamodb-conformance of nubo-db (its README: every test passes on DynamoDB itself).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

Path = tuple[Any, ...]
"""The names from the request down to a value, as nested pairs: `((), "targets"), "1.member"`."""

NOT_NULL = "Member must not be null"

_REPORTED = 10
"""How many violations a response lists: dynalite's tests, recorded on DynamoDB."""


class SerializationError(Exception):
    """A value has another type than the service's model says."""


@dataclass(frozen=True)
class Violation:
    """A value that does not satisfy a constraint of the service's model."""

    shape: Shape
    value: Any
    path: Path
    constraint: str

    @property
    def name(self) -> str:
        """Return the path as AWS writes it: `targets.1.member.id`."""
        return ".".join(_names(self.path))

    def __str__(self) -> str:
        """Return AWS's sentence."""
        if self.value is None:
            found = " null"
        elif getattr(self.shape, "metadata", {}).get("sensitive"):
            found = ""
        else:
            found = f" '{text(self.shape, self.value)}'"
        return f"Value{found} at '{self.name}' failed to satisfy constraint: {self.constraint}"


def lowered(name: str) -> str:
    """Return a member's name as in AWS's messages: the first character in lower case."""
    return name[:1].lower() + name[1:]


def _names(path: Path) -> list[str]:
    names: list[str] = []
    while path:
        path, name = path
        names.append(name)
    return names[::-1]


def summary(violations: Iterable[Violation]) -> str:
    """Return AWS's message about all violations of a request."""
    listed = list(violations)[:_REPORTED]
    errors = "error" if len(listed) == 1 else "errors"
    return f"{len(listed)} validation {errors} detected: {'; '.join(map(str, listed))}"


def text(shape: Shape, value: Any) -> str:
    """Return a value as Java prints it, which is how AWS's messages quote it."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    if isinstance(shape, ListShape) and isinstance(value, list):
        return f"[{', '.join(text(shape.member, item) for item in value)}]"
    if isinstance(shape, MapShape) and isinstance(value, Mapping):
        pairs = (f"{key}={text(shape.value, item)}" for key, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        pairs = (
            f"{lowered(name)}={text(member, value.get(wire_name(name, member)))}"
            for name, member in shape.members.items()
        )
        return f"{shape.name}({', '.join(pairs)})"
    return str(value)


def wire_name(name: str, member: Shape) -> str:
    """Return the name that a member has in requests."""
    found: str = member.serialization.get("name", name)
    return found

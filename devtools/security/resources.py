"""The planned resources, in the form that checks read."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

_POLICIES = {
    "aws_iam_policy": "policy",
    "aws_iam_role": "assume_role_policy",
    "aws_iam_role_policy": "policy",
    "aws_s3_bucket_policy": "policy",
    "aws_sns_topic_policy": "policy",
    "aws_sqs_queue_policy": "policy",
}
"""Type of resource → the attribute that holds its policy."""

_MAY_HAVE_ONE = {"aws_sqs_queue": "policy", "aws_sns_topic": "policy"}
"""The same for those that need none."""

Statement = dict[str, Any]


@dataclass(frozen=True)
class Finding:
    """A problem that a check found.

    Attributes:
        check: The check's name.
        address: The resource's address in Terraform.
        subject: A part of it, such as a statement's Sid; empty for all of it.
        message: The problem in a sentence.
    """

    check: str
    address: str
    subject: str
    message: str

    def __str__(self) -> str:
        where = f"{self.address} {self.subject}".strip()
        return f"{self.check}: {where}: {self.message}"


@dataclass(frozen=True)
class Resource:
    """A planned resource: its address, its type, and its known values."""

    address: str
    type: str
    values: dict[str, Any]

    def finding(self, check: Callable[..., Any], message: str, subject: str = "") -> Finding:
        """Return a check's finding about it."""
        return Finding(check.__name__, self.address, subject, message)

    def nested(self, *blocks: str) -> dict[str, Any]:
        """Return the first block of a name, and of a name in that; empty when there is none."""
        values = self.values
        for block in blocks:
            values = next(iter(values.get(block) or ()), {})
        return values


class Resources:
    """All resources after the apply of a plan."""

    def __init__(self, plan: dict[str, Any]) -> None:
        """Read a plan in Terraform's JSON form."""
        self._all = list(_walk(plan["planned_values"]["root_module"]))

    @property
    def all(self) -> list[Resource]:
        """Return all resources."""
        return self._all

    def of(self, *types: str) -> list[Resource]:
        """Return the resources of some types."""
        return [each for each in self._all if each.type in types]

    @cached_property
    def statements(self) -> list[tuple[Resource, Statement]]:
        """Return all statements of all policies."""
        return [
            (each, statement)
            for each, policy in self.policies
            if policy
            for statement in listed(json.loads(policy)["Statement"])
        ]

    @cached_property
    def policies(self) -> list[tuple[Resource, str | None]]:
        """Return all policies as JSON; None for an unknown one."""
        certain = [(each, each.values.get(_POLICIES[each.type])) for each in self.of(*_POLICIES)]
        possible = [
            (each, each.values[_MAY_HAVE_ONE[each.type]])
            for each in self.of(*_MAY_HAVE_ONE)
            if each.values.get(_MAY_HAVE_ONE[each.type])
        ]
        return certain + possible

    def with_arn(self, kind: str, arn: str | None) -> Resource | None:
        """Return the resource of a type that has this ARN."""
        return next((each for each in self.of(kind) if arn and each.values.get("arn") == arn), None)


def _walk(module: dict[str, Any]) -> Iterator[Resource]:
    for each in module.get("resources", ()):
        if each["mode"] == "managed":
            yield Resource(each["address"], each["type"], each.get("values", {}))
    for child in module.get("child_modules", ()):
        yield from _walk(child)


def listed(value: Any) -> list[Any]:
    """Return a policy's value as a list, also if it is a single one."""
    return value if isinstance(value, list) else [value]

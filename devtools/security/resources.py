"""What a plan says will be there, in the form that checks read."""

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
    """Something wrong.

    Attributes:
        check: The check's name.
        address: Of the resource, as Terraform writes it.
        subject: Which part of it: a statement's Sid, say; empty for all of it.
        message: What is wrong, a sentence.
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
    """A resource as it will be: its address, its type, and the values that are known."""

    address: str
    type: str
    values: dict[str, Any]

    def finding(self, check: Callable[..., Any], message: str, subject: str = "") -> Finding:
        """What a check finds wrong with it."""
        return Finding(check.__name__, self.address, subject, message)

    def nested(self, *blocks: str) -> dict[str, Any]:
        """The first block of a name, and of a name in that; empty when there is none."""
        values = self.values
        for block in blocks:
            values = next(iter(values.get(block) or ()), {})
        return values


class Resources:
    """All resources that will be there when a plan is carried out."""

    def __init__(self, plan: dict[str, Any]) -> None:
        """Read a plan in Terraform's JSON form."""
        self._all = list(_walk(plan["planned_values"]["root_module"]))

    def of(self, *types: str) -> list[Resource]:
        """Those of some types."""
        return [each for each in self._all if each.type in types]

    @cached_property
    def statements(self) -> list[tuple[Resource, Statement]]:
        """All statements of all policies."""
        return [
            (each, statement)
            for each, policy in self.policies
            if policy
            for statement in listed(json.loads(policy)["Statement"])
        ]

    @cached_property
    def policies(self) -> list[tuple[Resource, str | None]]:
        """All policies as JSON; None for one that is not known yet."""
        certain = [(each, each.values.get(_POLICIES[each.type])) for each in self.of(*_POLICIES)]
        possible = [
            (each, each.values[_MAY_HAVE_ONE[each.type]])
            for each in self.of(*_MAY_HAVE_ONE)
            if each.values.get(_MAY_HAVE_ONE[each.type])
        ]
        return certain + possible

    def with_arn(self, kind: str, arn: str | None) -> Resource | None:
        """The resource of a type that has this ARN."""
        return next((each for each in self.of(kind) if arn and each.values.get("arn") == arn), None)


def _walk(module: dict[str, Any]) -> Iterator[Resource]:
    for each in module.get("resources", ()):
        if each["mode"] == "managed":
            yield Resource(each["address"], each["type"], each["values"])
    for child in module.get("child_modules", ()):
        yield from _walk(child)


def listed(value: Any) -> list[Any]:
    """A value of a policy, where one may stand for a list of one."""
    return value if isinstance(value, list) else [value]

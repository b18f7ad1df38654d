"""The access matrix: which role may do what with which table, bus, queue and function.

Read from the stages' Terraform files, for the document; and from policies, for the tests, which
compare the two on a deployed stack.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from devtools.security.resources import listed
from workshop.errors import UsageError
from workshop.paths import CICD, TERRAFORM, in_stages

FOR_AWS = {
    "WriteOwnLogs": "Lambda writes what the function prints. Terraform creates the group.",
    "WriteTraces": "Lambda sends the trace of each run. X-Ray has no resource types for this.",
    "SendOwnFailures": "Lambda sends a failed event to the function's on-failure destination.",
}
"""Sid of a statement whose actions AWS's services use with the function's role → why."""

NOT_REQUESTED_LOCALLY = frozenset({"WriteOwnLogs", "WriteTraces"})
"""Those that the local cloud does not need: it keeps the logs itself, and has no X-Ray."""

LOGS, ANYTHING = "its own log group", "*"
ALIAS = ":live"
"""Functions are invoked through their alias, on a stack with all stages."""

_NAMES = {
    r"arn:aws:dynamodb:[^/]+/([^/]+)/index/([^/]+)": r"index \1/\2",
    r"arn:aws:dynamodb:[^/]+/([^/]+)": r"table \1",
    r"arn:aws:events:[^/]+event-bus/(.+)": r"\1",
    r"arn:aws:sqs:.+:(.+)": r"queue \1",
    r"arn:aws:lambda:.+:function:(.+)": r"function \1",
    r"arn:aws:logs:.+": LOGS,
}
"""An ARN without the prefix of the stack → the resource of a `Grant`."""

_MODULE = re.compile(r'^module "\w+" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
_SHARED = re.compile(r"^  (\w+) = \{\n(.*?)^  \}", re.MULTILINE | re.DOTALL)
_TABLE = re.compile(r"^  table = \{\n(.*?)^  \}", re.MULTILINE | re.DOTALL)
_ARN_OF_TABLE = re.compile(
    r"^ +arn += (?:aws_dynamodb_table\.(\w+)|var\.(\w+)_table)\.arn", re.MULTILINE
)
_STATEMENT = re.compile(
    r'[sS]id += "(?P<sid>\w+)"\n(?:\s+Effect += "Allow"\n)?'
    r"\s+[aA]ctions? += \[(?P<actions>[^\]]*)\][^\n]*\n\s+[rR]esources? += (?P<on>[^\n]*)\n"
)
_ROLE_POLICY = re.compile(
    r'^resource "aws_iam_role_policy" "\w+" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL
)
_ROLE = re.compile(
    r'^resource "aws_iam_role" "(\w+)" \{\n +name += "\$\{var\.stack\.name_prefix\}-([\w-]+)"',
    re.MULTILINE,
)
_QUOTED = re.compile(r'"([^"]*)"')
_COMMENT = re.compile(r" +#[^\n]*")

FAILED, UNDELIVERED = KINDS = "failed", "undelivered"
"""A consumer's dead-letter queues."""


@dataclass(frozen=True, order=True)
class Grant:
    """A permission of a role.

    Attributes:
        role: The role's name without the stack's prefix; a function's is its key.
        action: Such as dynamodb:PutItem.
        resource: Such as `table orders`, `index orders/by-customer`, `bus`, `queue payment-failed`
            or `function payment:live`.
        event: Source and detail type of the only event that the role may publish; else empty.
        sid: The statement's id.
    """

    role: str
    action: str
    resource: str
    event: str = ""
    sid: str = ""


def in_policies(role: str, prefix: str, documents: Iterable[Mapping[str, Any]]) -> set[Grant]:
    """Return what policies allow.

    Args:
        role: The role's name, without the prefix.
        prefix: The start of every name of the stack, such as `orderflow`.
        documents: The policies.
    """
    return {
        Grant(role, action, resource_name(arn, prefix), _event(statement), statement["Sid"])
        for document in documents
        for statement in listed(document["Statement"])
        for action in listed(statement["Action"])
        for arn in listed(statement["Resource"])
    }


def resource_name(arn: str, prefix: str) -> str:
    """Return a resource of a `Grant` by its ARN.

    Args:
        arn: The ARN, or `*`.
        prefix: The start of every name of the stack.
    """
    own = arn.replace(f"{prefix}-", "", 1)
    for pattern, name in _NAMES.items():
        if found := re.fullmatch(pattern, own):
            return found.expand(name)
    return arn


@cache
def in_terraform() -> tuple[Grant, ...]:
    """Return what the stages' Terraform files allow on a stack with all stages, in their order.

    Raises:
        UsageError: A statement has a resource that this module does not know.
    """
    found: list[Grant] = []
    for path in in_stages("terraform/*.tf"):
        if path.is_relative_to(CICD):  # the pipeline's roles are not a part of the stack
            continue
        text = _COMMENT.sub("", path.read_text("utf-8"))
        found += [*_of_modules(text, path), *_of_role_policies(text, path)]
    return tuple(found)


@cache
def consumers() -> tuple[str, ...]:
    """Return the keys of the functions that events invoke."""
    return tuple(sorted(path.stem for path in in_stages("terraform/patterns/*.json")))


def _event(statement: Mapping[str, Any]) -> str:
    equal = statement.get("Condition", {}).get("StringEquals", {})
    return " ".join(equal.get(f"events:{key}", "") for key in ("source", "detail-type")).strip()


def _of_modules(text: str, path: Path) -> Iterator[Grant]:
    """Yield the permissions of the functions of a file."""
    shared = dict(_SHARED.findall(text))
    for module in _MODULE.findall(text):
        key = _assigned("key", module)
        if key is None:
            continue
        body = module
        for name, of in re.findall(r"^  (\w+) += local\.(\w+)$", module, re.MULTILINE):
            body += f"  {name} = {{\n{shared.get(of, '')}  }}\n"
        for sid, actions, on in _statements(_base()):
            yield from _allowed(key, sid, actions, on, path)
        for table in _TABLE.findall(body):
            yield from _on_table(key, table)
        if source := _assigned("source", body, "publishes"):
            event = f"{source} {_assigned('detail_type', body)}"
            yield Grant(key, "events:PutEvents", "bus", event, "PublishOwnEvents")
        for sid, actions, on in _statements(body):
            yield from _allowed(key, sid, actions, on, path)


def _on_table(key: str, table: str) -> Iterator[Grant]:
    arn = _ARN_OF_TABLE.search(table)
    assert arn is not None  # noqa: S101 - Terraform requires it
    name = arn[1] or arn[2]
    for action in _list("actions", table):
        yield Grant(key, f"dynamodb:{action}", f"table {name}", sid="UseOwnTable")
    for index in _list("query_indexes", table):
        yield Grant(key, "dynamodb:Query", f"index {name}/{index}", sid="QueryOwnIndexes")


def _of_role_policies(text: str, path: Path) -> Iterator[Grant]:
    """Yield the permissions of a file's policies outside event-function."""
    names = dict(_ROLE.findall(text))
    for body in _ROLE_POLICY.findall(text):
        role = re.search(r"^ +role += aws_iam_role\.(\w+)\.", body, re.MULTILINE)
        for key in [names[role[1]]] if role else consumers():
            for sid, actions, on in _statements(body):
                yield from _allowed(key, sid, actions, on, path)


def _allowed(role: str, sid: str, actions: list[str], on: str, path: Path) -> Iterator[Grant]:
    """Yield the permissions of a statement; `on` is its resource as Terraform has it."""
    queues = {kind: [f"queue {each}-{kind}" for each in consumers()] for kind in KINDS}
    known = {
        '["${aws_cloudwatch_log_group.this.arn}:*"]': [LOGS],
        '["*"]': [ANYTHING],
        "local.queues[*].arn": [*queues[UNDELIVERED], *queues[FAILED]],
        "[aws_sqs_queue.failed[each.key].arn]": [f"queue {role}-{FAILED}"],
        "[for key in var.consumers : var.functions[key].invoke_arn]": [
            f"function {each}{ALIAS}" for each in consumers()
        ],
        "[module.reconciler.function.invoke_arn]": [f"function reconciler{ALIAS}"],
    }
    if on not in known:
        raise UsageError(f"{path.name}: {sid} is on {on}, which devtools.security.access lacks.")
    for action in actions:
        for resource in known[on]:
            yield Grant(role, action, resource, sid=sid)


def _statements(text: str) -> list[tuple[str, list[str], str]]:
    return [
        (each["sid"], _QUOTED.findall(each["actions"]), each["on"].strip())
        for each in _STATEMENT.finditer(text)
    ]


@cache
def _base() -> str:
    """Return the statements that every function has."""
    text = (TERRAFORM / "modules/event-function/main.tf").read_text("utf-8")
    return _COMMENT.sub("", text.partition("Statement = concat(")[2].partition("[for ")[0])


def _assigned(name: str, body: str, block: str = "") -> str | None:
    if block:
        found = re.search(rf"^  {block} = \{{\n(.*?)^  \}}", body, re.MULTILINE | re.DOTALL)
        body = found[1] if found else ""
    value = re.search(rf'^ +{name} += "([^"]*)"', body, re.MULTILINE)
    return value[1] if value else None


def _list(name: str, body: str) -> list[str]:
    found = re.search(rf"^ +{name} += \[([^\]]*)\]", body, re.MULTILINE)
    return _QUOTED.findall(found[1]) if found else []

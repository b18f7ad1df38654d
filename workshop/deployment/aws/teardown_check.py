"""The proof that nothing of a destroyed stack is left: by tag, and by name in every service."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from workshop.console import Spinner
from workshop.deployment.aws.account_lists import LISTS
from workshop.deployment.target import Target

SECONDS = 90.0
"""How long a resource may go on being listed after it is gone.

"If you delete a bucket and immediately list all buckets, the deleted bucket might still appear"
(Amazon S3 user guide, data consistency model); IAM's lists and the tags are as late."""

_POLL_SECONDS = 3.0

Found = TypeVar("Found")

IN_ARNS = {"apigateway": "apigatewayv2"}
"""Services that ARNs call otherwise than boto3 does."""


@dataclass
class Leftovers:
    """What is left in an account of a stack.

    Attributes:
        found: What is left, by service and name.
        not_searched: What the caller may not list.
        gone_but_listed: What is still listed by its tag, while its service does not know it.
    """

    found: list[str] = field(default_factory=list)
    not_searched: list[str] = field(default_factory=list)
    gone_but_listed: list[str] = field(default_factory=list)


def until_gone(
    look: Callable[[], Found], left: Callable[[Found], object] = bool, seconds: float = SECONDS
) -> Found:
    """Look for what should be gone, again and again until nothing is found.

    Args:
        look: Asks AWS.
        left: Whether something of what `look` returned is left.
        seconds: How long; then what was found last is returned.
    """
    deadline = time.monotonic() + seconds
    with Spinner("Waiting until AWS lists nothing of it any more …") as spinner:
        while left(found := look()) and time.monotonic() < deadline:
            spinner.waiting()
            time.sleep(_POLL_SECONDS)
    return found


def search(target: Target, prefix: str, seconds: float = SECONDS) -> Leftovers:
    """Everything in the account and region that has the stack's tag, or a name as its names are.

    Args:
        target: The account.
        prefix: Start of the stack's names.
        seconds: How long something that is gone may still be listed.
    """
    return until_gone(
        lambda: _search(target, prefix),
        lambda left: left.found or left.gone_but_listed,
        seconds,
    )


def _search(target: Target, prefix: str) -> Leftovers:
    from botocore.exceptions import ClientError

    left = Leftovers()
    closed = set()

    def closed_to_us(service: str, error: ClientError) -> None:
        # Who may destroy a stack need not be allowed to list all there is.
        closed.add(service)
        left.not_searched.append(f"{service}: {error.response['Error']['Code']}")

    others: frozenset[str] = frozenset()
    try:
        others = _other_stacks(target, prefix)
    except ClientError as error:
        closed_to_us("tags", error)
    for service, operation, key, name in LISTS:
        try:
            names = list(_names(target, service, operation, key, name))
        except ClientError as error:
            closed_to_us(service, error)
            continue
        left.found += [
            f"{service}: {each}" for each in names if belongs_to_stack(each, prefix, others)
        ]
    if "tags" in closed:
        return left
    searched = {service for service, *_ in LISTS} - closed
    with_names = {each.partition(":")[0] for each in left.found}
    for arn, _ in _resources(target, [{"Key": "Stack", "Values": [prefix]}]):
        service = IN_ARNS.get(arn.split(":")[2], arn.split(":")[2])
        # Its own service lists nothing of the stack: then it is gone, whatever tags say.
        gone = service in searched - with_names
        (left.gone_but_listed if gone else left.found).append(f"tagged: {arn}")
    return left


def belongs_to_stack(name: str, prefix: str, others: Collection[str] = ()) -> bool:
    """Whether the last part of a name, an ARN or an address is the stack's prefix, or has it.

    Args:
        name: The name.
        prefix: Start of the stack's names.
        others: Prefixes of other stacks, which may begin with this one's.
    """
    last = name.replace(":", "/").rpartition("/")[2]
    if any(belongs_to_stack(name, other) for other in others):
        return False
    return last == prefix or last.startswith(f"{prefix}-")


def _other_stacks(target: Target, prefix: str) -> frozenset[str]:
    """Prefixes of stacks whose names begin as this one's do, by the tags there are."""
    filters: list[dict[str, object]] = [{"Key": "Stack"}]
    stacks = {tags.get("Stack", "") for _, tags in _resources(target, filters)}
    return frozenset(each for each in stacks if each.startswith(f"{prefix}-"))


def _resources(
    target: Target, filters: Sequence[Mapping[str, object]]
) -> Iterator[tuple[str, dict[str, str]]]:
    pages = target.client("resourcegroupstaggingapi").get_paginator("get_resources")
    for page in pages.paginate(TagFilters=filters):
        for each in page["ResourceTagMappingList"]:
            yield each["ResourceARN"], {tag["Key"]: tag["Value"] for tag in each["Tags"]}


def _names(
    target: Target, service: str, operation: str, key: str, name: str | None
) -> Iterator[str]:
    whose = {"AccountId": target.account} if service == "budgets" else {}
    for page in pages(target.client(service), operation, **whose):
        for each in page.get(key, []):
            yield each[name] if name else each


def pages(client: Any, operation: str, **query: Any) -> Iterator[dict[str, Any]]:
    """Yield all pages of a list, also of one that boto3 has no paginator for.

    Args:
        client: A boto3 client.
        operation: Its method, such as `list_archives`.
        query: The operation's parameters.
    """
    if client.can_paginate(operation):
        yield from client.get_paginator(operation).paginate(**query)
        return
    page = getattr(client, operation)(**query)
    yield page
    while token := page.get("NextToken"):
        page = getattr(client, operation)(**query, NextToken=token)
        yield page

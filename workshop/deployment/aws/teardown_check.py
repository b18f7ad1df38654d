"""The proof that nothing of a destroyed stack is left: by tag, and by name in every service."""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from workshop.console import SignOfLife
from workshop.deployment.target import Target

SECONDS = 90.0
"""How long a resource may go on being listed by its tag after it is gone."""

_POLL_SECONDS = 3.0

LISTS = (
    # service, operation, where its answer has the list, and each entry its name
    ("apigatewayv2", "get_apis", "Items", "Name"),
    ("budgets", "describe_budgets", "Budgets", "BudgetName"),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    ("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    ("dynamodb", "list_tables", "TableNames", None),
    ("events", "list_archives", "Archives", "ArchiveName"),
    ("events", "list_event_buses", "EventBuses", "Name"),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("lambda", "list_functions", "Functions", "FunctionName"),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("s3", "list_buckets", "Buckets", "Name"),
    ("scheduler", "list_schedules", "Schedules", "Name"),
    ("sns", "list_topics", "Topics", "TopicArn"),
    ("sqs", "list_queues", "QueueUrls", None),
)

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


def search(target: Target, prefix: str, seconds: float = SECONDS) -> Leftovers:
    """Everything in the account and region that has the stack's tag, or a name as its names are.

    Args:
        target: The account.
        prefix: Start of the stack's names.
        seconds: How long something that only its tag still tells of may take to vanish.
    """
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
        left.found += [f"{service}: {each}" for each in names if is_ours(each, prefix, others)]
    if "tags" in closed:
        return left
    searched = {service for service, *_ in LISTS} - closed
    with_names = {each.partition(":")[0] for each in left.found}
    for arn in _tagged_until_gone(target, prefix, 0 if left.found else seconds):
        service = IN_ARNS.get(arn.split(":")[2], arn.split(":")[2])
        # Its own service lists nothing of the stack: then it is gone, whatever tags say.
        gone = service in searched - with_names
        (left.gone_but_listed if gone else left.found).append(f"tagged: {arn}")
    return left


def is_ours(name: str, prefix: str, others: Collection[str] = ()) -> bool:
    """Whether the last part of a name, an ARN or an address is the stack's prefix, or has it.

    Args:
        name: The name.
        prefix: Start of the stack's names.
        others: Prefixes of other stacks, which may begin with this one's.
    """
    last = name.replace(":", "/").rpartition("/")[2]
    if any(is_ours(name, other) for other in others):
        return False
    return last == prefix or last.startswith(f"{prefix}-")


def _other_stacks(target: Target, prefix: str) -> frozenset[str]:
    """Prefixes of stacks whose names begin as this one's do, by the tags there are."""
    filters: list[dict[str, object]] = [{"Key": "Stack"}]
    stacks = {tags.get("Stack", "") for _, tags in _resources(target, filters)}
    return frozenset(each for each in stacks if each.startswith(f"{prefix}-"))


def _tagged_until_gone(target: Target, prefix: str, seconds: float) -> list[str]:
    """What has the stack's tag; asked again for a while, as deleted things may stay listed."""
    deadline = time.monotonic() + seconds
    with SignOfLife("Waiting until AWS lists nothing of the stack any more …") as sign:
        while True:
            filters = [{"Key": "Stack", "Values": [prefix]}]
            found = [arn for arn, _ in _resources(target, filters)]
            if not found or time.monotonic() > deadline:
                return found
            sign.waiting()
            time.sleep(_POLL_SECONDS)


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
    client = target.client(service)
    whose = {"AccountId": target.account} if service == "budgets" else {}
    if client.can_paginate(operation):
        pages = client.get_paginator(operation).paginate(**whose)
    else:
        pages = [getattr(client, operation)(**whose)]
    for page in pages:
        for each in page.get(key, []):
            yield each[name] if name else each

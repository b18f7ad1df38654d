"""What a stack consists of, part by part, and which parts are missing."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from workshop.deployment.aws_errors import NOT_FOUND
from workshop.deployment.release import live_alias
from workshop.deployment.stack import Stack
from workshop.paths import in_stages

MISSING = "MISSING"
DISABLED = "its rule is DISABLED"

QUEUES = {"failed": "failed", "undelivered": "not delivered", "unprocessed": "not processed"}
"""A consumer's dead-letter queues: kind → what is said of their messages. The last one belongs to a
buffer."""


class Parts:
    """The parts of a stack, as they are now.

    Attributes:
        missing: Those that are missing or switched off, in words; known when all rows were read.
    """

    def __init__(self, stack: Stack) -> None:
        """Take the stack."""
        self._stack = stack
        self.missing: list[str] = []

    def rows(self) -> Iterator[tuple[str, str]]:
        """Yield each part's label, and what it is called and holds.

        Raises:
            ClientError: AWS refused a request for another reason than that a part is missing.
        """
        stack = self._stack
        bus = stack.outputs.event_bus_name
        yield "event bus", self._read("event bus", partial(self._bus, bus))
        rules = self._rules()
        for key, name in stack.outputs.function_names.items():
            described = self._read(f"function {key}", partial(self._function, name))
            yield f"function {key}", f"{described}{self._rule(key, name, rules)}"
        for key, name in stack.outputs.table_names.items():
            yield f"table {key}", self._read(f"table {key}", partial(self._table, name))
        for key in stack.outputs.dead_letter_queue_urls:
            yield f"queue {key}", self._queues(key)
        for key, url in stack.outputs.buffer_queue_urls.items():
            waits = self._read(f"buffer of {key}", partial(self._queue, url, "waiting"))
            yield f"buffer {key}", waits or "empty"

    def _read(self, what: str, read: Callable[[], str]) -> str:
        """Return what a part says, or that it is missing."""
        from botocore.exceptions import ClientError

        try:
            return read()
        except ClientError as error:
            if not NOT_FOUND.search(str(error)):
                raise
            self.missing.append(f"{what} is missing")
            return MISSING

    def _bus(self, name: str) -> str:
        return str(self._stack.client("events").describe_event_bus(Name=name)["Name"])

    def _function(self, name: str) -> str:
        client, alias = self._stack.client("lambda"), self._stack.outputs.live_alias
        if alias:
            return f"{name}  version {live_alias.read(client, name, alias).version}"
        return str(client.get_function_configuration(FunctionName=name)["FunctionName"])

    def _rules(self) -> dict[str, str]:
        """Return rule → its state; none when the bus is missing."""
        from botocore.exceptions import ClientError

        try:
            return rule_states(self._stack)
        except ClientError as error:
            if not NOT_FOUND.search(str(error)):
                raise
            return {}

    def _rule(self, key: str, name: str, rules: dict[str, str]) -> str:
        """Return what is wrong with the rule that brings a function its events."""
        if not in_stages(f"terraform/patterns/{key}.json"):
            return ""  # no event invokes it
        if name not in rules:
            self.missing.append(f"the rule of {key} is missing")
            return f"  its rule is {MISSING}"
        if rules[name] != "ENABLED":
            self.missing.append(f"the rule of {key} is disabled")
            return f"  {DISABLED}"
        return ""

    def _table(self, name: str) -> str:
        """Return a table's name and number of items."""
        about, count = "" if self._stack.target.own else "about ", item_count(self._stack, name)
        return f"{name}  {about}{count} item{'' if count == 1 else 's'}"

    def _queues(self, key: str) -> str:
        """Return what a consumer's dead-letter queues hold."""
        urls = self._stack.outputs.dead_letter_queue_urls[key]
        counts = [
            self._read(
                f"queue {kind} of {key}",
                partial(self._queue, urls[kind], words),
            )
            for kind, words in QUEUES.items()
            if kind in urls
        ]
        return ", ".join(filter(None, counts)) or "empty"

    def _queue(self, url: str, words: str) -> str:
        visible, held = "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"
        read = self._stack.client("sqs").get_queue_attributes(
            QueueUrl=url, AttributeNames=[visible, held]
        )
        waits, hidden = (int(read["Attributes"][name]) for name in (visible, held))
        return (
            f"{waits + hidden} {words}{f' ({hidden} held just now)' if hidden else ''}"
            if waits + hidden
            else ""
        )


def rule_states(stack: Stack) -> dict[str, str]:
    """Return the stack's rules: name → state.

    Raises:
        ClientError: AWS refused the request, or the bus is missing.
    """
    client = stack.client("events")
    found: dict[str, str] = {}
    token: dict[str, str] = {}
    while True:
        page = client.list_rules(EventBusName=stack.outputs.event_bus_name, **token)
        found |= {rule["Name"]: rule["State"] for rule in page["Rules"]}
        if "NextToken" not in page:
            return found
        token = {"NextToken": page["NextToken"]}


def item_count(stack: Stack, table: str) -> int:
    """Return a table's number of items; AWS counts only every six hours or so.

    Raises:
        ClientError: AWS refused the request, or the table is missing.
    """
    return int(stack.client("dynamodb").describe_table(TableName=table)["Table"]["ItemCount"])


def counted(counts: list[tuple[str, int]]) -> str:
    """Return counts, a line each; those of nothing left out."""
    return "\n".join(f"{count} {what}" for what, count in counts if count)


def held_messages(sqs: Any, url: str) -> int:
    """Return how many messages a queue holds, visible or not; 0 if there is no queue.

    Raises:
        ClientError: AWS refused the request for another reason than that the queue is missing.
    """
    from botocore.exceptions import ClientError

    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    try:
        read = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    except ClientError as error:
        if not NOT_FOUND.search(str(error)):
            raise
        return 0
    return sum(int(read[name]) for name in names)

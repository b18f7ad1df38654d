"""A deployed stack: its target, its names, and clients."""

import json
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from local_cloud.process import LocalCloud
from workshop.deployment.target import Target
from workshop.errors import NoStackError, UsageError, WorkshopError
from workshop.files import write_atomically
from workshop.paths import CLOUDS, LAST_STAGE, LOCAL_CLOUD_ENVIRONMENT, python_of

CLOUD_VARIABLE = "WORKSHOP_CLOUD"
"""Names the cloud that all commands use; ``default`` when it is not set."""

DEFAULT_CLOUD = "default"

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")


@dataclass(frozen=True)
class Outputs:
    """Terraform's outputs; the maps have the keys of the event flow, such as ``payment-refund``.

    A consumer's two dead-letter queues are ``undelivered`` and ``failed``; before stage 5 there is
    none. ``live_alias`` is what everybody invokes of each function; None before stage 6. A consumer
    with a buffer has its queue in ``buffer_queue_urls``, and a third dead-letter queue,
    ``unprocessed``.
    """

    api_endpoint: str
    event_bus_name: str
    region: str
    function_names: dict[str, str]
    table_names: dict[str, str]
    dead_letter_queue_urls: dict[str, dict[str, str]]
    live_alias: str | None = None
    buffer_queue_urls: dict[str, str] = field(default_factory=dict)

    @property
    def function_keys(self) -> dict[str, str]:
        """Function name → key: the other way round than `function_names`."""
        return {name: key for key, name in self.function_names.items()}

    @property
    def buffer_keys(self) -> dict[str, str]:
        """Name of a buffer's queue → key of its function."""
        return {url.rpartition("/")[2]: key for key, url in self.buffer_queue_urls.items()}


@dataclass
class Record:
    """What the tools remember about a cloud between two commands.

    Attributes:
        region: The region.
        account: The account's number.
        endpoint_url: Address of a local cloud; None on AWS.
        boot_id: Which start of the local cloud holds the stack; None on AWS.
        stage: The stage that was deployed, or was about to be.
        complete: False from the start of an apply to its end, good or bad: found False, the
            apply was killed, and nobody knows what it had made.
        applied: Hash of the Terraform configuration that the last good apply was for.
        bundles: By package, the hash of the code last deployed, as Lambda reports it.
        outputs: Terraform's outputs of the last successful apply.
        alarm_email: The address for alarms on AWS; empty for none.
        since: By stage, when the stack last came to it from another one; only local clouds.
    """

    region: str
    account: str
    endpoint_url: str | None
    boot_id: str | None
    stage: int = 0
    complete: bool = True
    applied: str = ""
    bundles: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    alarm_email: str = ""
    since: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, directory: Path) -> "Record | None":
        """Return the record of a cloud; None when there is none, or it is damaged.

        Raises:
            WorkshopError: The system does not let it be read: whether there is one is unknown.
        """
        path = directory / "stack.json"
        try:
            return cls(**json.loads(path.read_text("utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None
        except OSError as error:
            raise WorkshopError(
                f"{path} cannot be read ({error.strerror}). Fix that, then run this again."
            ) from error

    def save(self, directory: Path) -> None:
        """Write the record."""
        directory.mkdir(parents=True, exist_ok=True)
        write_atomically(directory / "stack.json", json.dumps(asdict(self), indent=1))


@dataclass(frozen=True)
class Stack:
    """A stack that is up.

    Attributes:
        target: Where it is, and the way there.
        stage: How far it is built.
        outputs: The names of what it consists of.
    """

    target: Target
    stage: int
    outputs: Outputs

    def invokable(self, key: str) -> str:
        """What Lambda is to invoke for a function's key: its name, or its name and its alias."""
        name, alias = self.outputs.function_names[key], self.outputs.live_alias
        return f"{name}:{alias}" if alias else name

    def invokable_arn(self, key: str) -> str:
        """Return the ARN of what Lambda is to invoke for a function's key."""
        target = self.target
        partition = target.session().get_partition_for_region(target.region)
        return (
            f"arn:{partition}:lambda:{target.region}:{target.account}:function:"
            f"{self.invokable(key)}"
        )

    def client(self, service: str) -> Any:
        """A boto3 client for a service of the stack's cloud."""
        return self.target.client(service)

    def patient_client(self, service: str, seconds: float) -> Any:
        """A boto3 client that waits so long for an answer, and never asks a second time."""
        return self.target.patient_client(service, seconds)


def cloud_name() -> str:
    """Return the name of the cloud that commands use.

    Raises:
        UsageError: It is not valid as the name of a folder.
    """
    name = os.environ.get(CLOUD_VARIABLE, DEFAULT_CLOUD)
    if not _NAME.fullmatch(name):
        raise UsageError(f"{CLOUD_VARIABLE} is {name!r}: a name has a-z, 0-9 and hyphens only.")
    return name


def local_name(name: str) -> str:
    """A cloud's name, if it is a local one: nothing here may touch what `deploy` made on AWS.

    Raises:
        UsageError: When it is an account's.
    """
    record = Record.load(CLOUDS / name)
    if name.startswith("aws-") or (record is not None and record.boot_id is None):
        raise UsageError(
            f"{name} is a stack in an AWS account, not a local cloud: use make deploy and "
            f"make destroy for it, or unset {CLOUD_VARIABLE}."
        )
    return name


def current(name: str | None = None) -> Stack:
    """The stack that is up.

    Args:
        name: The cloud; by default the one that ``WORKSHOP_CLOUD`` names, else the learner's.

    Raises:
        NoStackError: No stack is up.
        LocalCloudError: Its local cloud runs and does not answer.
    """
    name = name or cloud_name()
    record = Record.load(CLOUDS / name)
    if record is None and name.startswith("aws-"):
        raise WorkshopError(
            f"This machine does not know the stack {name} yet. With the account's credentials and "
            "AWS_REGION set, this finds it: make drift"
        )
    if record is None or not record.outputs:
        raise NoStackError("No stack is up. Start one with: make up")
    target = target_of(name, record)
    if record.boot_id:
        cloud = LocalCloud(target.directory, python_of(LOCAL_CLOUD_ENVIRONMENT))
        running = cloud.running()
        if running is None and (stored := cloud.stored()) and stored.boot_id == record.boot_id:
            raise NoStackError(
                f"The stack is stopped. Start it again with: make up STAGE={record.stage}"
            )
        if running is None or running.boot_id != record.boot_id:
            raise NoStackError(
                "The local cloud that held the stack is gone, with all its orders, events and "
                "dead letters: it keeps them in memory. Start it again, empty, with: make up"
            )
    stage = min(record.stage, LAST_STAGE)  # a learner's own stage may be removed again
    return Stack(target, stage, Outputs(**record.outputs))


def command(stack: Stack, words: str) -> str:
    """Return the line that a person types so that a command works on a stack.

    Args:
        stack: The stack.
        words: The command and its arguments, such as `logs ARGS=payment`.
    """
    return on(stack.target.name, words)


def on(name: str, words: str) -> str:
    """Return the line that a person types so that a command works on a cloud.

    Args:
        name: The cloud's name.
        words: The command and its arguments, such as `logs ARGS=payment`.
    """
    if name == DEFAULT_CLOUD:
        return f"make {words}"
    return f"{CLOUD_VARIABLE}={name} make {words}"


def function_name(stack: Stack, key: str) -> str:
    """The name of the function with a key such as ``payment``.

    Raises:
        UsageError: When the stack has no such function.
    """
    names = stack.outputs.function_names
    if key not in names:
        raise UsageError(f"There is no function {key} at stage {stack.stage}: {', '.join(names)}.")
    return names[key]


def target_of(name: str, record: Record) -> Target:
    """Return the target of a record."""
    own = record.boot_id is not None
    return Target(name, record.region, record.account, record.endpoint_url, own)

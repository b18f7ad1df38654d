"""A deployed stack: where it is, what it is called, and clients to look into it."""

import json
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from local_cloud.process import LocalCloud
from workshop.deployment.target import Target
from workshop.errors import UsageError, WorkshopError
from workshop.files import write_atomically
from workshop.paths import CLOUDS, LOCAL_CLOUD_ENVIRONMENT, python_of

CLOUD_VARIABLE = "WORKSHOP_CLOUD"
"""Names the cloud that all verbs work on; ``default`` when it is not set."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")


@dataclass(frozen=True)
class Outputs:
    """Terraform's outputs; the maps have the keys of the event flow, such as ``payment-refund``.

    A consumer's two dead-letter queues are ``undelivered`` and ``failed``; before stage 5 there is
    none. ``live_alias`` is what everybody invokes of each function; None before stage 6.
    """

    api_endpoint: str
    event_bus_name: str
    region: str
    function_names: dict[str, str]
    table_names: dict[str, str]
    dead_letter_queue_urls: dict[str, dict[str, str]]
    live_alias: str | None = None


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
        bundles: By package, the hash of the code last deployed, as Lambda tells it.
        outputs: What Terraform said of the last good apply.
        alarm_email: Who is told of alarms, on AWS; empty for nobody.
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

    @classmethod
    def load(cls, directory: Path) -> "Record | None":
        """The record of a cloud; None when there is none that can be read."""
        try:
            return cls(**json.loads((directory / "stack.json").read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

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

    def client(self, service: str) -> Any:
        """A boto3 client for a service of the stack's cloud."""
        return self.target.client(service)

    def patient_client(self, service: str, seconds: float) -> Any:
        """A boto3 client that waits so long for an answer, and never asks a second time."""
        return self.target.patient_client(service, seconds)


def cloud_name() -> str:
    """The name of the cloud that verbs work on.

    Raises:
        UsageError: When it is no name: it becomes a folder's.
    """
    name = os.environ.get(CLOUD_VARIABLE, "default")
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
        WorkshopError: When no stack is up.
    """
    name = name or cloud_name()
    record = Record.load(CLOUDS / name)
    if record is None or not record.outputs:
        raise WorkshopError("No stack is up. Start one with: make up")
    target = target_of(name, record)
    if record.boot_id:
        cloud = LocalCloud(target.directory, python_of(LOCAL_CLOUD_ENVIRONMENT))
        running = cloud.running()
        if running is None and (stored := cloud.stored()) and stored.boot_id == record.boot_id:
            raise WorkshopError(
                f"The stack is stopped. Start it again with: make up STAGE={record.stage}"
            )
        if running is None or running.boot_id != record.boot_id:
            raise WorkshopError(
                "The local cloud that held the stack is gone, with all its orders, events and dead "
                "letters: it keeps them in memory. Start it again, empty, with: make up"
            )
    return Stack(target, record.stage, Outputs(**record.outputs))


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
    """The target that a record tells of."""
    own = record.boot_id is not None
    return Target(name, record.region, record.account, record.endpoint_url, own)

"""The incident of a stack: its record, its start, and its end.

The record is written with all values from before the first setting is changed, so a start that is
killed at any moment can be undone. It is in the folder of the stack, and deleted with the stack.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from local_cloud.control import Control
from local_cloud.locking import exclusive
from workshop.console import say
from workshop.deployment.local.injected_faults import ensure_no_faults
from workshop.deployment.stack import Record as StackRecord
from workshop.deployment.stack import Stack, command, on
from workshop.errors import UsageError, WorkshopError
from workshop.exercises import session as exercise_session
from workshop.files import write_atomically
from workshop.incidents import catalogue, repair
from workshop.incidents.incident import Incident
from workshop.journeys import order_rows
from workshop.orders import api_client
from workshop.paths import CLOUDS
from workshop.stages import stage_of

FILE = "incident.json"

PATIENCE = 120.0
"""Seconds until a start gives up: a changed setting may apply only after some seconds."""

UNITS = 20
"""The stock that the articles of an incident need at least, so that their orders can ship."""


class Phase(StrEnum):
    """How far an incident is."""

    STARTING = "starting"
    """Settings are being changed; a start that was killed stays here."""
    OPEN = "open"
    SOLVED = "solved"
    GIVEN_UP = "given up"


@dataclass(frozen=True, slots=True)
class Record:
    """What is stored about the incident of a stack.

    Attributes:
        seed: It defines the incident with all details.
        phase: How far it is.
        before: The value of each setting before the incident.
        orders: The ids of the orders placed during the incident.
        dead_letters: The ids of the messages that were in the queues before.
        hints: How many hints were shown.
    """

    seed: int
    phase: Phase
    before: list[Any]
    orders: list[str] = field(default_factory=list)
    dead_letters: list[str] = field(default_factory=list)
    hints: int = 0

    @property
    def incident(self) -> Incident:
        """The incident."""
        return catalogue.of_seed(self.seed)

    @property
    def is_active(self) -> bool:
        """Whether the stack may still be broken by it."""
        return self.phase in {Phase.STARTING, Phase.OPEN}


def load(name: str) -> Record | None:
    """Return the record of the newest incident of a cloud; None if there is none.

    Args:
        name: The name of the cloud.
    """
    try:
        read = json.loads(path(name).read_text("utf-8"))
        return Record(**read | {"phase": Phase(read["phase"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def save(name: str, record: Record) -> None:
    """Write the record of a cloud."""
    write_atomically(path(name), json.dumps(asdict(record), indent=1))


def reminder(name: str) -> str | None:
    """Return a sentence about the incident that is in progress, or None.

    Args:
        name: The name of the cloud.
    """
    record = load(name)
    if record is None or not record.is_active:
        return None
    return (
        f"An incident is in progress on this stack: {_command(name, '')}. To end it: "
        f"{_command(name, 'give-up')}"
    )


def ensure_local(stack: Stack) -> None:
    """Check that a stack may have an incident.

    Raises:
        UsageError: It is on AWS.
        WorkshopError: Its stage is too low; the message names the command.
    """
    if not stack.target.own:
        raise UsageError("An incident breaks a stack. This one is on AWS: use a local cloud.")
    needed = stage_of("redrive")
    if stack.stage < needed:
        raise WorkshopError(
            f"An incident needs the recovery of stage {needed}. The stack is at stage "
            f"{stack.stage}. Run: {command(stack, f'up STAGE={needed}')}"
        )


def start(stack: Stack, seed: int) -> Record:
    """Break a stack, and place orders until they are damaged.

    Args:
        stack: The stack, on a local cloud.
        seed: Which incident, with which details.

    Raises:
        UsageError: The stack is on AWS or has a buffer, or another incident or an exercise is in
            progress.
        WorkshopError: The stack did not work before, or the incident had no effect. Nothing is
            broken then.
    """
    ensure_local(stack)
    name = stack.target.name
    for reminding in (reminder(name), exercise_session.reminder()):
        if reminding:
            raise UsageError(reminding)
    ensure_no_faults(stack)
    if buffered := ", ".join(stack.outputs.buffer_queue_urls):
        raise UsageError(
            f"An incident needs functions without a buffer, and these have one: {buffered}. "
            f"Run: {command(stack, f'up STAGE={stack.stage}')}"
        )
    incident = catalogue.of_seed(seed)
    _fill_stock(stack, incident)
    _ensure_orders_ship(stack, incident)
    record = Record(
        seed,
        Phase.STARTING,
        [each.setting.read(stack) for each in incident.changes],
        dead_letters=[each.message_id for each in repair.dead_letters(stack)],
    )
    save(name, record)
    require_terraform(stack)
    for change, value in zip(incident.changes, record.before, strict=True):
        change.setting.write(stack, change.broken(value))
    for detail in incident.published:
        repair.publish(stack, detail)
    record = _damage_orders(stack, incident, record)
    for change, value in zip(incident.changes, record.before, strict=True):
        if not change.lasts:
            change.setting.write(stack, value)
    record = replace(record, phase=Phase.OPEN)
    save(name, record)
    return record


def give_up(stack: Stack, record: Record) -> None:
    """Restore the settings, and recover the orders of an incident.

    Raises:
        WorkshopError: Orders or dead letters are left; the message names them.
    """
    name, incident = stack.target.name, record.incident
    for change, before in zip(incident.changes, record.before, strict=True):
        if not change.setting.same(change.setting.read(stack), before):
            change.setting.write(stack, before)
    repair.recover(stack, record.orders, record.dead_letters)
    save(name, replace(record, phase=Phase.GIVEN_UP))


def require_terraform(stack: Stack) -> None:
    """Make the next `make up` run Terraform, also if only code has changed: see what differs."""
    if known := StackRecord.load(stack.target.directory):
        known.applied = ""
        known.save(stack.target.directory)


@contextmanager
def changing(stack: Stack) -> Iterator[None]:
    """Let only one command at a time change a stack."""
    waiting = "Another command is changing this stack; waiting for it …"
    with exclusive(CLOUDS / f"{stack.target.name}.lock", waiting):
        yield


def place(stack: Stack, request: dict[str, Any]) -> str:
    """Place an order, wait until the local cloud is idle, and return the order's id."""
    order_id = str(api_client.place_order(stack, request)["order_id"])
    wait_until_idle(stack)
    return order_id


def wait_until_idle(stack: Stack) -> None:
    """Wait until the local cloud has nothing to deliver or to retry."""
    Control(stack.target.endpoint_url or "").wait_idle(PATIENCE)


def _damage_orders(stack: Stack, incident: Incident, record: Record) -> Record:
    """Place the orders, again and again until all of a round are damaged; return the record.

    Raises:
        WorkshopError: The incident has no effect. The settings are restored.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        placed = []
        for request in incident.orders:
            placed.append(str(api_client.place_order(stack, request)["order_id"]))
            record = replace(record, orders=[*record.orders, placed[-1]])
            save(stack.target.name, record)
        wait_until_idle(stack)
        found = order_rows.statuses(stack, placed)
        if order_rows.final_status(stack) not in found.values():
            first = [each for each in record.orders if each not in placed]
            return replace(record, orders=[*placed, *first])
        if time.monotonic() > deadline:
            give_up(stack, record)
            raise WorkshopError("The incident has no effect on this stack. It is undone.")
        time.sleep(1)


def _fill_stock(stack: Stack, incident: Incident) -> None:
    """Set the stock of the articles that could run out during the incident."""
    stock = api_client.read_stock(stack, sorted(incident.articles))
    for sku in sorted(incident.articles):
        if stock.get(sku, 0) < UNITS:
            say(f"For the orders of this incident, the stock of {sku} is set to 100.")
            api_client.set_stock(stack, {sku: 100})


def _ensure_orders_ship(stack: Stack, incident: Incident) -> None:
    """Check that an order of the incident would ship without it.

    Raises:
        WorkshopError: It does not.
    """
    order_id = place(stack, incident.orders[0])
    now = order_rows.status(stack, order_id)
    if now != order_rows.final_status(stack):
        raise WorkshopError(
            f"The stack does not work, and no incident is in progress: the order {order_id} is "
            f"{now}. First run: {command(stack, f'up STAGE={stack.stage}')}"
        )


def _command(name: str, action: str) -> str:
    return on(name, f"incident ARGS={action}" if action else "incident")


def path(name: str) -> Path:
    """Return the file that has the record of a cloud."""
    return CLOUDS / name / FILE

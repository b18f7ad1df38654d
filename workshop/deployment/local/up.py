"""Bring a local stack to a stage, whatever was there before, and take it down again."""

import base64
import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from local_cloud.locking import exclusive
from local_cloud.process import LocalCloud, Running
from local_cloud.settings import Settings
from local_cloud.snapshot import Snapshot
from workshop.console import say
from workshop.deployment import bundles
from workshop.deployment.bundles import Bundle
from workshop.deployment.release import gateway_switch, release
from workshop.deployment.stack import Outputs, Record, Stack, local_name, target_of
from workshop.deployment.target import LOCAL_ACCOUNT, LOCAL_REGION, Target
from workshop.deployment.terraform.program import find as find_terraform
from workshop.deployment.terraform.runner import (
    REPOSITORY,
    Changes,
    Outcome,
    Terraform,
    end_orphans,
)
from workshop.errors import EXPECTED, UsageError, WorkshopError
from workshop.paths import CLOUDS, LAST_STAGE, LOCAL_CLOUD_ENVIRONMENT, ROOT, STAGES, python_of

REHEARSAL = "rehearsal"
"""Says which start of a local cloud belongs to `make cloud`: `make up` keeps away from it."""


RECONCILER_STAGE = 5

MINUTE_VARIABLE = "WORKSHOP_SECONDS_PER_MINUTE"
"""Names how long AWS's minute lasts on a local cloud that is started: tests are in a hurry."""


def local_cloud(name: str) -> LocalCloud:
    """The local cloud of a name, running or not."""
    minute = float(os.environ.get(MINUTE_VARIABLE, Settings.seconds_per_minute))
    python = python_of(LOCAL_CLOUD_ENVIRONMENT)
    return LocalCloud(CLOUDS / name, python, seconds_per_minute=minute)


def deploy(
    stage: int | None = None,
    name: str = "default",
    port: int | None = None,
    *,
    build: Callable[[], list[Bundle]] = bundles.build,
) -> tuple[Stack, Changes]:
    """Bring a local cloud's stack to a stage: only what differs is changed.

    Args:
        stage: 1 to 6; by default the last one.
        name: The cloud's name.
        port: Where the local cloud serves, when it has to be started; by default 4566, or the
            next one that is free.
        build: Makes the functions' code; by default from this repository's sources.

    Returns:
        The stack, and how many resources were changed to get there.

    Raises:
        WorkshopError: When it cannot be done; the message says why and what to do.
    """
    started = time.monotonic()
    stage = LAST_STAGE if stage is None else stage
    if stage not in STAGES:
        raise UsageError(f"There is no stage {stage}: stages go from 1 to {STAGES[-1]}.")
    find_terraform()  # before anything is started
    made = build()
    bundles.warn_of_bytecode(made)
    with _changing(name) as lock:
        code = {each.package: each.path for each in made}
        deployment = _Deployment(name, stage, port, code, lock)
        changes = deployment.run()
    say(f"Stage {stage} is up: {changes} ({time.monotonic() - started:.1f} s).")
    return deployment.stack(), changes


def up(
    stage: int | None = None,
    name: str = "default",
    port: int | None = None,
    *,
    build: Callable[[], list[Bundle]] = bundles.build,
) -> Stack:
    """Bring a local cloud's stack to a stage, as `deploy` does.

    Raises:
        WorkshopError: When it cannot be done; the message says why and what to do.
    """
    return deploy(stage, name, port, build=build)[0]


def start_empty(name: str = "default", port: int | None = None) -> Running:
    """Start a local cloud with no stack, for a deployment as to an account.

    Raises:
        WorkshopError: A stack is up in it; or it cannot be started.
    """
    with _changing(name):
        cloud = local_cloud(name)
        running = cloud.running()
        record = Record.load(CLOUDS / name)
        kept = stored_of(cloud, record) if running is None else None
        if kept or (running and record and record.boot_id == running.boot_id):
            raise WorkshopError(
                "A stack of `make up` is in this local cloud. Start another cloud beside it: "
                "export WORKSHOP_CLOUD=rehearsal. Or remove the stack: make down ARGS=--discard"
            )
        if running is None:
            forget(CLOUDS / name)
            say("Starting the local cloud …")
            running = cloud.start(port)
        mark = CLOUDS / name / REHEARSAL
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text(running.boot_id, "utf-8")
        return running


def empty_cloud(name: str) -> Target | None:
    """A local cloud that runs without a stack of `up`; None when there is none of this name."""
    if Record.load(CLOUDS / name) is not None:
        return None
    running = local_cloud(name).running()
    return Target.local(name, running.endpoint_url) if running else None


@dataclass(frozen=True)
class Down:
    """What stopping a local cloud came to.

    Attributes:
        was_running: Whether there was anything to stop.
        stage: The stage of the stack that the next `up` continues with; None without one.
        dropped: How many events still waited for a retry, and are lost.
        lost: Whether the stack should have been stored, and was not.
    """

    was_running: bool
    stage: int | None = None
    dropped: int = 0
    lost: bool = False


def down(name: str = "default", *, discard: bool = False) -> Down:
    """Stop a local cloud, and store its stack for the next `up`.

    Args:
        name: The cloud's name.
        discard: Whether to remove the stack, and all it holds, instead.
    """
    with _changing(name):
        cloud, record = local_cloud(name), Record.load(CLOUDS / name)
        running = cloud.running()
        whole = record is not None and record.complete and bool(record.outputs)
        same = record is not None and record.boot_id == _boot_id(running)
        keep = whole and same and not discard
        was_running = False
        if running or discard or stored_of(cloud, record) is None:
            was_running = cloud.stop(keep=keep)
        stored = stored_of(cloud, record)
        if stored is None or record is None:
            forget(CLOUDS / name)
            return Down(was_running, lost=keep)
        return Down(was_running, record.stage, stored.dropped)


def stored_of(cloud: LocalCloud, record: Record | None) -> Snapshot | None:
    """Return the stored stack of a record; None when there is none to continue with."""
    stored = cloud.stored() if record is not None and record.complete else None
    return stored if stored and record and stored.boot_id == record.boot_id else None


def lost_events(count: int, stage: int) -> str:
    """Say that a stop lost events, and how their orders continue.

    Args:
        count: How many.
        stage: The stack's stage: the reconciler comes with stage 5.
    """
    first = "" if stage >= RECONCILER_STAGE else f"`make up STAGE={RECONCILER_STAGE}`, then "
    return (
        f"Events that still waited for a retry when the local cloud was stopped are lost: {count}. "
        f'To continue their orders: {first}make reconcile ARGS="--older-than 0"'
    )


def forget(directory: Path) -> None:
    """Remove what was deployed to a cloud that is no more: its state and the record of it."""
    state = (
        "terraform.tfstate*",
        ".terraform.tfstate.lock.info",
        "configuration/**/errored.tfstate",
    )
    for pattern in (*state, "stack.json", "*.tfplan"):
        for path in directory.glob(pattern):
            path.unlink()


def remove(name: str) -> None:
    """Stop a local cloud, and remove all that is known of it but Terraform's own data."""
    down(name, discard=True)
    for path in (CLOUDS / name).glob("*"):
        if path.name == "terraform-data":  # costs time to make, and depends on no cloud
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


@contextlib.contextmanager
def _changing(name: str) -> Iterator[int]:
    """Let only one command at a time change a cloud."""
    waiting = "Another command is changing this stack; waiting for it …"
    orphans = partial(end_orphans, CLOUDS / local_name(name))
    with exclusive(CLOUDS / f"{name}.lock", waiting, while_waiting=orphans) as lock:
        yield lock


@dataclass
class _Deployment:
    """One run of ``deploy``."""

    name: str
    stage: int
    port: int | None
    bundles: dict[str, Path]
    lock: int

    def run(self) -> Changes:
        """Converge."""
        self.running, self.record = self._cloud_and_record()
        self.target = target_of(self.name, self.record)
        changes = self._converge()
        if Outputs(**self.record.outputs).live_alias:
            moves = release.release(self.stack())
            release.accept(self.stack(), moves)
            if moves:
                say(f"Live now: {', '.join(f'{each.key} {each.now}' for each in moves)}.")
        return changes

    def _converge(self) -> Changes:
        """Bring code and everything else to what the sources say."""
        fingerprint = configuration_fingerprint(self._variables())
        hashes = {package: lambda_hash(path) for package, path in self.bundles.items()}
        if self.record.applied == fingerprint and hashes != self.record.bundles:
            updated = self._update_code(hashes)
            if updated is not None:
                self.record.bundles = hashes
                self.record.save(self.target.directory)
                say(f"New code in {', '.join(updated) or 'no function of this stage'}.")
                return Changes(changed=len(updated))
        outcome = self._apply()
        self.record.applied = fingerprint
        self.record.bundles = hashes
        self.record.outputs = outcome.outputs
        self.record.save(self.target.directory)
        return outcome.changes

    def stack(self) -> Stack:
        """The stack as it is now."""
        return Stack(self.target, self.stage, Outputs(**self.record.outputs))

    def _cloud_and_record(self) -> tuple[Running, Record]:
        """A running local cloud, and a record that is true of it."""
        cloud = local_cloud(self.name)
        directory = CLOUDS / self.name
        record = Record.load(directory)
        running = cloud.running()
        if running and _text(directory / REHEARSAL) == running.boot_id:
            raise UsageError(
                "This local cloud was started empty, to rehearse a deployment: make deploy. "
                "For `make up`, remove it first (make down ARGS=--discard), or use another "
                "WORKSHOP_CLOUD."
            )
        if running is None and record and (stored := stored_of(cloud, record)):
            say("Starting the local cloud with the stored stack …")
            running = cloud.start(self.port, restore=stored.boot_id)
            if running.boot_id != stored.boot_id:
                say("The stored stack cannot be restored. It is set aside in state.unreadable.")
            elif stored.dropped:
                say(lost_events(stored.dropped, record.stage))
        remark = stale(record, (directory / "terraform.tfstate").exists(), _boot_id(running))
        if remark:
            say(remark)
            cloud.stop()  # and what may be stored is of no use
            running = None
            set_aside(directory)
            record = None
        if running is None:
            say("Starting the local cloud …")
            running = cloud.start(self.port)
        if record is None:
            forget(directory)
            record = Record(LOCAL_REGION, LOCAL_ACCOUNT, running.endpoint_url, running.boot_id)
        return running, record

    def _apply(self) -> Outcome:
        self.record.stage = self.stage
        self.record.complete = False
        self.record.applied = ""
        self.record.save(self.target.directory)
        terraform = Terraform(self.target.directory, self.target.environment(), (self.lock,))
        try:
            terraform.init()
            return terraform.apply(f"Stage {self.stage}", self._variables())
        except EXPECTED as error:
            if local_cloud(self.name).running() is None:
                log = self.target.directory / "cloud.log"
                raise WorkshopError(
                    f"{error}\nThe local cloud has stopped meanwhile (its log: {log}). "
                    "Run the same command again."
                ) from error
            raise
        finally:  # however it ended, Terraform has written down what it made
            self.record.complete = True
            self.record.save(self.target.directory)

    def _variables(self) -> dict[str, Any]:
        return {
            "stage": self.stage,
            "region": self.target.region,
            "local": {"endpoint_url": self.target.endpoint_url},
        }

    def _update_code(self, hashes: dict[str, str]) -> list[str] | None:
        """Give new code to the functions that run the old, without Terraform.

        Terraform would take 10 s and more: the provider waits at least 5 s after each update. Its
        next run uploads the same code once more, because it compares with its state.

        Returns:
            The keys of the functions updated; None when one is not as it was left.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        client = self.target.client("lambda")
        packages = {
            old: package
            for package, old in self.record.bundles.items()
            if hashes.get(package) != old
        }
        updated = []
        try:
            for key, function in Outputs(**self.record.outputs).function_names.items():
                running = client.get_function_configuration(FunctionName=function)
                if not gateway_switch.answers(running):
                    return None  # switched off by hand: Terraform sets it up again
                if package := packages.get(running["CodeSha256"]):
                    code = self.bundles[package].read_bytes()
                    client.update_function_code(FunctionName=function, ZipFile=code)
                    updated.append(key)
        except (BotoCoreError, ClientError):
            return None
        return updated


def configuration_fingerprint(variables: Mapping[str, Any]) -> str:
    """A hash of all that Terraform reads, but for the bundles."""
    digest = hashlib.sha256(json.dumps(variables, sort_keys=True).encode())
    for path in REPOSITORY.files():
        digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def stale(record: Record | None, has_state: bool, boot_id: str | None) -> str | None:  # noqa: FBT001
    """Why what is known of a cloud does not hold any more; None when it does.

    Args:
        record: What was written down.
        has_state: Whether there is a Terraform state.
        boot_id: Which start of the local cloud is running, if any.
    """
    if record is None:
        return (
            "A Terraform state of unknown origin was set aside; the local cloud starts empty."
            if has_state
            else None
        )
    if not record.complete:
        return "The last deployment was killed halfway: the local cloud starts anew, empty."
    if record.boot_id != boot_id:
        return (
            "The local cloud that held the stack is gone, with all its orders, events and dead "
            "letters: it keeps them in memory. The stack is built anew, empty."
        )
    return None


def set_aside(directory: Path) -> None:
    """Keep the last Terraform state under another name, for the curious."""
    state = directory / "terraform.tfstate"
    if state.exists():
        state.replace(directory / "set-aside.tfstate")


def lambda_hash(bundle: Path) -> str:
    """The hash of a bundle as Lambda and Terraform tell it."""
    return base64.b64encode(hashlib.sha256(bundle.read_bytes()).digest()).decode()


def _text(path: Path) -> str | None:
    return path.read_text("utf-8") if path.exists() else None


def _boot_id(running: Running | None) -> str | None:
    return running.boot_id if running else None

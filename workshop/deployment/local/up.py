"""Deploy a stage to a local cloud, whatever it has, and stop the local cloud."""

import base64
import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from local_cloud.errors import NoAnswerError
from local_cloud.locking import exclusive
from local_cloud.process import LocalCloud, Running
from local_cloud.settings import Settings
from local_cloud.snapshot import Snapshot
from workshop.console import say
from workshop.deployment import bundles
from workshop.deployment.bundles import Bundle
from workshop.deployment.local.injected_faults import enable_rules
from workshop.deployment.release import gateway_switch, release
from workshop.deployment.stack import Outputs, Record, Stack, local_name, target_of
from workshop.deployment.stack_parts import held_messages
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
from workshop.paths import (
    CLOUDS,
    LAST_STAGE,
    LOCAL_CLOUD_ENVIRONMENT,
    ROOT,
    STAGES,
    in_stages,
    python_of,
)
from workshop.stages import flow, stage_of

REHEARSAL = "rehearsal"
"""Says which start of a local cloud belongs to `make rehearse`: `make up` keeps away from it."""

MINUTE_VARIABLE = "WORKSHOP_SECONDS_PER_MINUTE"
"""Names how long AWS's minute lasts on a local cloud that is started: tests are in a hurry."""

CONSISTENCY_VARIABLE = "WORKSHOP_CONSISTENCY"
"""If it is "eventual", a local cloud that is started is as eventually consistent as AWS."""


def local_cloud(name: str) -> LocalCloud:
    """The local cloud of a name, running or not."""
    minute = float(os.environ.get(MINUTE_VARIABLE, Settings.seconds_per_minute))
    python = python_of(LOCAL_CLOUD_ENVIRONMENT)
    eventual = os.environ.get(CONSISTENCY_VARIABLE, "") == "eventual"
    return LocalCloud(CLOUDS / name, python, seconds_per_minute=minute, eventual=eventual)


def deploy(
    stage: int | None = None,
    name: str = "default",
    port: int | None = None,
    *,
    buffered: Collection[str] = (),
    build: Callable[[], list[Bundle]] = bundles.build,
) -> tuple[Stack, Changes]:
    """Bring a local cloud's stack to a stage: only what differs is changed.

    Args:
        stage: 1 to 6; by default the last one.
        name: The cloud's name.
        port: Where the local cloud serves, when it has to be started; by default 4566, or the
            next one that is free.
        buffered: Keys of the functions that get a queue between their rule and themselves.
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
    flow()  # before anything is started: a mistake may hide the last stages
    _check_buffered(buffered, stage)
    find_terraform()
    made = build()
    bundles.warn_of_bytecode(made)
    with _changing(name) as lock:
        code = {each.package: each.path for each in made}
        deployment = _Deployment(name, stage, port, code, lock, sorted(set(buffered)))
        changes = deployment.run()
        enable_rules(deployment.stack())
    say(f"Stage {stage} is up: {changes} ({time.monotonic() - started:.1f} s).")
    return deployment.stack(), changes


def _check_buffered(keys: Collection[str], stage: int) -> None:
    """Check that only functions that events invoke get a buffer.

    Raises:
        UsageError: One is unknown, belongs to a later stage, or consumes no events.
    """
    patterns = in_stages("terraform/patterns/*.json", range(1, stage + 1))
    consumers = sorted(path.stem for path in patterns)
    if unknown := sorted(set(keys) - set(consumers)):
        raise UsageError(
            f"There is no consumer {unknown[0]} at stage {stage}. The consumers are "
            f"{', '.join(consumers)}."
        )


def up(
    stage: int | None = None,
    name: str = "default",
    port: int | None = None,
    *,
    buffered: Collection[str] = (),
    build: Callable[[], list[Bundle]] = bundles.build,
) -> Stack:
    """Bring a local cloud's stack to a stage, as `deploy` does.

    Raises:
        WorkshopError: When it cannot be done; the message says why and what to do.
    """
    return deploy(stage, name, port, buffered=buffered, build=build)[0]


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
            delete_record(CLOUDS / name)
            say("Starting the local cloud …")
            running = cloud.start(port)
        _say_the_port(running, port)
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

    Raises:
        NoAnswerError: It does not answer, and its stack is to be stored. It goes on.
    """
    with _changing(name):
        cloud, record = local_cloud(name), Record.load(CLOUDS / name)
        try:
            running = cloud.running()
        except NoAnswerError:
            if not discard:
                raise
            running = None
        whole = record is not None and record.complete and bool(record.outputs)
        same = record is not None and record.boot_id == _boot_id(running)
        keep = whole and same and not discard
        was_running = False
        if running or discard or stored_of(cloud, record) is None:
            was_running = cloud.stop(keep=keep)
        stored = stored_of(cloud, record)
        if stored is None or record is None:
            delete_record(CLOUDS / name)
            return Down(was_running, lost=keep)
        return Down(was_running, record.stage, stored.dropped)


def is_present(name: str, record: Record | None) -> bool:
    """Return whether a record's stack still exists: its local cloud runs, or has stored it."""
    if record is None or record.boot_id is None:  # there is none, or it is on AWS
        return False
    cloud = local_cloud(name)
    return stored_of(cloud, record) is not None or record.boot_id == _boot_id(cloud.running())


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
    comes = stage_of("reconciler")
    first = "" if stage >= comes else f"`make up STAGE={comes}`, then "
    return (
        f"Events that still waited for a retry when the local cloud was stopped are lost: {count}. "
        f'To continue their orders: {first}make reconcile ARGS="--older-than 0"'
    )


def delete_record(directory: Path) -> None:
    """Remove what was deployed to a cloud that is no more: its state and the record of it."""
    state = (
        "terraform.tfstate*",
        ".terraform.tfstate.lock.info",
        "configuration/**/errored.tfstate",
    )
    for pattern in (*state, "stack.json", "incident.json", "*.tfplan"):
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
    buffered: list[str]

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
        self.record.outputs = outcome.outputs
        if self._update_code(hashes) is None:
            raise WorkshopError("The functions' code could not be updated. Run this again.")
        self.record.applied = fingerprint
        self.record.bundles = hashes
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
        _say_the_port(running, self.port)
        if record is None:
            delete_record(directory)
            record = Record(LOCAL_REGION, LOCAL_ACCOUNT, running.endpoint_url, running.boot_id)
        return running, record

    def _check_buffers_to_remove(self) -> None:
        """Check that no buffer is removed with events in it, or with dead letters.

        Raises:
            UsageError: One would be; the message names what to do first.
        """
        outputs = Outputs(**self.record.outputs) if self.record.outputs else None
        for key, url in outputs.buffer_queue_urls.items() if outputs else ():
            if key in self.buffered:
                continue
            dead = url.removesuffix("-buffer") + "-unprocessed"
            client = self.target.client("sqs")
            waiting, lost = held_messages(client, url), held_messages(client, dead)
            if waiting or lost:
                raise UsageError(
                    f"The buffer of {key} holds {waiting} events and {lost} dead letters, which "
                    "this would delete. Wait until `make status` shows it empty, redrive or "
                    f'discard the dead letters, or keep it: make up ARGS="--buffer {key}"'
                )

    def _apply(self) -> Outcome:
        self._check_buffers_to_remove()
        if self.record.stage != self.stage:
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            self.record.since[str(self.stage)] = now
        self.record.stage = self.stage
        self.record.complete = False
        self.record.applied = ""
        self.record.save(self.target.directory)
        terraform = Terraform(self.target.directory, self.target.environment(), (self.lock,))
        try:
            terraform.init()
            return terraform.apply(f"Stage {self.stage}", self._variables())
        except EXPECTED as error:
            if _has_ended(local_cloud(self.name)):
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
            **({"buffered": self.buffered} if self.buffered else {}),
        }

    def _update_code(self, hashes: dict[str, str]) -> list[str] | None:
        """Give new code to the functions that run the old, without Terraform.

        Terraform would take 10 s and more: the provider waits at least 5 s after each update. It
        compares code with its state, which does not know of such an update: after each apply this
        runs again, or a function would keep code that the sources no longer have.

        Returns:
            The keys of the functions updated; None when one is not as it was left.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        client = self.target.client("lambda")
        packages = {
            old: package
            for package, old in self.record.bundles.items()
            if package in hashes and hashes[package] != old
        }
        updated: list[str] = []
        if not packages:
            return updated
        try:
            for key, function in Outputs(**self.record.outputs).function_names.items():
                running = client.get_function_configuration(FunctionName=function)
                if not gateway_switch.answers(running):
                    return None  # switched off manually: Terraform switches it on again
                if package := packages.get(running["CodeSha256"]):
                    code = self.bundles[package].read_bytes()
                    client.update_function_code(FunctionName=function, ZipFile=code)
                    updated.append(key)
        except (BotoCoreError, ClientError):
            return None
        return updated


def configuration_fingerprint(variables: Mapping[str, Any]) -> str:
    """Return a hash of all files that Terraform reads, without the bundles."""
    digest = hashlib.sha256(json.dumps(variables, sort_keys=True).encode())
    for path in REPOSITORY.files():
        digest.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def stale(record: Record | None, has_state: bool, boot_id: str | None) -> str | None:  # noqa: FBT001
    """Return why the record of a cloud is not valid any more; None when it is.

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
        return "The last deployment was killed halfway. The local cloud starts again, empty."
    if record.boot_id != boot_id:
        return (
            "The local cloud that held the stack is gone, with all its orders, events and "
            "dead letters: it keeps them in memory. The stack is created again, empty."
        )
    return None


def set_aside(directory: Path) -> None:
    """Keep the last Terraform state under another name, for the curious."""
    state = directory / "terraform.tfstate"
    if state.exists():
        state.replace(directory / "set-aside.tfstate")


def lambda_hash(bundle: Path) -> str:
    """Return the hash of a bundle, in the form of Lambda and Terraform."""
    return base64.b64encode(hashlib.sha256(bundle.read_bytes()).digest()).decode()


def _say_the_port(running: Running, port: int | None) -> None:
    """Say that a cloud that ran already does not serve where it was asked to."""
    if port not in {None, running.port}:
        say(
            f"The local cloud already runs at port {running.port}, and stays there: its URLs name "
            f"it. For port {port}, remove it first (make down ARGS=--discard), or use another "
            "WORKSHOP_CLOUD."
        )


def _has_ended(cloud: LocalCloud) -> bool:
    try:
        return cloud.running() is None
    except NoAnswerError:
        return False


def _text(path: Path) -> str | None:
    return path.read_text("utf-8") if path.exists() else None


def _boot_id(running: Running | None) -> str | None:
    return running.boot_id if running else None

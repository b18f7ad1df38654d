"""A stored stack: what a stop that keeps it writes, the next start restores, and nothing else."""

import json
import os
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_cloud import ports, processes, snapshot
from local_cloud.control import Control
from local_cloud.delivery.delivery_log import Delivery, Journal, Origin, Outcome
from local_cloud.ministack.version_check import MINISTACK
from local_cloud.process import LocalCloud, LocalCloudError, Running
from local_cloud.protocol import STOPPING_FILE
from local_cloud.snapshot import Snapshot
from tests.local_cloud.cloud_builder import REGION, Lab, eventually

INDEX = Snapshot(boot_id="b", port=4566, ministack=MINISTACK)
FAILS_ONCE = """
if not os.path.exists(os.environ["CALLS"] + ".once"):
    open(os.environ["CALLS"] + ".once", "w").close()
    raise ValueError("the first attempt fails")
return "done"
"""


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    """Whole; a second write replaces the first."""
    for index in (INDEX, replace(INDEX, dropped=2)):
        snapshot.write(tmp_path, index, b"services", "[]")
        assert snapshot.read(tmp_path) == index


def test_a_write_that_is_cut_off_leaves_no_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even the one before: its parts may be replaced already."""
    snapshot.write(tmp_path, INDEX, b"services", "[]")

    def full(*_: Any, **__: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="no space"):
        snapshot.write(tmp_path, INDEX, b"other", "[]")
    assert snapshot.read(tmp_path) is None


def test_a_check_of_the_disk_stores_nothing(tmp_path: Path) -> None:
    """Its files have no index, so no start takes them for a snapshot."""
    snapshot.check_writable(tmp_path, b"services", "[]")
    assert snapshot.read(tmp_path) is None


@pytest.mark.parametrize("change", [{"format": 99}, {"unknown": 1}, None])
def test_a_snapshot_of_another_format_is_not_read(
    tmp_path: Path, change: dict[str, int] | None
) -> None:
    snapshot.write(tmp_path, INDEX, b"services", "[]")
    path = tmp_path / snapshot.FOLDER / "snapshot.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change) if change else "{")
    assert snapshot.read(tmp_path) is None


def test_the_delivery_log_survives_json() -> None:
    before, after = Journal(), Journal()
    before.add(Delivery("payment", Outcome.FAILED, Origin("e", "i", "ord_1"), 2, reason="why"))
    after.restore(json.loads(json.dumps(before.to_json())))
    assert after.records() == before.records()
    assert after.totals() == before.totals()


@pytest.fixture
def cloud(tmp_path: Path, local_cloud_python: Path) -> Iterator[LocalCloud]:
    made = LocalCloud(tmp_path / "cloud", local_cloud_python, seconds_per_minute=1)
    yield made
    made.stop()


@pytest.fixture
def started(cloud: LocalCloud, free_port: Callable[[], int]) -> Running:
    return cloud.start(free_port())


def lab_on(running: Running, cloud: LocalCloud) -> Lab:
    calls = cloud.directory / "calls"
    calls.mkdir(exist_ok=True)
    return Lab(running.endpoint_url, calls, cloud.log)


def client(running: Running, service: str) -> Any:
    session = boto3.Session("test", "test", region_name=REGION)
    return session.client(service, endpoint_url=running.endpoint_url)


ITEM = {
    "id": {"S": "1"},
    "number": {"N": "12.50"},
    "bytes": {"B": b"\x00\xff"},
    "set": {"SS": ["a", "b"]},
    "map": {"M": {"list": {"L": [{"NULL": True}, {"BOOL": False}]}}},
}


@pytest.mark.deployed
def test_a_restart_continues_with_what_was_stored(cloud: LocalCloud, started: Running) -> None:
    """Items, messages, objects, functions, rules, logs and deliveries; a pending retry is run."""
    lab = lab_on(started, cloud)
    tables, store = client(started, "dynamodb"), client(started, "s3")
    tables.create_table(
        TableName="items",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    tables.put_item(TableName="items", Item=ITEM)
    store.create_bucket(Bucket="objects")
    store.put_object(Bucket="objects", Key="key", Body=b"\x00\x01", Tagging="a=b")
    queue, bus = lab.queue(), lab.bus()
    lab.sqs.send_message(QueueUrl=queue.url, MessageBody="waits")
    function = lab.function(FAILS_ONCE)
    lab.rule(bus, function.arn)
    lab.publish(bus, correlation_id="ord_1")
    eventually(function.calls)  # its retry waits for a minute of AWS's, a second here
    buffer, buffered = lab.queue(), lab.function("return {}")
    mapping = lab.awslambda.create_event_source_mapping(
        EventSourceArn=buffer.arn, FunctionName=buffered.name, Enabled=False
    )
    lab.sqs.send_message(QueueUrl=buffer.url, MessageBody="waits in the buffer")

    assert cloud.stop(keep=True)
    assert len(function.calls()) == 2, "the stop did not wait for the retry"
    again = cloud.start(restore=started.boot_id)

    assert (again.boot_id, again.port) == (started.boot_id, started.port)
    assert again.pid != started.pid
    found = client(again, "dynamodb").get_item(TableName="items", Key={"id": ITEM["id"]})
    assert found["Item"] | {"number": ITEM["number"]} == ITEM
    assert float(found["Item"]["number"]["N"]) == 12.5
    assert client(again, "s3").get_object(Bucket="objects", Key="key")["Body"].read() == b"\x00\x01"
    lab = lab_on(again, cloud)
    assert [each["Body"] for each in lab.messages(queue)] == ["waits"]
    group = f"/aws/lambda/{function.name}"
    assert lab.logs.filter_log_events(logGroupName=group)["events"]
    outcomes = [each.outcome for each in Control(again.endpoint_url).deliveries("ord_1")]
    assert outcomes == [Outcome.FAILED, Outcome.DELIVERED]
    lab.awslambda.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
    lab.publish(bus)
    eventually(buffered.calls)
    lab.settle()
    assert len(function.calls()) == 3
    assert len(buffered.calls()) == 1


@pytest.mark.deployed
def test_a_killed_cloud_does_not_return_to_its_snapshot(
    cloud: LocalCloud, started: Running
) -> None:
    """What was changed since would be lost, while Terraform's state knows of it."""
    cloud.stop(keep=True)
    again = cloud.start(restore=started.boot_id)
    assert cloud.stored() is None
    os.kill(again.pid, signal.SIGKILL)
    assert processes.ended(again.pid, 10)
    assert cloud.start(restore=started.boot_id).boot_id != started.boot_id


@pytest.mark.deployed
def test_a_snapshot_that_cannot_be_read_is_discarded(cloud: LocalCloud, started: Running) -> None:
    """The cloud starts empty, as another one."""
    cloud.stop(keep=True)
    (cloud.directory / snapshot.FOLDER / snapshot.SERVICES).write_bytes(b"damaged")
    assert cloud.start(restore=started.boot_id).boot_id != started.boot_id
    assert "cannot be restored" in cloud.log.with_name("cloud.previous.log").read_text()


@pytest.mark.deployed
def test_a_stored_stack_keeps_its_port(
    cloud: LocalCloud, started: Running, lab: Lab, free_port: Callable[[], int]
) -> None:
    """Its URLs name it; whoever has it meanwhile is named, and nothing is lost."""
    cloud.stop(keep=True)
    with pytest.raises(LocalCloudError, match=f"needs port {started.port}"):
        cloud.start(free_port(), restore=started.boot_id)
    theirs = int(lab.endpoint_url.rpartition(":")[2])
    index = cloud.stored()
    assert index is not None
    folder = cloud.directory / snapshot.FOLDER
    services = (folder / snapshot.SERVICES).read_bytes()
    snapshot.write(cloud.directory, replace(index, port=theirs), services, "{}")
    with pytest.raises(LocalCloudError, match=f"Port {theirs}, which the stored stack needs"):
        cloud.start(restore=started.boot_id)
    assert cloud.stored() is not None


@pytest.mark.deployed
def test_another_cloud_leaves_the_port_of_a_stored_stack_free(
    cloud: LocalCloud,
    started: Running,
    local_cloud_python: Path,
    free_port: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A second cloud of the workshop that starts while the first is stopped takes the next port."""
    cloud.stop(keep=True)
    other = LocalCloud(cloud.directory.with_name("other"), local_cloud_python)
    monkeypatch.setattr(ports, "candidates", lambda: [started.port, free_port()])
    try:
        assert other.start().port != started.port
        assert cloud.start(restore=started.boot_id).boot_id == started.boot_id
    finally:
        other.stop()


@pytest.mark.deployed
def test_a_stop_that_keeps_nothing_removes_what_was_stored(
    cloud: LocalCloud, started: Running
) -> None:
    """Whether or not the cloud runs."""
    cloud.stop(keep=True)
    assert cloud.stop() is False
    assert cloud.stored() is None
    assert cloud.start(restore=started.boot_id).boot_id != started.boot_id


@pytest.mark.deployed
def test_a_stack_is_restored_only_when_it_is_asked_for(cloud: LocalCloud, started: Running) -> None:
    """A rehearsal, say, starts empty, whatever is stored."""
    cloud.stop(keep=True)
    assert cloud.start().boot_id != started.boot_id
    assert cloud.stored() is None


@pytest.mark.deployed
def test_a_port_taken_at_the_last_moment_leaves_what_is_stored(
    cloud: LocalCloud, started: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server finds it taken when it binds: the check before saw it free."""
    cloud.stop(keep=True)
    monkeypatch.setattr(ports, "is_free", lambda _: True)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", started.port))
        other.listen()
        with pytest.raises(LocalCloudError, match="which the stored stack needs"):
            cloud.start(restore=started.boot_id)
    assert cloud.start(restore=started.boot_id).boot_id == started.boot_id


@pytest.mark.deployed
def test_a_command_waits_for_a_stop_that_another_one_began(
    cloud: LocalCloud, started: Running
) -> None:
    """Its stack is not taken for lost; meanwhile no order is accepted."""
    lab = lab_on(started, cloud)
    function = lab.function(FAILS_ONCE)
    bus = lab.bus()
    lab.rule(bus, function.arn)
    lab.publish(bus)
    eventually(function.calls)  # its retry keeps the stop waiting for a second
    Control(started.endpoint_url).stop(keep=True)
    eventually((cloud.directory / STOPPING_FILE).exists)
    assert cloud.running() is None
    with pytest.raises(ClientError, match="503"):
        lab.publish(bus)
    stored = cloud.stored()
    assert stored is not None
    assert (stored.boot_id, stored.dropped) == (started.boot_id, 0)


@pytest.mark.deployed
def test_a_cloud_killed_during_its_stop_starts_again(cloud: LocalCloud, started: Running) -> None:
    """What the stop left behind does not make the next start look like a stop."""
    os.kill(started.pid, signal.SIGKILL)
    assert processes.ended(started.pid, 60)
    (cloud.directory / STOPPING_FILE).write_text(started.boot_id)
    again = cloud.start()
    assert cloud.running() == again


@pytest.mark.deployed
def test_a_snapshot_of_another_ministack_is_not_restored(
    cloud: LocalCloud, started: Running
) -> None:
    cloud.stop(keep=True)
    index = cloud.stored()
    assert index is not None
    snapshot.write(cloud.directory, replace(index, ministack="0.1"), b"", "{}")
    assert cloud.stored() is None


@pytest.mark.deployed
def test_a_function_that_goes_on_does_not_keep_the_stack_from_being_stored(
    cloud: LocalCloud, started: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is cut off; a stop waits only as long as its drain."""
    lab = lab_on(started, cloud)
    function = lab.function("time.sleep(600)", Timeout=900)
    lab.awslambda.invoke(FunctionName=function.name, InvocationType="Event")
    eventually(function.calls)
    cloud.stop(keep=True)
    stored = cloud.stored()
    assert stored is not None
    assert stored.dropped == 1


@pytest.mark.deployed
def test_a_cloud_ended_by_the_system_is_stored(cloud: LocalCloud, started: Running) -> None:
    """As when the machine shuts down: SIGTERM, and some seconds."""
    os.kill(started.pid, signal.SIGTERM)
    assert processes.ended(started.pid, 60)
    assert cloud.start(restore=started.boot_id).boot_id == started.boot_id


@pytest.fixture
def fill(cloud: LocalCloud, started: Running) -> Callable[[], Callable[[], object]]:
    """Return what makes the stack impossible to store; it returns what makes it possible again."""
    folder = started and cloud.directory / snapshot.FOLDER

    def full() -> Callable[[], object]:
        if folder.exists():
            folder.rename(cloud.directory / "moved")
        folder.write_text("no folder")
        return folder.unlink

    return full


@pytest.mark.deployed
def test_a_cloud_that_cannot_be_stored_goes_on(
    cloud: LocalCloud, started: Running, fill: Callable[[], Callable[[], object]]
) -> None:
    """It still takes events; when there is room again, the same command stores it."""
    lab = lab_on(started, cloud)
    queue = lab.queue()
    free = fill()
    with pytest.raises(LocalCloudError, match=r"^The stack cannot be stored"):
        cloud.stop(keep=True)
    assert cloud.running() == started
    lab.sqs.send_message(QueueUrl=queue.url, MessageBody="after the refusal")
    free()
    assert cloud.stop(keep=True)
    again = cloud.start(restore=started.boot_id)
    found = lab_on(again, cloud).messages(queue)
    assert [each["Body"] for each in found] == ["after the refusal"]


@pytest.mark.deployed
def test_a_cloud_ended_by_the_system_waits_for_a_full_disk(
    cloud: LocalCloud, started: Running, fill: Callable[[], Callable[[], object]]
) -> None:
    """Its process holds all there is."""
    free = fill()
    os.kill(started.pid, signal.SIGTERM)
    eventually(lambda: "cannot be stored yet" in cloud.log.read_text())
    assert processes.alive(started.pid)
    free()
    assert processes.ended(started.pid, 60)
    assert cloud.start(restore=started.boot_id).boot_id == started.boot_id

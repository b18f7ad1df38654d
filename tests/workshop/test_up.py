"""Whether what is known of a local cloud still holds."""

import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from local_cloud import processes, snapshot
from local_cloud.errors import LocalCloudError, NoAnswerError
from local_cloud.process import Running
from workshop.deployment import stack, target
from workshop.deployment.local import up
from workshop.deployment.stack import Record
from workshop.deployment.terraform.runner import end_orphans
from workshop.errors import UsageError, WorkshopError

BOOT = "boot-1"


def record(**changes):
    return Record(
        "us-east-1", "000000000000", "http://127.0.0.1:4999", **{"boot_id": BOOT} | changes
    )


def test_a_record_of_the_running_cloud_holds():
    assert up.stale(record(), has_state=True, boot_id=BOOT) is None


def test_nothing_known_of_an_empty_directory_holds():
    assert up.stale(None, has_state=False, boot_id=None) is None


@pytest.mark.parametrize(
    ("known", "boot_id", "remark"),
    [
        (record(), None, "is gone"),
        (record(), "boot-2", "is gone"),
        (record(complete=False), BOOT, "killed halfway"),
        (None, BOOT, "unknown origin"),
    ],
)
def test_stale_state_is_reported_with_the_reason(known, boot_id, remark):
    assert remark in up.stale(known, has_state=True, boot_id=boot_id)


class FakeLambda:
    """One function; remembers whether it got new code."""

    def __init__(self, gateway):
        self.configuration = {
            "CodeSha256": "old",
            "Environment": {"Variables": {"GATEWAY_AVAILABLE": gateway}},
        }
        self.updated = False

    def get_function_configuration(self, **_):
        return self.configuration

    def update_function_code(self, **_):
        self.updated = True


@pytest.mark.parametrize(("gateway", "quickly"), [("true", True), ("false", False)])
def test_terraform_runs_again_when_the_gateway_was_switched_off(
    monkeypatch, tmp_path, gateway, quickly
):
    """New code alone goes to the functions without Terraform, which would leave the switch off."""
    (tmp_path / "code.zip").write_bytes(b"new")
    functions = FakeLambda(gateway)
    deployment = up._Deployment(
        "default", 2, None, {"payment_service": tmp_path / "code.zip"}, 0, []
    )
    deployment.target = SimpleNamespace(client=lambda _: functions)
    maps = {"function_names": {"payment": "p"}, "table_names": {}, "dead_letter_queue_urls": {}}
    deployment.record = record(
        bundles={"payment_service": "old"},
        outputs={"api_endpoint": "", "event_bus_name": "", "region": "", **maps},
    )
    updated = deployment._update_code({"payment_service": "new"})
    assert updated == (["payment"] if quickly else None)
    assert functions.updated is quickly


class FakeQueues:
    """Queues with so many messages each; the last word of a URL is the kind."""

    def __init__(self, **counts):
        self.counts = counts

    def get_queue_attributes(self, **request):
        count = self.counts.get(request["QueueUrl"].rpartition("-")[2], 0)
        return {"Attributes": {name: str(count) for name in request["AttributeNames"]}}


@pytest.mark.parametrize(
    ("counts", "buffered", "refused"),
    [
        ({}, [], False),
        ({"buffer": 1}, ["payment"], False),
        ({"buffer": 1}, [], True),
        ({"unprocessed": 1}, ["shipping"], True),
    ],
)
def test_a_buffer_is_not_removed_while_it_holds_something(counts, buffered, refused):
    deployment = up._Deployment("default", 6, None, {}, 0, buffered)
    deployment.target = SimpleNamespace(client=lambda _: FakeQueues(**counts))
    maps = {"function_names": {}, "table_names": {}, "dead_letter_queue_urls": {}}
    urls = {"payment": "http://q/orderflow-payment-buffer"}
    outputs = {"api_endpoint": "", "event_bus_name": "", "region": "", "buffer_queue_urls": urls}
    deployment.record = record(outputs={**outputs, **maps})
    with pytest.raises(UsageError, match="--buffer payment") if refused else nullcontext():
        deployment._check_buffers_to_remove()


@pytest.mark.parametrize("key", ["order-api", "shipping", "unknown"])
def test_only_a_consumer_of_the_stage_gets_a_buffer(key):
    with pytest.raises(UsageError, match="order-tracker, payment, payment-refund"):
        up.deploy(2, buffered=["payment", key])


def test_a_state_is_set_aside_not_lost(tmp_path):
    (tmp_path / "terraform.tfstate").write_text("{}")
    up.set_aside(tmp_path)
    up.delete_record(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["set-aside.tfstate"]


def test_a_record_survives_between_commands(tmp_path):
    record(stage=3, bundles={"a": "b"}).save(tmp_path)
    assert Record.load(tmp_path) == record(stage=3, bundles={"a": "b"})


@pytest.mark.parametrize("text", ["", "[]", "{", '{"unknown": 1}'])
def test_a_broken_record_counts_as_none(tmp_path, text):
    (tmp_path / "stack.json").write_text(text)
    assert Record.load(tmp_path) is None


def test_unreadable_record_is_an_error_and_not_none(tmp_path):
    """None would mean that no stack is up: its cloud would be stopped with all its orders."""
    (tmp_path / "stack.json").mkdir()
    with pytest.raises(WorkshopError, match="cannot be read"):
        Record.load(tmp_path)


def test_unreadable_snapshot_is_an_error_and_not_none(tmp_path):
    """None would mean that nothing is stored, and the next start would remove it."""
    (tmp_path / snapshot.FOLDER / "snapshot.json").mkdir(parents=True)
    with pytest.raises(LocalCloudError, match="cannot be read"):
        snapshot.read(tmp_path)


class SilentCloud:
    """A local cloud that is paused."""

    def __init__(self):
        self.stopped = []

    def running(self):
        raise NoAnswerError("paused")

    def stored(self):
        return None

    def stop(self, *, keep=False):
        self.stopped.append(keep)
        return True


@pytest.fixture
def silent(monkeypatch, tmp_path):
    cloud = SilentCloud()
    for module in (up, stack, target):
        monkeypatch.setattr(module, "CLOUDS", tmp_path)
    monkeypatch.setattr(up, "local_cloud", lambda _: cloud)
    monkeypatch.setattr(stack, "LocalCloud", lambda *_: cloud)
    record(outputs={"api_endpoint": ""}).save(tmp_path / "default")
    return cloud


def test_paused_cloud_keeps_its_stack_whatever_is_asked(silent, tmp_path):
    deployment = up._Deployment("default", 1, None, {}, 0, [])
    asked = (deployment.run, up.down, up.start_empty, lambda: stack.current("default"))
    for ask in asked:
        with pytest.raises(NoAnswerError):
            ask()
    assert not silent.stopped
    assert Record.load(tmp_path / "default") is not None


@pytest.mark.parametrize(("port", "said"), [(None, ""), (4566, ""), (4570, "port 4566")])
def test_port_of_a_running_cloud_is_said_when_another_is_asked_for(capsys, port, said):
    up._say_the_port(Running("http://127.0.0.1:4566", BOOT, 1, 4566), port)
    printed = capsys.readouterr().err
    assert said in printed
    assert bool(printed) is bool(said)


def test_paused_cloud_is_removed_when_all_is_discarded(silent, tmp_path):
    assert up.down(discard=True).was_running
    assert silent.stopped == [False]
    assert Record.load(tmp_path / "default") is None


def test_paused_cloud_is_not_called_stopped_after_a_failure(silent):
    assert up._has_ended(silent) is False


@pytest.mark.parametrize("name", ["aws-000000000000-us-east-1", "aws-x"])
def test_local_command_refuses_the_stack_of_an_account(name):
    """Neither up nor down touches what was deployed to AWS."""
    for command in (up.deploy, up.down):
        arguments = (1, name) if command is up.deploy else (name,)
        with pytest.raises(UsageError, match="AWS account"):
            command(*arguments)


@pytest.mark.parametrize("name", ["", "..", "/etc", "a/b", "A", "-a", "a b"])
def test_a_cloud_name_is_no_path(monkeypatch, name):
    """WORKSHOP_CLOUD becomes a folder's name: anything else is refused."""
    monkeypatch.setenv("WORKSHOP_CLOUD", name)
    with pytest.raises(UsageError, match="WORKSHOP_CLOUD"):
        stack.cloud_name()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups")
def test_an_orphan_of_terraform_is_ended(tmp_path):
    """Its leader is dead, its provider lives: the provider is ended, and gives the lock back."""
    script = "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', SLEEP]).pid)"
    script = script.replace("SLEEP", repr("import time; time.sleep(60)"))
    leader = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, process_group=0
    )
    orphan = int(leader.stdout.readline())
    leader.wait()
    leader.stdout.close()
    (tmp_path / "terraform.pid").write_text(str(leader.pid))
    end_orphans(tmp_path)
    assert processes.ended(orphan, 5) or _is_zombie(orphan)


def _is_zombie(pid):
    return " Z " in Path(f"/proc/{pid}/stat").read_text()


@pytest.fixture
def running_cloud(monkeypatch, tmp_path):
    """A local cloud that runs, in a folder of its own."""
    monkeypatch.setattr(up, "CLOUDS", tmp_path)
    running = Running("http://127.0.0.1:4999", BOOT, 1, 4999)
    monkeypatch.setattr(up, "local_cloud", lambda _: SimpleNamespace(running=lambda: running))
    return tmp_path / "default"


def test_a_cloud_with_a_stack_is_not_taken_for_an_empty_account(running_cloud):
    """What `deploy` would make there has the names of what `up` made."""
    record(stage=3).save(running_cloud)
    with pytest.raises(WorkshopError, match="make down"):
        up.start_empty("default")
    assert up.empty_cloud("default") is None


@pytest.mark.usefixtures("running_cloud")
def test_a_running_cloud_without_a_stack_is_an_account():
    assert up.start_empty("default").endpoint_url == "http://127.0.0.1:4999"
    assert up.empty_cloud("default").endpoint_url == "http://127.0.0.1:4999"


@pytest.mark.parametrize(("boot_id", "present"), [(BOOT, True), ("boot-2", False)])
def test_stack_is_present_when_its_own_start_of_the_cloud_runs(monkeypatch, boot_id, present):
    running = Running("http://127.0.0.1:4999", BOOT, 1, 4999)
    cloud = SimpleNamespace(running=lambda: running, stored=lambda: None)
    monkeypatch.setattr(up, "local_cloud", lambda _: cloud)
    assert up.is_present("default", record(boot_id=boot_id)) is present


def test_stack_in_an_account_is_not_present_on_a_local_cloud(monkeypatch):
    """Else `make up` would say what it removes from the account, before it refuses."""
    cloud = SimpleNamespace(running=lambda: None, stored=lambda: None)
    monkeypatch.setattr(up, "local_cloud", lambda _: cloud)
    assert up.is_present("aws-1", record(boot_id=None)) is False

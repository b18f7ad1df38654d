"""Whether what is known of a local cloud still holds."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from local_cloud import processes
from workshop.deployment import stack
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
def test_a_state_that_does_not_hold_is_told(known, boot_id, remark):
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
def test_a_gateway_switched_off_by_hand_is_set_up_again_by_terraform(
    monkeypatch, tmp_path, gateway, quickly
):
    """New code alone goes to the functions without Terraform, which would leave the switch off."""
    (tmp_path / "code.zip").write_bytes(b"new")
    functions = FakeLambda(gateway)
    deployment = up._Deployment("default", 2, None, {"payment_service": tmp_path / "code.zip"}, 0)
    deployment.target = SimpleNamespace(client=lambda _: functions)
    maps = {"function_names": {"payment": "p"}, "table_names": {}, "dead_letter_queue_urls": {}}
    deployment.record = record(
        bundles={"payment_service": "old"},
        outputs={"api_endpoint": "", "event_bus_name": "", "region": "", **maps},
    )
    updated = deployment._update_code({"payment_service": "new"})
    assert updated == (["payment"] if quickly else None)
    assert functions.updated is quickly


def test_a_state_is_set_aside_not_lost(tmp_path):
    (tmp_path / "terraform.tfstate").write_text("{}")
    up.set_aside(tmp_path)
    up.forget(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["set-aside.tfstate"]


def test_a_record_survives_between_commands(tmp_path):
    record(stage=3, bundles={"a": "b"}).save(tmp_path)
    assert Record.load(tmp_path) == record(stage=3, bundles={"a": "b"})


@pytest.mark.parametrize("text", ["", "[]", "{", '{"unknown": 1}'])
def test_a_broken_record_counts_as_none(tmp_path, text):
    (tmp_path / "stack.json").write_text(text)
    assert Record.load(tmp_path) is None


@pytest.mark.parametrize("name", ["aws-000000000000-us-east-1", "aws-x"])
def test_local_verbs_keep_away_from_an_account(name):
    """Neither up nor down touches what was deployed to AWS."""
    for verb in (up.deploy, up.down):
        arguments = (1, name) if verb is up.deploy else (name,)
        with pytest.raises(UsageError, match="AWS account"):
            verb(*arguments)


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
    running = SimpleNamespace(boot_id=BOOT, endpoint_url="http://127.0.0.1:4999")
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

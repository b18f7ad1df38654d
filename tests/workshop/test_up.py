"""Whether what is known of a local cloud still holds."""

import pytest

from workshop.deployment import up
from workshop.deployment.stack import Record

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

"""Where Terraform's state is kept, and the copy of the configuration that knows it."""

import json
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from workshop.deployment.aws import remote_state
from workshop.deployment.target import Target
from workshop.deployment.terraform import config_copy
from workshop.deployment.terraform.diagnostics import TerraformError
from workshop.deployment.terraform.runner import REPOSITORY
from workshop.errors import WorkshopError
from workshop.paths import CICD, ROOT, TERRAFORM

AWS = Target("x", "eu-west-1", "123456789012", None, own=False)
LOCAL = Target("x", "us-east-1", "000000000000", "http://127.0.0.1:4999", own=True)
SETTINGS = {"bucket": "b", "key": "orderflow/terraform.tfstate"}


def account_answering(status):
    """An account whose S3 answers so when asked for a bucket."""

    def head_bucket(**asked):
        assert asked == {"Bucket": "b", "ExpectedBucketOwner": "123456789012"}
        if status != 200:
            answer = {
                "Error": {"Code": str(status)},
                "ResponseMetadata": {"HTTPStatusCode": status},
            }
            raise ClientError(answer, "HeadBucket")

    s3 = SimpleNamespace(head_bucket=head_bucket)
    return SimpleNamespace(account="123456789012", region="eu-west-1", client=lambda _: s3)


@pytest.mark.parametrize(("status", "there"), [(200, True), (404, False)])
def test_a_bucket_is_there_or_not(status, there):
    assert remote_state.exists(account_answering(status), "b") is there


@pytest.mark.parametrize("status", [301, 403])
def test_error_names_a_state_bucket_that_cannot_be_read(status):
    """Going on with a state on this machine would deploy everything a second time."""
    with pytest.raises(WorkshopError, match=f"state bucket b answers with {status}"):
        remote_state.exists(account_answering(status), "b")


def test_the_state_is_locked_and_encrypted_where_it_is():
    settings = remote_state.backend(AWS, "b", "orderflow/terraform.tfstate")
    assert settings == {
        **SETTINGS,
        "region": "eu-west-1",
        "use_lockfile": True,
        "encrypt": True,
    }


def test_a_rehearsal_reaches_no_other_cloud():
    settings = remote_state.backend(LOCAL, "b", "k")
    assert set(settings["endpoints"].values()) == {LOCAL.endpoint_url}
    assert settings["use_path_style"] is True


def pushing(error=None):
    """Terraform that takes a state, or refuses it."""
    pushed = []

    def push_state(path):
        if error:
            raise TerraformError(error)
        pushed.append(path.read_text())

    return SimpleNamespace(push_state=push_state, pushed=pushed)


def test_a_state_from_before_is_brought_home_once(tmp_path):
    state = tmp_path / "terraform.tfstate"
    state.write_text("mine")
    terraform = pushing()
    for _ in range(2):
        remote_state.adopt(terraform, state, SETTINGS)
    assert terraform.pushed == ["mine"]
    assert (tmp_path / "set-aside-terraform.tfstate").read_text() == "mine"


def test_state_of_another_stack_is_kept_and_refused(tmp_path):
    state = tmp_path / "terraform.tfstate"
    state.write_text("mine")
    with pytest.raises(WorkshopError, match=r"is not that of s3://b/orderflow/terraform\.tfstate"):
        remote_state.adopt(pushing("lineage differs"), state, SETTINGS)
    assert state.exists()


def test_who_locks_the_bucket_is_not_taken_for_another_stack(tmp_path):
    """The run that could not write its state could not give the lock back either."""
    (tmp_path / "errored.tfstate").write_text("mine")
    with pytest.raises(TerraformError, match="the state lock"):
        remote_state.adopt(
            pushing("Error acquiring the state lock"), tmp_path / "errored.tfstate", SETTINGS
        )


def test_the_copy_has_what_terraform_reads_and_no_more(tmp_path):
    """Same names, same content: what it plans is what the repository would."""
    (tmp_path / "configuration").mkdir()
    (tmp_path / "configuration" / "old.tf").write_text("")
    copy = config_copy.write(tmp_path, None)
    assert not (copy.base / "old.tf").exists()
    there = {path.relative_to(copy.base): path.read_bytes() for path in copy.files()}
    lock = TERRAFORM.relative_to(ROOT) / ".terraform.lock.hcl"
    assert lock in there
    assert there == {path.relative_to(ROOT): path.read_bytes() for path in REPOSITORY.files()}
    assert not any("tests" in path.parts for path in copy.base.rglob("*"))


def test_only_the_copy_knows_the_bucket(tmp_path):
    copy = config_copy.write(tmp_path, SETTINGS)
    backend = json.loads((copy.root / "backend.tf.json").read_text())
    assert backend == {"terraform": {"backend": {"s3": SETTINGS}}}
    assert copy.remote
    assert not (TERRAFORM / "backend.tf.json").exists()
    assert not config_copy.write(tmp_path, None).remote
    assert not (copy.root / "backend.tf.json").exists()


def test_another_root_brings_the_same_lock_file(tmp_path):
    copy = config_copy.write(tmp_path, SETTINGS, CICD / "terraform")
    assert copy.root == tmp_path / "configuration" / "06-cicd" / "terraform"
    assert (copy.root / ".terraform.lock.hcl").exists()
    assert (copy.root / "backend.tf.json").exists()
    assert not (copy.base / "terraform" / "backend.tf.json").exists()


def test_a_state_that_never_got_home_survives(tmp_path):
    """Terraform leaves it in the copy when the bucket cannot be reached any more."""
    copy = config_copy.write(tmp_path, SETTINGS)
    (copy.root / "errored.tfstate").write_text("{}")
    config_copy.write(tmp_path, SETTINGS)
    assert (copy.root / "errored.tfstate").exists()


def test_a_copy_is_found_again_with_its_bucket(tmp_path):
    assert config_copy.of(tmp_path) == REPOSITORY
    assert config_copy.write(tmp_path, SETTINGS) == config_copy.of(tmp_path)
    assert config_copy.write(tmp_path, None) == config_copy.of(tmp_path)

"""A plan goes to another machine through the state bucket, and only the approved one is taken."""

import shutil

import boto3
import pytest
from botocore.exceptions import ClientError

from workshop.commands import deploy
from workshop.deployment.aws import remote_state, saved_plan, shared_plan
from workshop.deployment.aws.bootstrap_names import PLANS
from workshop.deployment.aws.saved_plan import Planned
from workshop.deployment.target import Target
from workshop.errors import WorkshopError

PREFIX = "orderflow"


@pytest.fixture
def account(aws, monkeypatch):
    """An account of the in-process cloud, with credentials from the environment."""
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    return Target("x", "us-east-1", "123456789012", None, own=False)


@pytest.fixture
def bucket(account):
    """The account's state bucket, empty."""
    name = remote_state.names(account, PREFIX).state_bucket
    boto3.client("s3").create_bucket(Bucket=name)
    return boto3.resource("s3").Bucket(name)


@pytest.fixture
def kept(monkeypatch, tmp_path):
    """Keep a plan of some content on this machine; returns its facts."""
    monkeypatch.setattr(saved_plan, "PIPELINE", tmp_path / "pipeline")

    def keep(content=b"plan"):
        plan = tmp_path / "plan"
        plan.write_bytes(content)
        here = ("123456789012", "us-east-1", None, PREFIX, 6, "abc")
        facts = Planned(*here, saved_plan.fingerprint(plan), {})
        saved_plan.save(facts, plan, "report")
        return facts

    return keep


def taken(account, fingerprint):
    """What `apply` applies when this plan was approved."""
    shared_plan.fetch(account, PREFIX, fingerprint)
    return saved_plan.load()


def keys(bucket):
    return sorted(each.key for each in bucket.objects.all())


def test_shared_plan_arrives_on_another_machine(account, bucket, kept):
    facts = kept(b"what was approved")
    fingerprint = shared_plan.share(account, PREFIX)
    shutil.rmtree(saved_plan.PIPELINE)
    assert taken(account, fingerprint) == facts
    assert saved_plan.plan_file().read_bytes() == b"what was approved"


def test_plan_of_another_run_stays_apart(account, bucket, kept):
    approved = kept(b"one")
    fingerprint = shared_plan.share(account, PREFIX)
    kept(b"two")
    assert shared_plan.share(account, PREFIX) != fingerprint
    assert taken(account, fingerprint) == approved


@pytest.mark.parametrize("name", ["plan.json", "plan.tfplan"])
def test_plan_that_was_changed_in_the_bucket_is_refused(account, bucket, kept, name):
    kept(b"what was approved")
    fingerprint = shared_plan.share(account, PREFIX)
    kept(b"what somebody wrote")
    path = saved_plan.PIPELINE / name
    bucket.put_object(Key=f"{PLANS}{fingerprint}/{name}", Body=path.read_bytes())
    with pytest.raises(WorkshopError, match=r"not the approved one|do not belong together"):
        taken(account, fingerprint)


def test_both_files_of_another_plan_are_refused_and_not_kept(account, bucket, kept):
    kept(b"what was approved")
    fingerprint = shared_plan.share(account, PREFIX)
    kept(b"what somebody wrote")
    for path in (saved_plan.plan_file(), saved_plan.facts_file()):
        bucket.put_object(Key=f"{PLANS}{fingerprint}/{path.name}", Body=path.read_bytes())
    with pytest.raises(WorkshopError, match="not the approved one"):
        shared_plan.fetch(account, PREFIX, fingerprint)
    with pytest.raises(WorkshopError, match="no plan to carry out"):
        saved_plan.load()


def test_applied_plan_is_gone(account, bucket, kept):
    kept()
    fingerprint = shared_plan.share(account, PREFIX)
    assert len(keys(bucket)) == 2
    shared_plan.remove(account, PREFIX, fingerprint)
    assert keys(bucket) == []
    with pytest.raises(WorkshopError, match="it was applied"):
        shared_plan.fetch(account, PREFIX, fingerprint)


def test_half_a_plan_is_not_shared(account, bucket, kept):
    kept()
    saved_plan.plan_file().write_bytes(b"another")
    with pytest.raises(WorkshopError, match="do not belong together"):
        shared_plan.share(account, PREFIX)
    assert keys(bucket) == []


def test_plan_is_not_shared_without_a_state_bucket(account, kept):
    kept()
    with pytest.raises(WorkshopError, match="make bootstrap"):
        shared_plan.share(account, PREFIX)


def test_plans_lie_where_no_stacks_state_can():
    """The plan role writes there: a stack's prefix starts with a letter."""
    assert not PLANS[0].isalpha()
    for prefix in ("plans", "ab"):
        assert not remote_state.key(prefix).startswith(PLANS)


def test_output_reaches_the_other_jobs_of_a_workflow(monkeypatch, tmp_path):
    monkeypatch.delenv("GITHUB_OUTPUT", raising=False)
    deploy._output("plan", "nowhere")
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "outputs"))
    deploy._output("plan", "abc")
    assert (tmp_path / "outputs").read_text("utf-8") == "plan=abc\n"


def test_role_of_an_older_bootstrap_gets_the_command(account, bucket, kept, monkeypatch):
    """Before plans were kept in the bucket, neither role had permissions for them."""
    kept()
    refused = {"Error": {"Code": "AccessDenied", "Message": "no"}}

    def refuse(*_, **__):
        raise ClientError(refused, "PutObject")

    monkeypatch.setattr(account.client("s3"), "put_object", refuse)
    monkeypatch.setattr(account.client("s3"), "get_object", refuse)
    with pytest.raises(WorkshopError, match="make bootstrap"):
        shared_plan.share(account, PREFIX)
    with pytest.raises(WorkshopError, match="make bootstrap"):
        shared_plan.fetch(account, PREFIX, "0" * 64)

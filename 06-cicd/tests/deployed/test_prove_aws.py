"""`make prove-aws` in a local account that is as eventually consistent as AWS."""

import json
import re

import pytest

from devtools.aws_proof.story import STORY
from devtools.commands.prove_aws import PREFIX
from devtools.documents.running import working_copy
from devtools.test_runner import REPORTS
from local_cloud.control import Control
from tests.fixtures.account import ACCOUNT_ALONE, empty_account, everything
from tests.fixtures.deployed import PROOF_CLOUD
from workshop.deployment.target import LOCAL_ACCOUNT, Target
from workshop.paths import ROOT

pytestmark = [pytest.mark.deployed, ACCOUNT_ALONE]

IDENTIFIES = re.compile(r"\d{12}|A(KIA|SIA)[A-Z0-9]|[\w.+-]+@[\w-]+\.\w|127\.0\.0\.1")


@pytest.fixture
def late(tmp_path):
    """Return an account as eventually consistent as AWS, seen from a copy of the repository.

    Other tests deploy from this repository meanwhile.
    """
    copy = working_copy.make(tmp_path / "orders")
    with empty_account(PROOF_CLOUD, copy) as account:
        Control(account.endpoint_url).set_eventually_consistent(on=True)
        yield account


def test_every_step_of_the_story_succeeds_and_nothing_is_left(late):
    """Lists, policies and aliases are late during release, drift and destroy."""
    cloud = Target.local("account", late.endpoint_url)
    before, reports = everything(cloud), late.root / REPORTS.relative_to(ROOT)
    assert "not for 123456789012" in late.refuses('make prove-aws ARGS="--account 123456789012"')
    output = late.does("make prove-aws", f"{LOCAL_ACCOUNT}\n")
    assert f"Account {LOCAL_ACCOUNT}, region us-east-1, names {PREFIX}-*" in output
    assert "Cost: none here." in output
    ended = dict(re.findall(r"^ (\S.*?) {2,}(\w[\w ]*?) +\d+ *$", output, re.MULTILINE))
    assert [ended[step.title] for step in STORY] == ["ok"] * len(STORY)
    Control(late.endpoint_url).set_eventually_consistent(on=False)
    assert everything(cloud) == before

    (folder,) = (each for each in reports.glob("prove-aws-*") if "deploy" in read(each))
    assert IDENTIFIES.findall(read(folder)) == []
    lines = [json.loads(line) for line in read(folder).splitlines()]
    clients = {line["command"] == "terraform" for line in lines}
    assert clients == {True, False}
    (put,) = (line for line in lines if line["operation"] == "PutEvents")
    assert put["response"]["Entries"][0]["ErrorCode"] == "MalformedDetail"
    assert {"CreateEventBus", "DeleteEventBus", "UpdateAlias"} <= {
        each["operation"] for each in lines
    }


def read(folder):
    """Return everything that was recorded in a folder."""
    return "".join(path.read_text("utf-8") for path in sorted(folder.glob("*.jsonl")))

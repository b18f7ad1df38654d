"""A stack's whole life in an account, with the commands of the README and of the pipeline's jobs.

One test has all steps, because each step needs the one before, and a deployment is slow. It reads
a person's commands from the README and the pipeline's commands from the workflows, and runs the
pipeline's with the roles of its jobs.
"""

import shutil

import pytest
import yaml

from tests.fixtures.account import ACCOUNT_ALONE, NAMES, everything
from tests.fixtures.readme import aws_commands
from workshop.deployment.aws import bootstrap_names, saved_plan
from workshop.deployment.target import LOCAL_ACCOUNT, Target
from workshop.paths import ROOT

pytestmark = [pytest.mark.deployed, ACCOUNT_ALONE]

CONFIRMED = f"{LOCAL_ACCOUNT}\n"


def job(workflow: str, name: str) -> list[str]:
    """Return the commands of a workflow's job, in order."""
    text = (ROOT / f".github/workflows/{workflow}.yml").read_text("utf-8")
    return [step["run"] for step in yaml.safe_load(text)["jobs"][name]["steps"] if "run" in step]


def test_readme_has_only_the_commands_that_this_module_runs():
    """A command that is added there must run here."""
    assert aws_commands() == [
        "make deploy",
        "make smoke ARGS=--account",
        "make rollback ARGS=--account",
        "make destroy",
        'make bootstrap ARGS="--repository you/orders"',
        "make bootstrap ARGS=--remove",
    ]


def test_stack_is_deployed_released_and_destroyed_in_an_account(owner, planner, deployer, tmp_path):
    """From a prepared account to an empty one, with the permissions of each role."""
    deploy, smoke, rollback, destroy, _, remove = aws_commands()
    cloud = Target.local("account", owner.endpoint_url)
    prepared = everything(cloud)

    # main: one role plans, the other applies on another machine and tests the stack with an order.
    (plan,), outputs = job("deploy", "plan"), tmp_path / "outputs"
    said = planner.does(plan, SHARE_PLAN="true", GITHUB_OUTPUT=str(outputs))
    assert "names orderflow-*" in said
    assert "no changes" not in saved_plan.report_file().read_text("utf-8")
    approved = outputs.read_text("utf-8").strip().removeprefix("plan=")
    shutil.rmtree(owner.machine)
    shutil.rmtree(saved_plan.PIPELINE)
    apply, release = job("deploy", "deploy")
    assert "There is no plan to carry out." in deployer.refuses(apply)
    assert "There is no plan s3://" in deployer.refuses(apply, APPROVED_PLAN="0" * 64)
    deployer.does(apply, APPROVED_PLAN=approved)
    assert "It is SHIPMENT_PREPARED" in deployer.does(release)
    assert "it was applied" in deployer.refuses(apply, APPROVED_PLAN=approved)

    # A person: there is nothing to change.
    said = deployer.does(deploy, CONFIRMED)
    assert f"State: s3://{NAMES.state_bucket}/orderflow/terraform.tfstate" in said
    assert f"Account {LOCAL_ACCOUNT}, region us-east-1, stage 6, names orderflow-*" in said
    assert "Cost: none here." in said
    assert "is SHIPMENT_PREPARED" in deployer.does(smoke)
    assert "first release" in deployer.refuses(rollback), "there is nothing before it"

    # The nightly drift check has no permission to lock the state.
    (drift,) = job("nightly", "drift")
    assert "as Terraform left it" in planner.does(drift)
    change(deployer, 24)
    assert "The stack has drifted." in planner.refuses(drift)
    assert "lambda_function | this | change |" in saved_plan.report_file().read_text("utf-8")

    # A release publishes the manual change, and a rollback reverts it.
    assert "shipping        1 → 2" in deployer.does(release)
    assert "shipping        2 → 1" in deployer.does(rollback)

    # The pipeline destroys the stack, then a person tries it again.
    assert "The stack is still there" in owner.refuses(remove, CONFIRMED)
    (pipelines,) = job("destroy", "destroy")
    said = deployer.refuses(pipelines, CONFIRM_DESTROY="orderflo")
    assert "is not the prefix" in said
    said = deployer.does(pipelines, CONFIRM_DESTROY="orderflow")
    assert "nothing of the stack is left" in said
    assert "nothing to destroy any more" in deployer.does(destroy)
    assert everything(cloud) == prepared

    # The bootstrap knows its settings on any machine, and can be removed completely.
    shutil.rmtree(owner.machine)
    said = owner.does("make bootstrap")
    assert "Plan: no changes." in said
    assert f"State: s3://{NAMES.state_bucket}/{bootstrap_names.STATE_KEY}" in said
    assert "Nothing was changed." in owner.refuses(remove, "no\n")
    assert "none is left" in owner.does(remove, CONFIRMED)
    assert {name: found for name, found in everything(cloud).items() if found} == EMPTY
    iam = owner.client("iam")
    assert iam.list_policies(Scope="Local")["Policies"] == []
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == []


EMPTY = {("events", "list_event_buses"): ["default"]}
"""What an empty account contains."""


def change(account, seconds):
    """Change a setting manually, as a person in a hurry does."""
    functions = account.client("lambda")
    functions.update_function_configuration(FunctionName="orderflow-shipping", Timeout=seconds)
    functions.get_waiter("function_updated_v2").wait(FunctionName="orderflow-shipping")

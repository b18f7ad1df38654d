"""A stack's whole life in an account: what the README says, and what the pipeline's jobs run.

One test tells it from beginning to end, because each step needs the one before, and deploying is
dear. People's commands come from the README, the pipeline's from the workflows, with the roles that
the jobs take: what stands there is what is shown to work.
"""

import re
import shutil

import pytest
import yaml

from tests.fixtures.account import ACCOUNT_ALONE, NAMES
from workshop.deployment.aws import bootstrap_names, saved_plan, teardown_check
from workshop.deployment.target import LOCAL_ACCOUNT, Target
from workshop.paths import ROOT

pytestmark = [pytest.mark.deployed, ACCOUNT_ALONE]

CONFIRMED = f"{LOCAL_ACCOUNT}\n"


def readme() -> list[str]:
    """The make commands of the README's section on AWS, in their order."""
    text = (ROOT / "README.md").read_text("utf-8")
    section = re.split(r"^## ", text[text.index("## On AWS") + 3 :], flags=re.MULTILINE)[0]
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```", section, re.DOTALL | re.MULTILINE)
    return [line.strip() for block in blocks for line in block.splitlines()]


def job(workflow: str, name: str) -> list[str]:
    """The commands of a workflow's job, in their order."""
    text = (ROOT / f".github/workflows/{workflow}.yml").read_text("utf-8")
    return [step["run"] for step in yaml.safe_load(text)["jobs"][name]["steps"] if "run" in step]


def test_the_story_tells_all_that_the_readme_says():
    """A command that is added there has to be shown here."""
    assert readme() == [
        "make deploy",
        "make smoke ARGS=--account",
        "make rollback ARGS=--account",
        "make destroy",
        'make bootstrap ARGS="--repository you/orders"',
        "make bootstrap ARGS=--remove",
    ]


def test_a_stacks_whole_life_in_an_account(owner, planner, deployer):
    """From a prepared account to an empty one; nobody needs more rights than their role gives."""
    deploy, smoke, rollback, destroy, _, remove = readme()
    cloud = Target.local("account", owner.endpoint_url)
    prepared = everything(cloud)

    # main: planned by one role, carried out by the other on another machine, proved by an order.
    (plan,) = job("deploy", "plan")
    assert "names orderflow-*" in planner.does(plan)
    assert "no changes" not in saved_plan.report_file().read_text("utf-8")
    shutil.rmtree(owner.machine)
    apply, release = job("deploy", "deploy")
    assert "Nothing was changed." in deployer.refuses('make apply ARGS="--prefix other"')
    deployer.does(apply)
    assert "It is SHIPMENT_PREPARED" in deployer.does(release)
    assert "There is no plan to carry out." in deployer.refuses(apply)

    # A person: there is nothing to change any more.
    said = deployer.does(deploy, CONFIRMED)
    assert f"State: s3://{NAMES.state_bucket}/orderflow/terraform.tfstate" in said
    assert f"Account {LOCAL_ACCOUNT}, region us-east-1, stage 6, names orderflow-*" in said
    assert "Cost: none here." in said
    assert "is SHIPMENT_PREPARED" in deployer.does(smoke)
    assert "first release" in deployer.refuses(rollback), "there is nothing before it"

    # At night somebody looks whether the stack is as it was left, and may not even lock its state.
    (drift,) = job("nightly", "drift")
    assert "as Terraform left it" in planner.does(drift)
    change(deployer, 24)
    assert "The stack has drifted." in planner.refuses(drift)
    assert "lambda_function | this | change |" in saved_plan.report_file().read_text("utf-8")

    # What was changed by hand is released, and taken back; then it is put right.
    assert "shipping        1 → 2" in deployer.does(release)
    assert "shipping        2 → 1" in deployer.does(rollback)
    deployer.does(apply)

    # Taken down by the pipeline's own command, and once more by a person's.
    assert "The stack is still there" in owner.refuses(remove, CONFIRMED)
    (pipelines,) = job("destroy", "destroy")
    said = deployer.refuses(pipelines, CONFIRM_DESTROY="orderflo")
    assert "is not the prefix" in said
    said = deployer.does(pipelines, CONFIRM_DESTROY="orderflow")
    assert "nothing of the stack is left" in said
    assert "nothing to destroy any more" in deployer.does(destroy)
    assert everything(cloud) == prepared

    # The preparation knows from any machine what it was made with, and goes whole.
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
"""What an account has in which there is nothing."""


def change(account, seconds):
    """Change a setting by hand, as somebody in a hurry does."""
    functions = account.client("lambda")
    functions.update_function_configuration(FunctionName="orderflow-shipping", Timeout=seconds)
    functions.get_waiter("function_updated_v2").wait(FunctionName="orderflow-shipping")


def everything(cloud):
    """All there is in the account, by service and by tag."""
    found = {(service, operation): [] for service, operation, *_ in teardown_check.LISTS}
    for service, operation, key, name in teardown_check.LISTS:
        found[service, operation] += teardown_check._names(cloud, service, operation, key, name)
    found["tags"] = [arn for arn, _ in teardown_check._resources(cloud, [])]
    return {what: sorted(names) for what, names in found.items()}

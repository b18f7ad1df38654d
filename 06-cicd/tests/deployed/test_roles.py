# ruff: noqa: E501 - one line per entry of a table
"""The roles of a bootstrapped account: who may assume them, and which requests IAM refuses.

`test_whole_life.py` shows that their permissions are enough for the pipeline.
"""

import contextlib
import json

import pytest
from botocore.exceptions import ClientError

from tests.fixtures.account import (
    ACCOUNT_ALONE,
    NAMES,
    NUMBERED,
    PLAIN,
    PRODUCTION,
    ROLES,
    Account,
)
from tests.fixtures.deployed import eventually
from tests.fixtures.github import assume
from tests.fixtures.trust import faults
from workshop.deployment.aws import bootstrap_names
from workshop.deployment.target import LOCAL_ACCOUNT, LOCAL_REGION

pytestmark = [pytest.mark.deployed, ACCOUNT_ALONE]

REFUSALS = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "403"}


def refused(call, *arguments, **named):
    """Return whether IAM refuses a call. Another error means that IAM allowed it."""
    try:
        call(*arguments, **named)
    except ClientError as error:
        return error.response["Error"]["Code"] in REFUSALS
    return False


WHO, NOBODY = {NAMES.plan_role, NAMES.deploy_role}, set()
PLAN, DEPLOY = {NAMES.plan_role}, {NAMES.deploy_role}

CLAIMS = {
    "production": ({"sub": f"{PLAIN}:environment:production"}, DEPLOY),
    "production, with ids": ({"sub": PRODUCTION}, DEPLOY),
    "a pull request": ({"sub": f"{PLAIN}:pull_request"}, PLAN),
    "a pull request, with ids": ({"sub": f"{NUMBERED}:pull_request"}, PLAN),
    "main": ({"sub": f"{PLAIN}:ref:refs/heads/main"}, PLAN),
    "main, with ids": ({"sub": f"{NUMBERED}:ref:refs/heads/main"}, PLAN),
    "another branch": ({"sub": f"{NUMBERED}:ref:refs/heads/feature"}, NOBODY),
    "a branch that begins like main": ({"sub": f"{NUMBERED}:ref:refs/heads/main2"}, NOBODY),
    "a branch below main": ({"sub": f"{PLAIN}:ref:refs/heads/main/x"}, NOBODY),
    "a tag called main": ({"sub": f"{NUMBERED}:ref:refs/tags/main"}, NOBODY),
    "another environment": ({"sub": f"{NUMBERED}:environment:staging"}, NOBODY),
    "an environment that begins alike": ({"sub": f"{PLAIN}:environment:production-2"}, NOBODY),
    "a fork": ({"sub": "repo:mallory/shop:environment:production"}, NOBODY),
    "a fork, with ids": ({"sub": "repo:mallory@66/shop@67:environment:production"}, NOBODY),
    "a fork's pull request": ({"sub": "repo:mallory/shop:pull_request"}, NOBODY),
    "another repository of the owner": ({"sub": "repo:acme/site:environment:production"}, NOBODY),
    "a repository that begins alike": ({"sub": "repo:acme/shop2:environment:production"}, NOBODY),
    "an owner that begins alike": ({"sub": "repo:acme2/shop:environment:production"}, NOBODY),
    "the name, with another owner's id": ({"sub": "repo:acme@12/shop@22:environment:production"}, NOBODY),
    "the name of a new repository": ({"sub": "repo:acme@11/shop@23:environment:production"}, NOBODY),
    "the ids the wrong way round": ({"sub": "repo:acme@22/shop@11:environment:production"}, NOBODY),
    "one id only": ({"sub": "repo:acme@11/shop:environment:production"}, NOBODY),
    "renamed, with the same ids": ({"sub": "repo:acme@11/store@22:environment:production"}, NOBODY),
    "other capitals": ({"sub": "repo:Acme/shop:environment:production"}, NOBODY),
    "an environment in capitals": ({"sub": f"{PLAIN}:environment:Production"}, NOBODY),
    "a star for the use": ({"sub": f"{PLAIN}:*"}, NOBODY),
    "a star for everything": ({"sub": "repo:*"}, NOBODY),
    "a star alone": ({"sub": "*"}, NOBODY),
    "the repository alone": ({"sub": PLAIN}, NOBODY),
    "something before it": ({"sub": f"x{PLAIN}:environment:production"}, NOBODY),
    "something behind it": ({"sub": f"{PLAIN}:environment:production:x"}, NOBODY),
    "a line break behind it": ({"sub": f"{PLAIN}:environment:production\n"}, NOBODY),
    "an empty subject": ({"sub": ""}, NOBODY),
    "no subject": ({"sub": None}, NOBODY),
    "no audience": ({"sub": PRODUCTION, "aud": None}, NOBODY),
    "an empty audience": ({"sub": PRODUCTION, "aud": ""}, NOBODY),
    "another audience": ({"sub": PRODUCTION, "aud": "https://github.com/acme"}, NOBODY),
    "an audience in capitals": ({"sub": PRODUCTION, "aud": "STS.amazonaws.com"}, NOBODY),
    "another issuer": ({"sub": PRODUCTION, "iss": "https://gitlab.com"}, NOBODY),
    "an issuer that begins alike": (
        {"sub": PRODUCTION, "iss": "https://token.actions.githubusercontent.com.evil.example"},
        NOBODY,
    ),
    "no issuer": ({"sub": PRODUCTION, "iss": None}, NOBODY),
}  # fmt: skip


@pytest.mark.parametrize("who", CLAIMS)
def test_roles_accept_exactly_the_intended_claims(owner, who):
    """Each role accepts only the intended uses of this one repository."""
    claims, meant = CLAIMS[who]
    entered = {
        role
        for role, arn in ROLES.items()
        if not refused(assume, owner.endpoint_url, arn, **claims)
    }
    assert entered == meant


def test_trust_policies_pass_our_own_check(owner):
    """The check that finds planted faults finds none in the real policies."""
    for role in ROLES:
        trust = owner.client("iam").get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
        assert faults(trust) == []


FOREIGN, OWN = "payroll", "orderflow-spare"
ZIP = {"ZipFile": b"PK\x05\x06" + bytes(18)}
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Action": "sts:AssumeRole",
    "Principal": {"AWS": f"arn:aws:iam::{LOCAL_ACCOUNT}:root"},
}]})  # fmt: skip
EVERYTHING = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)


def _arn(service, name):
    return f"arn:aws:{service}:{LOCAL_REGION}:{LOCAL_ACCOUNT}:{name}"


BY_NAME = {
    "delete a table": lambda c, n: c("dynamodb").delete_table(TableName=n),
    "read an item": lambda c, n: c("dynamodb").get_item(TableName=n, Key={"order_id": {"S": "1"}}),
    "change a function": lambda c, n: c("lambda").update_function_code(FunctionName=n, **ZIP),
    "delete a function": lambda c, n: c("lambda").delete_function(FunctionName=n),
    "move an alias": lambda c, n: c("lambda").update_alias(FunctionName=n, Name="live", FunctionVersion="1"),
    "delete an alias": lambda c, n: c("lambda").delete_alias(FunctionName=n, Name="live"),
    "change a function's retries": lambda c, n: c("lambda").put_function_event_invoke_config(FunctionName=n, MaximumRetryAttempts=0),
    "make a queue": lambda c, n: c("sqs").create_queue(QueueName=n),
    "change a log group": lambda c, n: c("logs").put_retention_policy(logGroupName=f"/aws/lambda/{n}", retentionInDays=1),
    "delete a log group": lambda c, n: c("logs").delete_log_group(logGroupName=f"/aws/lambda/{n}"),
    "read a log": lambda c, n: c("logs").filter_log_events(logGroupName=f"/aws/lambda/{n}"),
    "delete a bus": lambda c, n: c("events").delete_event_bus(Name=n),
    "change a rule": lambda c, n: c("events").put_targets(Rule=n, EventBusName=n, Targets=[{"Id": "1", "Arn": _arn("sqs", n)}]),
    "delete an archive": lambda c, n: c("events").delete_archive(ArchiveName=n),
    "delete a topic": lambda c, n: c("sns").delete_topic(TopicArn=_arn("sns", n)),
    "delete a schedule": lambda c, n: c("scheduler").delete_schedule(Name=n),
    "delete a role": lambda c, n: c("iam").delete_role(RoleName=n),
    "change who may assume a role": lambda c, n: c("iam").update_assume_role_policy(RoleName=n, PolicyDocument=TRUST),
    "delete a budget": lambda c, n: c("budgets").delete_budget(AccountId=LOCAL_ACCOUNT, BudgetName=n),
}  # fmt: skip


@pytest.mark.parametrize("deed", BY_NAME)
def test_deploy_role_changes_only_resources_with_the_stacks_names(owner, deployer, deed):
    """The same request is allowed for the stack's resource and refused for another one."""
    assert refused(BY_NAME[deed], deployer.client, FOREIGN)
    assert not refused(BY_NAME[deed], deployer.client, OWN)
    sqs = owner.client("sqs")  # lists are late: ask for the queue by its name
    with contextlib.suppress(sqs.exceptions.QueueDoesNotExist):
        sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=OWN)["QueueUrl"])


def test_deploy_role_changes_only_the_buckets_of_bundles(owner, deployer, planner):
    """A bucket's ARN has no account: the prefix alone would match other buckets, too."""
    root = owner.client("s3")
    for bucket, own in (
        (FOREIGN, False),
        ("orderflow-reports", False),
        ("orderflow-bundles-1", True),
    ):
        root.create_bucket(Bucket=bucket)
        for call, options in (("put_object", {"Key": "x", "Body": b"x"}), ("delete_bucket", {})):
            for seen, may in ((planner, False), (deployer, own)):
                deed = getattr(seen.client("s3"), call)
                assert refused(deed, Bucket=bucket, **options) is not may
        root.delete_object(Bucket=bucket, Key="x")
        root.delete_bucket(Bucket=bucket)


def test_deploy_role_does_not_change_a_stack_with_a_longer_prefix(deployer):
    """`orderflow2-orders` starts with `orderflow`, but belongs to another stack."""
    assert refused(deployer.client("dynamodb").delete_table, TableName="orderflow2-orders")


def test_deploy_role_creates_roles_only_with_the_boundary(owner, deployer):
    """Not without it, not with another one, and nobody can remove it later."""
    iam = deployer.client("iam")
    make = {"RoleName": OWN, "AssumeRolePolicyDocument": TRUST}
    another = "arn:aws:iam::aws:policy/AdministratorAccess"
    assert refused(iam.create_role, **make)
    assert refused(iam.create_role, **make, PermissionsBoundary=another)
    assert not refused(iam.create_role, **make, PermissionsBoundary=NAMES.boundary_arn)
    try:
        write = {"RoleName": OWN, "PolicyName": "all", "PolicyDocument": EVERYTHING}
        assert not refused(iam.put_role_policy, **write)
        assert refused(iam.delete_role_permissions_boundary, RoleName=OWN)
        assert refused(iam.put_role_permissions_boundary, RoleName=OWN, PermissionsBoundary=another)
        assert refused(iam.attach_role_policy, RoleName=OWN, PolicyArn=another)

        key = owner.client("sts").assume_role(
            RoleArn=f"arn:aws:iam::{LOCAL_ACCOUNT}:role/{OWN}", RoleSessionName="function"
        )["Credentials"]
        credentials = {
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
            "AWS_SESSION_TOKEN": key["SessionToken"],
        }
        function = Account(owner.endpoint_url, credentials)
        read = BY_NAME["read an item"]
        eventually(lambda: not refused(read, function.client, OWN))  # policies apply late
        assert refused(read, function.client, FOREIGN), "its policy allows all, the boundary not"
        assert refused(function.client("iam").create_user, UserName="mallory")
        assert refused(function.client("s3").list_buckets)
    finally:
        root = owner.client("iam")
        root.delete_role_policy(RoleName=OWN, PolicyName="all")
        root.delete_role(RoleName=OWN)


def test_deploy_role_gives_no_policy_to_a_role_without_the_boundary(owner, deployer):
    """A role of the stack from before the bootstrap needs the boundary first."""
    root, iam = owner.client("iam"), deployer.client("iam")
    root.create_role(RoleName=OWN, AssumeRolePolicyDocument=TRUST)
    try:
        write = {"RoleName": OWN, "PolicyName": "all", "PolicyDocument": EVERYTHING}
        assert refused(iam.put_role_policy, **write)
        iam.put_role_permissions_boundary(RoleName=OWN, PermissionsBoundary=NAMES.boundary_arn)
        assert not refused(iam.put_role_policy, **write)
        root.delete_role_policy(RoleName=OWN, PolicyName="all")
    finally:
        root.delete_role(RoleName=OWN)


def test_deploy_role_passes_roles_to_lambda_and_scheduler_only(owner, deployer):
    """Only roles of the stack, and no role of the bootstrap."""
    root = owner.client("iam")
    root.create_role(RoleName=OWN, AssumeRolePolicyDocument=TRUST)
    try:

        def make(role):
            deployer.client("lambda").create_function(
                FunctionName=OWN, Runtime="python3.13", Handler="a.b", Role=role, Code=ZIP
            )

        assert not refused(make, f"arn:aws:iam::{LOCAL_ACCOUNT}:role/{OWN}")
        owner.client("lambda").delete_function(FunctionName=OWN)
        for role in (ROLES[NAMES.deploy_role], f"arn:aws:iam::{LOCAL_ACCOUNT}:role/{FOREIGN}"):
            assert refused(make, role)
        document = owner.client("iam").get_role_policy(
            RoleName=NAMES.deploy_role, PolicyName="roles-and-proof"
        )["PolicyDocument"]
        passing = [
            each for each in document["Statement"] if "iam:PassRole" in each.get("Action", [])
        ]
        assert [each["Condition"] for each in passing] == [
            {"StringEquals": {"iam:PassedToService": ["lambda.amazonaws.com", "scheduler.amazonaws.com"]}}
        ]  # fmt: skip
    finally:
        root.delete_role(RoleName=OWN)


PROVIDER = f"arn:aws:iam::{LOCAL_ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
STATE = {"Bucket": NAMES.state_bucket}
IN_THE_BOOTSTRAP = {
    "give itself a policy": lambda c: c("iam").put_role_policy(RoleName=NAMES.deploy_role, PolicyName="x", PolicyDocument=EVERYTHING),
    "attach itself a policy": lambda c: c("iam").attach_role_policy(RoleName=NAMES.deploy_role, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"),
    "let others take its role": lambda c: c("iam").update_assume_role_policy(RoleName=NAMES.deploy_role, PolicyDocument=TRUST),
    "change the plan role": lambda c: c("iam").put_role_policy(RoleName=NAMES.plan_role, PolicyName="x", PolicyDocument=EVERYTHING),
    "change the boundary": lambda c: c("iam").create_policy_version(PolicyArn=NAMES.boundary_arn, PolicyDocument=EVERYTHING, SetAsDefault=True),
    "delete the boundary": lambda c: c("iam").delete_policy(PolicyArn=NAMES.boundary_arn),
    "delete the provider": lambda c: c("iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=PROVIDER),
    "make a user": lambda c: c("iam").create_user(UserName="orderflow-user"),
    "read the bootstrap's state": lambda c: c("s3").get_object(**STATE, Key=bootstrap_names.STATE_KEY),
    "write the bootstrap's state": lambda c: c("s3").put_object(**STATE, Key=bootstrap_names.STATE_KEY, Body=b"{}"),
    "read another stack's state": lambda c: c("s3").get_object(**STATE, Key="other/terraform.tfstate"),
    "delete its own state": lambda c: c("s3").delete_object(**STATE, Key="orderflow/terraform.tfstate"),
    "stop the versions": lambda c: c("s3").put_bucket_versioning(**STATE, VersioningConfiguration={"Status": "Suspended"}),
    "open the bucket": lambda c: c("s3").put_bucket_policy(**STATE, Policy=EVERYTHING),
    "allow public access": lambda c: c("s3").delete_public_access_block(**STATE),
    "delete the bucket": lambda c: c("s3").delete_bucket(**STATE),
}  # fmt: skip


@pytest.mark.parametrize("deed", IN_THE_BOOTSTRAP)
def test_neither_role_changes_the_bootstraps_resources(deployer, planner, deed):
    """A deployment cannot extend its own permissions, nor delete its traces."""
    assert refused(IN_THE_BOOTSTRAP[deed], deployer.client)
    assert refused(IN_THE_BOOTSTRAP[deed], planner.client)


@pytest.mark.parametrize("deed", BY_NAME)
def test_plan_role_changes_nothing_and_reads_no_data(planner, deed):
    """A pull request is planned before anybody has reviewed its code."""
    assert refused(BY_NAME[deed], planner.client, OWN)


def test_plan_role_writes_plans_and_deploy_role_reads_them(owner, planner, deployer):
    """Only the job that compares the hash reads what a pull request might write."""
    plan = {**STATE, "Key": f"{bootstrap_names.PLANS}abc/plan.tfplan"}
    assert refused(deployer.client("s3").put_object, **plan, Body=b"plan")
    assert not refused(planner.client("s3").put_object, **plan, Body=b"plan")
    assert refused(planner.client("s3").get_object, **plan)
    assert refused(planner.client("s3").delete_object, **plan)
    assert not refused(deployer.client("s3").get_object, **plan)
    assert not refused(deployer.client("s3").delete_object, **plan)


def test_plan_role_reads_the_stacks_state_and_cannot_write_it(owner, planner, deployer):
    """It cannot lock the state either. The deploy role can do both."""
    for key in ("orderflow/terraform.tfstate", "orderflow/terraform.tfstate.tflock"):
        assert refused(planner.client("s3").put_object, **STATE, Key=key, Body=b"{}")
        assert not refused(deployer.client("s3").put_object, **STATE, Key=key, Body=b"{}")
    state = {**STATE, "Key": "orderflow/terraform.tfstate"}
    assert not refused(planner.client("s3").get_object, **state)
    assert not refused(deployer.client("s3").delete_object, **STATE, Key=f"{state['Key']}.tflock")
    owner.client("s3").delete_object(**state)

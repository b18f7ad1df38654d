"""A stack in an AWS account, reached with the caller's own credentials and settings.

With ``AWS_ENDPOINT_URL`` at a loopback address the same is done there, which is how it is tested.
"""

import os
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from workshop.deployment import bundles
from workshop.deployment.stack import Outputs, Record
from workshop.deployment.target import LOCAL_CREDENTIALS, Target
from workshop.deployment.terraform import Changes, Terraform, TerraformError
from workshop.deployment.up import configuration_fingerprint, forget
from workshop.errors import UsageError, WorkshopError

DEFAULT_PREFIX = "orderflow"

UNSET = 'eval "$(make -s env ARGS=--unset)"'
"""Takes back what `make env` exported."""

_LISTS = (
    # service, operation, where its answer has the list, and each entry its name
    ("apigatewayv2", "get_apis", "Items", "Name"),
    ("budgets", "describe_budgets", "Budgets", "BudgetName"),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    ("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    ("dynamodb", "list_tables", "TableNames", None),
    ("events", "list_archives", "Archives", "ArchiveName"),
    ("events", "list_event_buses", "EventBuses", "Name"),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("lambda", "list_functions", "Functions", "FunctionName"),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("s3", "list_buckets", "Buckets", "Name"),
    ("scheduler", "list_schedules", "Schedules", "Name"),
    ("sns", "list_topics", "Topics", "TopicArn"),
    ("sqs", "list_queues", "QueueUrls", None),
)


def target(prefix: str) -> Target:
    """The account and region that the environment's AWS settings lead to.

    Raises:
        WorkshopError: Without usable credentials or a region.
    """
    import boto3  # noqa: PLC0415 - slow to import, seldom needed
    from botocore.config import Config  # noqa: PLC0415
    from botocore.exceptions import (  # noqa: PLC0415
        BotoCoreError,
        ClientError,
        EndpointConnectionError,
    )

    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if endpoint and urlsplit(endpoint).hostname not in {"127.0.0.1", "localhost", "::1"}:
        raise UsageError(f"AWS_ENDPOINT_URL leads to {endpoint}: unset it to deploy to AWS.")
    try:
        # boto3 by itself reads AWS_DEFAULT_REGION alone; Terraform and the AWS CLI, this first.
        session = boto3.Session(region_name=os.environ.get("AWS_REGION") or None)
        region = session.region_name
        if not region:
            raise UsageError("No AWS region is set: export AWS_REGION=us-east-1, or another.")
        once = Config(retries={"total_max_attempts": 1})
        number = session.client("sts", config=once).get_caller_identity()["Account"]
    except EndpointConnectionError as error:
        if not endpoint:
            raise WorkshopError(f"AWS does not answer: {error}") from error
        raise WorkshopError(
            f"AWS_ENDPOINT_URL leads to a local cloud that is not running ({endpoint}). "
            f"To deploy to AWS, take it back first: {UNSET}"
        ) from error
    except (BotoCoreError, ClientError) as error:
        raise WorkshopError(
            f"No usable AWS credentials: {error}. {_way_to_credentials()}"
        ) from error
    name = f"aws-{number}-{region}"
    if prefix != DEFAULT_PREFIX:
        name += f"-{prefix}"
    return Target(name, region, number, endpoint, own=False)


def _way_to_credentials() -> str:
    if os.environ.items() >= LOCAL_CREDENTIALS.items():
        return f"These are the local cloud's. Take them back: {UNSET}"
    return "Set them up with `aws configure`, or name a profile you have: export AWS_PROFILE=…"


class Deployment:
    """One deploying, or destroying, of a stack in an account."""

    def __init__(self, target: Target, prefix: str) -> None:
        """Prepare Terraform.

        Raises:
            WorkshopError: When Terraform or its provider is missing.
        """
        self._target = target
        self._prefix = prefix
        self._terraform = Terraform(target.directory, target.environment())
        self._terraform.init()
        self._record = Record.load(target.directory) or Record(
            target.region, target.account, target.endpoint_url, boot_id=None
        )

    def plan(self, stage: int, alarm_email: str | None) -> Changes:
        """What deploying a stage would change.

        Without an address, the one of the last deployment goes on being told; `none` ends that.
        """
        bundles.build()
        self._record.stage = stage
        if alarm_email is not None:
            self._record.alarm_email = "" if alarm_email == "none" else alarm_email
        variables = self._variables(stage) | {"alarm_email": self._record.alarm_email or None}
        self._record.applied = configuration_fingerprint(variables)
        return self._terraform.plan("Planning", variables)

    def apply(self) -> Outputs:
        """Carry out the plan.

        Raises:
            WorkshopError: When it fails; what was made until then is in the state.
        """
        try:
            outcome = self._terraform.apply_plan("Deploying")
        except TerraformError as error:
            if "AlreadyExists" in str(error) or "already exists" in str(error):
                raise WorkshopError(
                    f"{error}\nNames beginning with {self._prefix}- are taken in this account. "
                    "Remove what was made just now with `destroy`, then choose others: --prefix"
                ) from error
            raise
        self._record.outputs = outcome.outputs
        self._record.save(self._target.directory)
        return Outputs(**outcome.outputs)

    def plan_destruction(self) -> Changes:
        """What destroying would remove.

        Raises:
            WorkshopError: When nothing was deployed from here.
        """
        if not self._terraform.state.exists():
            raise WorkshopError(
                f"Nothing was deployed from here to account {self._target.account}, region "
                f"{self._target.region}: there is no state in {self._target.directory}."
            )
        bundles.build()
        variables = self._variables(self._record.stage or 6)
        return self._terraform.plan("Planning", variables, destroy=True)

    def destroy(self) -> None:
        """Carry out the plan, and forget the stack."""
        self._terraform.apply_plan("Destroying")
        forget(self._target.directory)

    def _variables(self, stage: int) -> dict[str, Any]:
        endpoint = self._target.endpoint_url
        return {
            "stage": stage,
            "region": self._target.region,
            "name_prefix": self._prefix,
            "local": {"endpoint_url": endpoint} if endpoint else None,
        }


@dataclass
class Leftovers:
    """What is left in an account of a stack, and what could not be searched for it."""

    found: list[str] = field(default_factory=list)
    not_searched: list[str] = field(default_factory=list)


def leftovers(target: Target, prefix: str) -> Leftovers:
    """Everything in the account and region whose name begins as the stack's names do."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - slow to import

    left = Leftovers()
    for service, operation, key, name in _LISTS:
        try:
            names = _names(target, service, operation, key, name)
        except ClientError as error:  # who may destroy it need not be allowed to list it
            left.not_searched.append(f"{service}: {error.response['Error']['Code']}")
            continue
        left.found += [f"{service}: {each}" for each in names if _is_ours(each, prefix)]
    return left


def _names(target: Target, service: str, operation: str, key: str, name: str | None) -> list[str]:
    client = target.client(service)
    whose = {"AccountId": target.account} if service == "budgets" else {}
    if client.can_paginate(operation):
        pages = client.get_paginator(operation).paginate(**whose)
    else:
        pages = [getattr(client, operation)(**whose)]
    return [each[name] if name else each for page in pages for each in page.get(key, [])]


def _is_ours(name: str, prefix: str) -> bool:
    """Whether the last part of a name, an ARN or an address is the stack's prefix, or has it."""
    last = name.replace(":", "/").rpartition("/")[2]
    return last == prefix or last.startswith(f"{prefix}-")

"""Preparing an account for the pipeline, and taking that back.

The bootstrap keeps its state in the very bucket it makes: the first time it works on this machine,
and brings the state there when the bucket exists.
"""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workshop.deployment.aws import bootstrap_names, remote_state
from workshop.deployment.aws.bootstrap_names import PATH, STATE_KEY
from workshop.deployment.aws.github_repository import Repository
from workshop.deployment.local.up import forget
from workshop.deployment.target import Target
from workshop.deployment.terraform import config_copy
from workshop.deployment.terraform.runner import Changes, Terraform
from workshop.errors import WorkshopError
from workshop.paths import CICD

ROOT_MODULE = CICD / "terraform"
GITHUB = "token.actions.githubusercontent.com"


@dataclass(frozen=True)
class Settings:
    """What a bootstrap was made with, and is made with again unless told otherwise.

    Attributes:
        repository: Whose workflows may deploy.
        alarm_email: Who is told when the account gets expensive; None for nobody.
    """

    repository: Repository
    alarm_email: str | None


class Bootstrap:
    """One preparing of an account, or one taking back of it."""

    def __init__(self, target: Target, prefix: str, lock: int) -> None:
        """Find the state, on this machine or in the account.

        Args:
            target: The account.
            prefix: Start of the names of the stack that shall be deployed.
            lock: A file descriptor that Terraform inherits; see `account.alone`.

        Raises:
            WorkshopError: When Terraform is missing or too old, or the state is out of reach.
        """
        self.target = target
        self.prefix = prefix
        self.names = remote_state.names(target, prefix)
        self._lock = lock
        self._directory = target.directory / "bootstrap"
        self._leaving = target.directory / "bootstrap-removal"
        self._remote = remote_state.backend(target, self.names.state_bucket, STATE_KEY)
        self.in_bucket = remote_state.exists(target, self.names.state_bucket)
        self._terraform = self._at_work_on(self._remote if self.in_bucket else None)
        if self.in_bucket:
            remote_state.adopt(self._terraform, self._local_state, self._remote)

    @property
    def where(self) -> str:
        """Where the state lies, for people."""
        if self.in_bucket:
            return remote_state.address(self._remote)
        return f"{self._local_state} on this machine, until the bucket is there"

    def before(self) -> Settings | None:
        """What the account was bootstrapped with; None when it was not.

        Raises:
            WorkshopError: There is a state bucket, but no state of a bootstrap in it.
        """
        outputs = self._terraform.outputs()
        if self.half_removed:
            outputs = self._at_work_on(None, self._leaving).outputs()
        if "settings" not in outputs:
            if self.in_bucket and not self._terraform.pull_state():
                raise WorkshopError(
                    f"There is a bucket {self.names.state_bucket}, but no state of a bootstrap in "
                    f"it ({self.where}): remove the bucket, or choose other names with --prefix."
                )
            return None
        told = outputs["settings"]
        return Settings(Repository(**told["repository"]), told["alarm_email"])

    @property
    def half_removed(self) -> bool:
        """Whether a removal was begun here and did not come to its end."""
        return (self._leaving / "terraform.tfstate").exists()

    def plan(self, settings: Settings) -> Changes:
        """Work out what preparing the account would change.

        Raises:
            WorkshopError: A removal was begun.
        """
        if self.half_removed:
            raise WorkshopError(
                'A removal was begun and did not end: make bootstrap ARGS="--remove" goes on.'
            )
        return self._terraform.plan("Planning", self._variables(settings))

    def apply(self) -> dict[str, Any]:
        """Carry out the plan; the state is in the bucket afterwards.

        Returns:
            Terraform's outputs.
        """
        outcome = self._terraform.apply_plan("Preparing the account")
        if not self.in_bucket:
            self._terraform = self._at_work_on(self._remote)
            remote_state.adopt(self._terraform, self._local_state, self._remote)
            self.in_bucket = True
        return outcome.outputs

    def outputs(self) -> dict[str, Any]:
        """What is there, as Terraform's outputs."""
        return self._terraform.outputs()

    def plan_removal(self, settings: Settings) -> Changes:
        """Work out what taking it all back would remove; the state comes to this machine for that.

        Raises:
            WorkshopError: The stack is still there, or somebody else depends on what would go.
        """
        if stack := self._resources_of_stack():
            raise WorkshopError(
                f"The stack is still there ({stack} resources in its state): `make destroy` first. "
                "Without its state nobody could remove it any more."
            )
        if roles := self._roles_within_boundary():
            raise WorkshopError(
                f"{roles} roles stand within the boundary {self.names.boundary}: `make destroy` "
                "first the stack they belong to."
            )
        if others := self._others_on_our_provider():
            raise WorkshopError(
                f"These roles of other bootstraps come in by the same door: {', '.join(others)}. "
                "Take those bootstraps back first."
            )
        begun = self.half_removed
        if not begun:
            self._leaving.mkdir(parents=True, exist_ok=True)
            state = json.dumps(self._terraform.pull_state())
            (self._leaving / "terraform.tfstate").write_text(state, "utf-8")
        try:
            self._terraform = self._at_work_on(None, self._leaving)
            return self._terraform.plan("Planning", self._variables(settings), destroy=True)
        except BaseException:
            if not begun:
                forget(self._leaving)
            raise

    def leave(self) -> None:
        """Leave everything as it is after a `plan_removal` that nobody wants to carry out."""
        forget(self._leaving)

    def remove(self) -> None:
        """Empty the bucket, old versions and all, carry out the plan, and forget the state."""
        if self.in_bucket:
            _empty(self.target.client("s3"), self.names.state_bucket)
        self._terraform.apply_plan("Removing")
        for directory in (self._leaving, self._directory):
            shutil.rmtree(directory)

    def leftovers(self) -> list[str]:
        """What is left in the account of what a bootstrap makes, found by looking."""
        iam, s3 = self.target.client("iam"), self.target.client("s3")
        roles = iam.list_roles(PathPrefix=PATH)["Roles"]
        policies = iam.list_policies(Scope="Local", PathPrefix=PATH)["Policies"]
        own = {self.names.plan_role, self.names.deploy_role}
        found = [f"role {each['RoleName']}" for each in roles if each["RoleName"] in own]
        found += [
            f"policy {each['PolicyName']}"
            for each in policies
            if each["PolicyName"] in {self.names.boundary, f"{self.names.deploy_role}-change"}
        ]
        found += [
            f"bucket {each['Name']}"
            for each in s3.list_buckets()["Buckets"]
            if each["Name"] == self.names.state_bucket
        ]
        provider, own_provider = _github_provider(self.target, self.prefix)
        return [*found, f"OIDC provider {provider}"] if own_provider else found

    @property
    def _local_state(self) -> Path:
        return self._directory / "terraform.tfstate"

    def _at_work_on(
        self, backend: config_copy.Backend | None, directory: Path | None = None
    ) -> Terraform:
        """Terraform on a copy of the bootstrap's configuration, ready to go."""
        directory = directory or self._directory
        written = config_copy.write(directory, backend, ROOT_MODULE)
        environment = self.target.environment()
        terraform = Terraform(directory, environment, (self._lock,), configuration=written)
        terraform.init()
        return terraform

    def _variables(self, settings: Settings) -> dict[str, Any]:
        provider, own = _github_provider(self.target, self.prefix)
        repository = asdict(settings.repository)
        return {
            "name_prefix": self.prefix,
            "region": self.target.region,
            "names": {
                **{
                    name: getattr(self.names, name)
                    for name in ("state_bucket", "plan_role", "deploy_role", "boundary")
                },
                "path": PATH,
            },
            "repository": repository.pop("name"),
            **repository,
            "has_oidc_provider": provider is not None and not own,
            "alarm_email": settings.alarm_email,
            "local": self.target.endpoint_url is not None,
        }

    def _resources_of_stack(self) -> int:
        """How many resources the stack's state in the bucket tells of."""
        if not self.in_bucket:
            return 0
        client = self.target.client("s3")
        try:
            answer = client.get_object(
                Bucket=self.names.state_bucket, Key=remote_state.key(self.prefix)
            )
        except client.exceptions.NoSuchKey:
            return 0
        resources = json.load(answer["Body"]).get("resources", [])
        return sum(each.get("mode") == "managed" for each in resources)

    def _roles_within_boundary(self) -> int:
        """How many roles have the boundary: AWS does not delete it before them."""
        client = self.target.client("iam")
        try:
            told = client.get_policy(PolicyArn=self.names.boundary_arn)
        except client.exceptions.NoSuchEntityException:
            return 0
        return int(told["Policy"].get("PermissionsBoundaryUsageCount", 0))

    def _others_on_our_provider(self) -> list[str]:
        """Roles of other bootstraps, if GitHub's OIDC provider in the account is this one's."""
        if not _github_provider(self.target, self.prefix)[1]:
            return []
        roles = self.target.client("iam").list_roles(PathPrefix=PATH)["Roles"]
        own = {self.names.plan_role, self.names.deploy_role}
        return [each["RoleName"] for each in roles if each["RoleName"] not in own]


def _github_provider(target: Target, prefix: str) -> tuple[str | None, bool]:
    """GitHub's OIDC provider in an account, and whether this bootstrap made it."""
    iam = target.client("iam")
    for each in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
        arn = each["Arn"]
        if arn.endswith(f"/{GITHUB}"):
            told = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
            tags = {tag["Key"]: tag["Value"] for tag in told.get("Tags", [])}
            return arn, tags.get("Stack") == bootstrap_names.stack_tag(prefix)
    return None, False


def _empty(client: Any, bucket: str) -> None:
    """Delete everything in a bucket, for good."""
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if found:
            keys = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
            client.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})

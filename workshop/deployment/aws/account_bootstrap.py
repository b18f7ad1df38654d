"""Prepare an account for the pipeline, and remove the preparation.

The bootstrap keeps its state in the bucket that it creates. The first run keeps the state on this
machine, and moves it to the bucket when the bucket exists.
"""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workshop.deployment.aws import bootstrap_names, remote_state
from workshop.deployment.aws.bootstrap_names import PATH, STATE_KEY
from workshop.deployment.aws.github_repository import Repository
from workshop.deployment.aws.teardown_check import pages, until_gone
from workshop.deployment.error_messages import terraform_errors
from workshop.deployment.local.up import delete_record
from workshop.deployment.target import Target
from workshop.deployment.terraform import config_copy
from workshop.deployment.terraform.runner import Changes, Terraform
from workshop.errors import WorkshopError
from workshop.paths import CICD

ROOT_MODULE = CICD / "terraform"
GITHUB = "token.actions.githubusercontent.com"


@dataclass(frozen=True)
class Settings:
    """The settings of a bootstrap; the next bootstrap uses them by default.

    Attributes:
        repository: The repository with the workflows that may deploy.
        alarm_email: The address for cost alarms; None for no alarms.
    """

    repository: Repository
    alarm_email: str | None


class Bootstrap:
    """One bootstrap of an account, or one removal."""

    def __init__(self, target: Target, prefix: str, lock: int) -> None:
        """Find the state, on this machine or in the account.

        Args:
            target: The account.
            prefix: Start of the names of the stack that shall be deployed.
            lock: A file descriptor that Terraform inherits; see `account_stack.locked`.

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
        self._terraform = self._terraform_on(self._remote if self.in_bucket else None)
        if self.in_bucket:
            remote_state.adopt(self._terraform, self._local_state, self._remote)

    when_taken = (
        "The roles of a bootstrap are the whole account's: it was prepared with these names in "
        "another region, or by a command that was killed. Go on in that region (AWS_REGION), or "
        "choose other names: --prefix"
    )
    """What to do when names are taken."""

    @property
    def remote(self) -> bool:
        """Whether other machines can reach the state."""
        return self.in_bucket

    @property
    def terraform(self) -> Terraform:
        """Terraform, at work on the bootstrap."""
        return self._terraform

    @property
    def where(self) -> str:
        """The state's address, for messages."""
        if self.in_bucket:
            return remote_state.address(self._remote)
        return f"{self._local_state} on this machine, until the bucket is there"

    def before(self) -> Settings | None:
        """Return the settings of the account's bootstrap; None without a bootstrap.

        Raises:
            WorkshopError: There is a state bucket, but no state of a bootstrap in it.
        """
        outputs = self._terraform.outputs()
        if self.half_removed:
            outputs = self._terraform_on(None, self._leaving).outputs()
        if "settings" not in outputs:
            if self.in_bucket and not self._terraform.pull_state():
                raise WorkshopError(
                    f"There is a bucket {self.names.state_bucket}, but no state of a bootstrap in "
                    f"it ({self.where}): remove the bucket, or choose other names with --prefix."
                )
            return None
        settings = outputs["settings"]
        return Settings(Repository(**settings["repository"]), settings["alarm_email"])

    @property
    def half_removed(self) -> bool:
        """Whether a removal was started here and did not finish."""
        return (self._leaving / "terraform.tfstate").exists()

    def plan(self, settings: Settings) -> Changes:
        """Plan the bootstrap.

        Raises:
            WorkshopError: A removal was begun; or the account has these roles from elsewhere.
        """
        if self.half_removed:
            raise WorkshopError(
                'A removal did not finish. To continue: make bootstrap ARGS="--remove"'
            )
        with terraform_errors(self):
            if not self._terraform.pull_state().get("resources") and self._has_roles():
                raise WorkshopError(
                    f"There is a role {self.names.plan_role} in account {self.target.account}. "
                    f"{self.when_taken}"
                )
            return self._terraform.plan("Planning", self._variables(settings))

    def _has_roles(self) -> bool:
        client = self.target.client("iam")
        try:
            client.get_role(RoleName=self.names.plan_role)
        except client.exceptions.NoSuchEntityException:
            return False
        return True

    def apply(self) -> dict[str, Any]:
        """Carry out the plan; the state is in the bucket afterwards.

        Returns:
            Terraform's outputs.
        """
        with terraform_errors(self):
            outcome = self._terraform.apply_plan("Preparing the account")
        if not self.in_bucket:
            self._terraform = self._terraform_on(self._remote)
            remote_state.adopt(self._terraform, self._local_state, self._remote)
            self.in_bucket = True
        return outcome.outputs

    def outputs(self) -> dict[str, Any]:
        """Return Terraform's outputs."""
        return self._terraform.outputs()

    def plan_removal(self, settings: Settings) -> Changes:
        """Plan the removal of everything; this moves the state to this machine.

        Raises:
            WorkshopError: The stack still exists, or another stack depends on the bootstrap.
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
            self._terraform = self._terraform_on(None, self._leaving)
            return self._terraform.plan("Planning", self._variables(settings), destroy=True)
        except BaseException:
            if not begun:
                delete_record(self._leaving)
            raise

    def leave(self) -> None:
        """Discard a `plan_removal` that is not applied."""
        delete_record(self._leaving)

    def remove(self) -> None:
        """Empty the bucket with all versions, apply the plan, and delete the state."""
        if self.in_bucket:
            _empty(self.target.client("s3"), self.names.state_bucket)
        with terraform_errors(self):
            self._terraform.apply_plan("Removing")
        for directory in (self._leaving, self._directory):
            shutil.rmtree(directory)

    def leftovers(self) -> list[str]:
        """Return what the account still has of the bootstrap."""
        return until_gone(self._leftovers)

    def _leftovers(self) -> list[str]:
        iam, s3 = self.target.client("iam"), self.target.client("s3")
        roles = _listed(iam, "list_roles", "Roles", PathPrefix=PATH)
        policies = _listed(iam, "list_policies", "Policies", Scope="Local", PathPrefix=PATH)
        own = {self.names.plan_role, self.names.deploy_role}
        found = [f"role {each['RoleName']}" for each in roles if each["RoleName"] in own]
        found += [
            f"policy {each['PolicyName']}"
            for each in policies
            if each["PolicyName"] in {self.names.boundary, f"{self.names.deploy_role}-change"}
        ]
        found += [
            f"bucket {each['Name']}"
            for each in _listed(s3, "list_buckets", "Buckets")
            if each["Name"] == self.names.state_bucket
        ]
        provider, own_provider = _github_provider(self.target, self.prefix)
        return [*found, f"OIDC provider {provider}"] if own_provider else found

    @property
    def _local_state(self) -> Path:
        return self._directory / "terraform.tfstate"

    def _terraform_on(
        self, backend: config_copy.Backend | None, directory: Path | None = None
    ) -> Terraform:
        """Return Terraform, initialised on a copy of the bootstrap's configuration."""
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
        """Return the number of resources in the stack's state in the bucket."""
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
        """Return the number of roles with the boundary; AWS deletes it only without any."""
        client = self.target.client("iam")
        try:
            response = client.get_policy(PolicyArn=self.names.boundary_arn)
        except client.exceptions.NoSuchEntityException:
            return 0
        return int(response["Policy"].get("PermissionsBoundaryUsageCount", 0))

    def _others_on_our_provider(self) -> list[str]:
        """Roles of other bootstraps, if GitHub's OIDC provider in the account is this one's."""
        if not _github_provider(self.target, self.prefix)[1]:
            return []
        roles = _listed(self.target.client("iam"), "list_roles", "Roles", PathPrefix=PATH)
        own = {self.names.plan_role, self.names.deploy_role}
        return [each["RoleName"] for each in roles if each["RoleName"] not in own]


def _listed(client: Any, operation: str, key: str, **query: Any) -> list[Any]:
    """Return all entries of a list, whatever the number of its pages."""
    return [each for page in pages(client, operation, **query) for each in page.get(key, [])]


def _github_provider(target: Target, prefix: str) -> tuple[str | None, bool]:
    """GitHub's OIDC provider in an account, and whether this bootstrap made it."""
    iam = target.client("iam")
    for each in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
        arn = each["Arn"]
        if arn.endswith(f"/{GITHUB}"):
            try:
                provider = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
            except iam.exceptions.NoSuchEntityException:
                continue  # IAM lists for a moment what is gone
            tags = {tag["Key"]: tag["Value"] for tag in provider.get("Tags", [])}
            return arn, tags.get("Stack") == bootstrap_names.stack_tag(prefix)
    return None, False


def _empty(client: Any, bucket: str) -> None:
    """Delete everything in a bucket, for good."""
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if found:
            keys = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
            client.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})

"""A stack in an AWS account, reached with the caller's own credentials and settings.

With ``AWS_ENDPOINT_URL`` at a loopback address the same is done there, which is how it is tested.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from local_cloud.control import Control
from local_cloud.errors import LocalCloudError, NoAnswerError
from local_cloud.locking import exclusive
from workshop.console import say
from workshop.deployment import bundles
from workshop.deployment.aws import remote_state
from workshop.deployment.aws_errors import LOGIN, aws_errors
from workshop.deployment.error_messages import BUS_HAS_RULES, terraform_errors
from workshop.deployment.local.up import configuration_fingerprint, delete_record
from workshop.deployment.stack import Outputs, Record, Stack
from workshop.deployment.target import LOCAL_CREDENTIALS, Target, recorded, usable_settings
from workshop.deployment.terraform import config_copy
from workshop.deployment.terraform.diagnostics import TerraformError
from workshop.deployment.terraform.runner import Changes, Terraform, end_orphans
from workshop.errors import UsageError, WorkshopError
from workshop.paths import (
    CLOUDS,
    LAST_STAGE,
    RELEASE_STAGE,
)
from workshop.stages import flow, stage_of

DEFAULT_PREFIX = "orderflow"

PREFIX = re.compile(r"[a-z][a-z0-9-]{0,18}[a-z0-9]")
"""What a prefix looks like; Terraform's variable ``name_prefix`` says the same."""

RESERVED = ("account", "aws", "bootstrap", "boundary", "github", "tfstate")
"""First words of names that `make bootstrap` gives, or AWS keeps for itself."""

UNSET = 'eval "$(make -s env ARGS=--unset)"'
"""Takes back what `make env` exported."""


def target(prefix: str) -> Target:
    """Return the account and region of the environment's AWS settings.

    Args:
        prefix: Start of the stack's names.

    Raises:
        WorkshopError: Without usable credentials or a region.
    """
    check_prefix(prefix)
    import boto3
    from botocore.config import Config
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        EndpointConnectionError,
    )

    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if endpoint and urlsplit(endpoint).hostname not in {"127.0.0.1", "localhost", "::1"}:
        raise UsageError(f"AWS_ENDPOINT_URL leads to {endpoint}: unset it to deploy to AWS.")
    try:
        # boto3 by itself reads AWS_DEFAULT_REGION alone; Terraform and the AWS CLI, this first.
        with usable_settings():
            session = recorded(boto3.Session(region_name=os.environ.get("AWS_REGION") or None))
        region = session.region_name
        if not region:
            raise UsageError("No AWS region is set: export AWS_REGION=us-east-1, or another.")
        once = Config(retries={"total_max_attempts": 1})
        with usable_settings():
            sts = session.client("sts", config=once)
        number = sts.get_caller_identity()["Account"]
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
    if _method_of(session) == "login":  # Terraform would fail
        raise WorkshopError(f"These are the credentials of `aws login`. {LOGIN}")
    name = f"aws-{number}-{region}"
    if endpoint:  # all local clouds have the same account number, but different ports
        name += f"-{urlsplit(endpoint).port or 80}"
    if prefix != DEFAULT_PREFIX:
        name += f"-{prefix}"
    return Target(name, region, number, endpoint, own=False)


def check_prefix(prefix: str) -> None:
    """Check a prefix of a stack's names.

    Raises:
        UsageError: It is not valid.
    """
    if not PREFIX.fullmatch(prefix):
        raise UsageError(
            f"{prefix!r} is no prefix: it has 2 to 20 lower-case letters, digits and hyphens, "
            "starts with a letter and does not end with a hyphen."
        )
    if prefix.partition("-")[0] in RESERVED:
        raise UsageError(f"Names beginning with {prefix} are not for a stack: choose another.")


def _way_to_credentials() -> str:
    if os.environ.items() >= LOCAL_CREDENTIALS.items():
        return f"These are the local cloud's. Take them back: {UNSET}"
    if _signed_in_by_login():
        return LOGIN
    return "Set them up with `aws configure`, or name a profile you have: export AWS_PROFILE=…"


def _signed_in_by_login() -> bool:
    """Return whether the profile in use has a session of `aws login`."""
    from botocore.exceptions import BotoCoreError
    from botocore.session import Session

    try:
        return "login_session" in Session().get_scoped_config()
    except BotoCoreError:  # no such profile
        return False


def _method_of(session: Any) -> str:
    """Return where a boto3 session's credentials come from, such as `env` or `login`."""
    return str(getattr(session.get_credentials(), "method", ""))


@contextmanager
def locked(target: Target) -> Iterator[int]:
    """Lock a target's stack against other commands on this machine.

    Yields:
        A file descriptor that holds the lock; Terraform inherits it.
    """
    waiting = "Another command works on this stack; waiting for it …"
    orphans = partial(end_orphans, target.directory)
    with exclusive(CLOUDS / f"{target.name}.lock", waiting, while_waiting=orphans) as lock:
        _discard_old_rehearsal(target)
        yield lock


@contextmanager
def deployed_stack(prefix: str = DEFAULT_PREFIX) -> Iterator[Stack]:
    """The stack in the account that the environment's credentials are for, with others kept away.

    Raises:
        WorkshopError: There is none; or its state cannot be read.
    """
    there = target(prefix)
    with locked(there) as lock:
        deployment = Deployment(there, prefix, lock)
        stack = deployment.stack()
        if stack is None:
            raise WorkshopError(
                f"No stack with names {prefix}-* is known in account {there.account}, region "
                f"{there.region}. Its state would be {deployment.where}."
            )
        yield stack


class Deployment:
    """One deployment, or destruction, of a stack in an account."""

    when_taken = (
        "If by a deployment that was killed before it had written them down, remove these "
        "manually. If by another stack, remove what was made just now with `destroy`, then choose "
        "others: --prefix"
    )
    """What to do when names are taken."""

    def __init__(self, target: Target, prefix: str, lock: int) -> None:
        """Find the state, and prepare Terraform; `locked` keeps other commands away.

        Raises:
            WorkshopError: When Terraform or its provider is missing; or the state is out of reach.
        """
        self.target = target
        self.prefix = prefix
        self.unconfirmed = False
        """Whether nobody has confirmed yet that alarms may come by mail; known after `apply`."""
        with aws_errors():
            self._backend = remote_state.find(target, prefix)
        copy = config_copy.write(target.directory, self._backend)
        self._terraform = Terraform(
            target.directory, target.environment(), (lock,), configuration=copy
        )
        with terraform_errors(self):
            self._terraform.init()
            if self._backend:
                for left in (self._terraform.state, self._terraform.errored_state):
                    remote_state.adopt(self._terraform, left, self._backend)
        self._record = Record.load(target.directory) or Record(
            target.region, target.account, target.endpoint_url, boot_id=None
        )

    @property
    def where(self) -> str:
        """Where the state is kept."""
        if self._backend:
            return remote_state.address(self._backend)
        return f"{self._terraform.state} on this machine"

    @property
    def remote(self) -> bool:
        """Whether other machines can reach the state."""
        return self._backend is not None

    @property
    def terraform(self) -> Terraform:
        """Terraform, at work on this stack."""
        return self._terraform

    def stack(self) -> Stack | None:
        """The stack as the last apply left it, wherever that ran; None when there is none."""
        with terraform_errors(self):
            outputs = self._terraform.outputs() if self.remote else self._record.outputs
        if not outputs:
            return None
        if outputs != self._record.outputs:
            self._record.stage = deployed_stage(outputs)
        return self._remembered(outputs)

    def plan(self, stage: int, alarm_email: str | None, *, lock: bool = True) -> Changes:
        """Plan the deployment of a stage.

        Args:
            stage: 1 to 6.
            alarm_email: The address for alarms; by default the current one; `none` removes it.
            lock: Whether to hold the state's lock meanwhile; the plan role may only read.

        Raises:
            WorkshopError: When Terraform fails.
        """
        self.build()
        self._record.stage = stage
        self._record.alarm_email = self._alarm_address(alarm_email)
        variables = self._variables(stage) | {"alarm_email": self._record.alarm_email or None}
        self._record.applied = configuration_fingerprint(variables)
        with terraform_errors(self):
            return self._terraform.plan("Planning", variables, lock=lock)

    def apply(self, stage: int | None = None) -> Stack:
        """Apply the plan.

        Args:
            stage: What the plan is for; by default the one of `plan`.

        Raises:
            WorkshopError: When it fails; what was made until then is in the state.
        """
        with terraform_errors(self, changing=True):
            outcome = self._terraform.apply_plan("Deploying")
        if stage:
            self._record.stage = stage
        if self._record.stage >= stage_of("redrive"):
            with terraform_errors(self):
                state = self._terraform.pull_state()
            self._record.alarm_email = subscriber(state)
            self.unconfirmed = is_unconfirmed(state)
        return self._remembered(outcome.outputs)

    def plan_destruction(self) -> Changes | None:
        """Plan the destruction; return None if nothing is left.

        Raises:
            WorkshopError: When nothing was deployed from here, and the state is kept nowhere else.
        """
        with terraform_errors(self):
            state = self._terraform.pull_state()
        if not self.remote and not state:
            raise WorkshopError(
                f"Nothing was deployed from here to account {self.target.account}, region "
                f"{self.target.region}: there is no state in {self.target.directory}."
            )
        if self.remote and not state.get("resources"):
            return None
        self.build()
        with terraform_errors(self):
            return self._plan_destruction()

    def _plan_destruction(self) -> Changes:
        variables = self._variables(self._record.stage or LAST_STAGE)
        return self._terraform.plan("Planning", variables, destroy=True)

    def destroy(self) -> None:
        """Apply the plan, and delete the stack's record.

        A bus whose deleted rules EventBridge still sees is planned and destroyed again.

        Raises:
            WorkshopError: Something could not be removed; what is left is in the state.
        """
        with terraform_errors(self, changing=True):
            for last in (False, False, True):
                try:
                    self._terraform.apply_plan("Destroying")
                    break
                except TerraformError as error:
                    if last or BUS_HAS_RULES not in " ".join(str(error).split()):
                        raise
                say("EventBridge still sees rules of the bus that are gone; destroying the rest …")
                self._plan_destruction()
        delete_record(self.target.directory)

    def build(self) -> None:
        """Make the bundles, and copy them to where Terraform looks for them."""
        bundles.warn_of_bytecode(bundles.build())
        config_copy.write(self.target.directory, self._backend)

    def _remembered(self, outputs: dict[str, Any]) -> Stack:
        """Return the stack with these outputs, and save its record for other commands."""
        self._record.outputs = outputs
        self._record.save(self.target.directory)
        return Stack(self.target, self._record.stage, Outputs(**outputs))

    def _alarm_address(self, given: str | None) -> str:
        """Return the address for alarms; empty for none."""
        if given is not None:
            return "" if given == "none" else given
        with terraform_errors(self):
            state = self._terraform.pull_state()
        # Whoever deployed last, and from wherever: the state knows; before stage 5 it knows nobody.
        alarms = state.get("outputs", {}).get("dead_letter_queue_urls", {}).get("value")
        return subscriber(state) if alarms else self._record.alarm_email

    def _variables(self, stage: int) -> dict[str, Any]:
        endpoint = self.target.endpoint_url
        variables: dict[str, Any] = {
            "stage": stage,
            "region": self.target.region,
            "name_prefix": self.prefix,
            "local": {"endpoint_url": endpoint} if endpoint else None,
        }
        if self.remote:  # bootstrapped: without it the pipeline's role may make no role
            names = remote_state.names(self.target, self.prefix)
            variables["permissions_boundary"] = names.boundary_arn
        return variables


def deployed_stage(outputs: Mapping[str, Any]) -> int:
    """Return a stack's stage from its outputs."""
    known = flow().functions
    found = {known[key].stage for key in outputs["function_names"] if key in known}
    if outputs["dead_letter_queue_urls"]:
        found.add(stage_of("redrive"))
    if outputs.get("live_alias"):
        found.add(RELEASE_STAGE)
    return max(found)


def subscriber(state: Mapping[str, Any]) -> str:
    """Return the address for alarms in a state; empty for none."""
    return str(_subscription(state).get("endpoint", ""))


def is_unconfirmed(state: Mapping[str, Any]) -> bool:
    """Return whether a state's subscriber has not confirmed yet that they want alarms."""
    return bool(_subscription(state).get("pending_confirmation"))


def _subscription(state: Mapping[str, Any]) -> Mapping[str, Any]:
    """The attributes of the alarms' subscription by e-mail; empty without one."""
    for resource in state.get("resources", []):
        for instance in resource["instances"]:
            attributes: Mapping[str, Any] = instance.get("attributes") or {}
            if attributes.get("protocol") == "email":
                return attributes
    return {}


def _discard_old_rehearsal(target: Target) -> None:
    """Delete the record of a rehearsal on a local cloud that was started again, and is empty."""
    if target.endpoint_url is None:
        return
    try:
        boot = Control(target.endpoint_url).status().boot_id
    except NoAnswerError:
        raise
    except LocalCloudError:  # a local cloud of another make
        return
    seen = target.directory / "boot-id"
    if seen.exists() and seen.read_text("utf-8") != boot:
        for folder in (target.directory, *target.directory.glob("bootstrap*/")):
            delete_record(folder)
    target.directory.mkdir(parents=True, exist_ok=True)
    seen.write_text(boot, "utf-8")

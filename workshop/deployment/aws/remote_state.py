"""Terraform's state in the bucket that `make bootstrap` makes, or on this machine without one."""

from pathlib import Path
from typing import Any

from workshop.console import say
from workshop.deployment.aws import bootstrap_names
from workshop.deployment.target import Target
from workshop.deployment.terraform.config_copy import Backend
from workshop.deployment.terraform.diagnostics import TerraformError
from workshop.deployment.terraform.runner import Terraform
from workshop.errors import WorkshopError


def key(prefix: str) -> str:
    """Where the state of a stack lies in the bucket."""
    return f"{prefix}/terraform.tfstate"


def names(target: Target, prefix: str) -> bootstrap_names.Names:
    """What a bootstrap makes in the target's account and region."""
    partition = target.session().get_partition_for_region(target.region)
    return bootstrap_names.names(prefix, target.account, target.region, partition)


def exists(target: Target, bucket: str) -> bool:
    """Whether the account has a state bucket.

    Raises:
        WorkshopError: There is one, but the caller may not read it, or it is somebody else's.
    """
    from botocore.exceptions import ClientError

    try:
        # Bucket names are the world's: one of another account must never get the state.
        target.client("s3").head_bucket(Bucket=bucket, ExpectedBucketOwner=target.account)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status == 404:
            return False
        raise WorkshopError(
            f"The state bucket {bucket} answers with {status}: your credentials may not read it, "
            f"or it is not of account {target.account} and region {target.region}."
        ) from error
    return True


def backend(target: Target, bucket: str, state: str) -> Backend:
    """The settings of Terraform's S3 backend, with S3's own locking.

    Args:
        target: The account.
        bucket: The state bucket.
        state: The state's key in it.
    """
    settings: dict[str, Any] = {
        "bucket": bucket,
        "key": state,
        "region": target.region,
        "encrypt": True,
        "use_lockfile": True,
    }
    if target.endpoint_url:
        settings |= {
            "endpoints": dict.fromkeys(("s3", "sts", "iam"), target.endpoint_url),
            "use_path_style": True,
        }
    return settings


def find(target: Target, prefix: str) -> Backend | None:
    """Where the state of a stack is kept in its account; None when there is no state bucket.

    Raises:
        WorkshopError: There is a bucket, but it cannot be used.
    """
    bucket = names(target, prefix).state_bucket
    return backend(target, bucket, key(prefix)) if exists(target, bucket) else None


def address(settings: Backend) -> str:
    """Where a state is, in words that AWS's own tools understand."""
    return f"s3://{settings['bucket']}/{settings['key']}"


def adopt(terraform: Terraform, path: Path, settings: Backend) -> None:
    """Bring a state that lies on this machine into the bucket, and set the file aside.

    Args:
        terraform: At work on the bucket, and initialised.
        path: The state from before; need not exist.
        settings: The backend's.

    Raises:
        TerraformError: The bucket's state is locked.
        WorkshopError: The bucket holds the state of another stack, or a newer one.
    """
    if not path.exists():
        return
    try:
        terraform.push_state(path)
    except TerraformError as error:
        if "acquiring the state lock" in str(error):
            raise
        raise WorkshopError(
            f"The state on this machine, {path}, is not that of {address(settings)}, or older. "
            "If the bucket's is the right one, move the file away; if the file is, destroy the "
            f"bucket's stack first.\n{error}"
        ) from error
    path.replace(path.with_name(f"set-aside-{path.name}"))
    say(f"The state was on this machine. Now it is in {address(settings)}.")

"""A plan that another job applies, passed on through the state bucket.

A plan holds the whole state. Artifacts of a public repository can be downloaded by everybody who is
signed in to GitHub, so the plan goes where only the pipeline's roles read. Its name is the hash of
its facts, which name the hashes of Terraform's plan and of the bundles: who applies the plan of a
hash applies exactly what was approved.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workshop.deployment.aws import remote_state, saved_plan
from workshop.deployment.aws.bootstrap_names import PLANS
from workshop.deployment.target import Target
from workshop.errors import WorkshopError


def share(target: Target, prefix: str) -> str:
    """Copy the kept plan to the state bucket.

    Args:
        target: The account.
        prefix: Start of the stack's names.

    Returns:
        The plan's fingerprint, by which `fetch` finds it.

    Raises:
        WorkshopError: The account has no state bucket, or no whole plan is kept here.
    """
    saved_plan.load()
    bucket = _bucket(target, prefix)
    fingerprint = saved_plan.fingerprint(saved_plan.facts_file())
    for path, key in _files(fingerprint):
        with _permitted():
            target.client("s3").put_object(**bucket, Key=key, Body=path.read_bytes())
    return fingerprint


def fetch(target: Target, prefix: str, fingerprint: str) -> None:
    """Copy a plan from the state bucket to this machine, in place of the one that is kept.

    Args:
        target: The account.
        prefix: Start of the stack's names.
        fingerprint: What `share` returned; the facts in the bucket must still have it.

    Raises:
        WorkshopError: There is no such plan, or it was changed; nothing is kept then.
    """
    saved_plan.discard()
    bucket, client = _bucket(target, prefix), target.client("s3")
    contents = {}
    for path, key in _files(fingerprint):
        try:
            with _permitted():
                contents[path] = client.get_object(**bucket, Key=key)["Body"].read()
        except client.exceptions.NoSuchKey:
            raise WorkshopError(
                f"There is no plan s3://{bucket['Bucket']}/{key}: it was applied, or is older than "
                f"30 days. {saved_plan.AGAIN}"
            ) from None
    facts = saved_plan.facts_file()
    if hashlib.sha256(contents[facts]).hexdigest() != fingerprint:
        raise WorkshopError(
            f"The plan in s3://{bucket['Bucket']} is not the approved one: it was changed. "
            f"Nothing was changed in the account. {saved_plan.AGAIN}"
        )
    facts.parent.mkdir(parents=True, exist_ok=True)
    for path, content in contents.items():
        path.write_bytes(content)


def remove(target: Target, prefix: str, fingerprint: str) -> None:
    """Delete a plan from the state bucket; the old versions of its files expire there."""
    bucket = _bucket(target, prefix)
    for _, key in _files(fingerprint):
        target.client("s3").delete_object(**bucket, Key=key)


@contextmanager
def _permitted() -> Iterator[None]:
    """Explain a refusal: roles of a bootstrap from before plans were kept here lack permissions.

    Raises:
        WorkshopError: AWS refused the request for a lack of permissions.
    """
    from botocore.exceptions import ClientError

    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        raise WorkshopError(
            "This role may not use the plans in the state bucket. If it is the pipeline's, update "
            f"it as an administrator: make bootstrap. {error}"
        ) from error


def _bucket(target: Target, prefix: str) -> dict[str, str]:
    """The parameters of a request to the state bucket, which nobody else's can answer."""
    bucket = remote_state.names(target, prefix).state_bucket
    if not remote_state.exists(target, bucket):
        raise WorkshopError(f"There is no state bucket {bucket} to share a plan in: make bootstrap")
    return {"Bucket": bucket, "ExpectedBucketOwner": target.account}


def _files(fingerprint: str) -> Iterator[tuple[Path, str]]:
    """A plan's files on this machine, and their keys in the bucket."""
    for path in (saved_plan.plan_file(), saved_plan.facts_file()):
        yield path, f"{PLANS}{fingerprint}/{path.name}"

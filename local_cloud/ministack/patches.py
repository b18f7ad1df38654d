"""Attach all patches of MiniStack in order; each service has a package."""

from local_cloud.delivery.wiring import Parts
from local_cloud.ministack import (
    cloudwatch,
    dynamodb,
    eventbridge,
    eventual_consistency,
    http_api,
    iam_patches,
    lambda_functions,
    logs,
    parsed_policies,
    root_signature,
    scheduler,
    sqs,
)


def install(parts: Parts) -> None:
    """Attach all patches, unless the settings ask for MiniStack alone.

    Once per process, before the first request.
    """
    if parts.settings.bare:
        return
    lambda_functions.install(parts)
    http_api.install()
    logs.install()
    iam_patches.install(parts)
    parsed_policies.install()
    root_signature.install()
    eventbridge.install(parts)
    scheduler.install()
    cloudwatch.install(parts)
    dynamodb.install()
    sqs.install(parts)
    eventual_consistency.install(parts.consistency)

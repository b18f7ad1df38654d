"""Destinations of the record of an asynchronous invocation: queue, topic, function, bus."""

# ruff: noqa: SLF001 - MiniStack has no public interface for any of this

from ministack.services import eventbridge, lambda_svc, sns, sqs

from local_cloud.ministack import roles

ACTIONS = {
    "sqs": "sqs:SendMessage",
    "sns": "sns:Publish",
    "lambda": "lambda:InvokeFunction",
    "events": "events:PutEvents",
}
"""The action that the function's role needs, by the destination's service."""


def kind_of(arn: str) -> str | None:
    """Return the service of a destination; None if Lambda, or this cloud, sends nothing there.

    AWS knows S3 buckets as destinations for failures as well; this cloud refuses them.
    """
    service = roles.part(arn, 2)
    return service if service in ACTIONS and not arn.endswith(".fifo") else None


def exists(arn: str) -> bool:
    """Return whether the destination exists."""
    kind = kind_of(arn)
    if kind == "sqs":
        return sqs._queue_by_arn(arn) is not None
    if kind == "sns":
        return sns._topic_by_arn_any_scope(arn) is not None
    if kind == "lambda":
        record, _, _ = lambda_svc._get_func_record_for_ref(arn)
        return record is not None
    if kind == "events":
        name, problem = eventbridge._event_bus_name_from_ref(arn)
        return not problem and name in eventbridge._event_buses
    return False


def role_may_use(role_arn: str, arn: str) -> bool:
    """Return whether a role may send to a destination."""
    kind = kind_of(arn)
    return kind is not None and roles.may(role_arn, ACTIONS[kind], kind, arn)

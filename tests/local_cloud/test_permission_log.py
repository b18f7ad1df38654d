"""Which permissions of roles are recorded: those of requests, and of what AWS sends with a role."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_cloud.delivery.permission_log import PermissionLog, Use
from tests.local_cloud.cloud_builder import Lab, bus_arn

ALLOWED = {"Effect": "Allow", "Action": ["events:PutEvents"], "Resource": "*"}


def test_a_log_counts_each_use_and_returns_the_same_from_json() -> None:
    log = PermissionLog()
    use = Use("role", "function", "dynamodb:PutItem", "table")
    for each in (use, use, Use("role", "", "sqs:SendMessage", "queue", allowed=False)):
        log.note(each)
    counted = PermissionLog.from_json(json.loads(json.dumps(log.to_json())))
    assert counted[use] == 2
    assert len(counted) == 2


def test_a_log_that_is_full_counts_known_uses_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local_cloud.delivery.permission_log.DISTINCT", 1)
    log = PermissionLog()
    first, second = (Use("role", "", "sqs:SendMessage", queue) for queue in ("first", "second"))
    for use in (first, second, first):
        log.note(use)
    assert PermissionLog.from_json(log.to_json()) == {first: 2}


@pytest.mark.deployed
def test_requests_of_a_role_are_recorded_with_their_events(lab: Lab) -> None:
    """Allowed and denied ones, each entry of PutEvents; those of the root user are not."""
    bus, role = lab.bus(), lab.role([ALLOWED])
    name = role.rpartition("/")[2]
    entries = [
        {"EventBusName": bus, "Source": "shop", "DetailType": kind, "Detail": "{}"}
        for kind in ("Sold", "Returned")
    ]
    lab.as_role(role, "events").put_events(Entries=entries)
    with pytest.raises(ClientError):
        lab.as_role(role, "sqs").list_queues()
    lab.events.put_events(Entries=entries)
    assert {
        (use.action, use.detail_type, use.allowed): count for use, count in uses_of(lab, name)
    } == {
        ("events:PutEvents", "Sold", True): 1,
        ("events:PutEvents", "Returned", True): 1,
        ("sqs:ListQueues", "", False): 1,
    }
    resources = {use.resource for use, _ in uses_of(lab, name) if use.allowed}
    assert resources == {bus_arn(bus)}


def uses_of(lab: Lab, role: str) -> list[tuple[Use, Any]]:
    """The uses of a role's permissions, with their counts."""
    return [
        (use, count) for use, count in lab.control.permission_uses().items() if use.role == role
    ]

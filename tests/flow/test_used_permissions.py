"""Every permission of a role is used, and none is used that it does not have: recorded at the wire.

All paths of the functions are driven. The local cloud records action and resource of each signed
request with the function's role, and of each that Lambda and the scheduler send with a role.
With the variable WORKSHOP_RECORD, the figures of the run are recorded for docs/reliability.md.
"""

import json
import os
from contextlib import contextmanager
from urllib.parse import quote

import pytest

from devtools.reliability.record import Record, write
from devtools.security import access
from local_cloud.control import Control
from tests.fixtures.deployed import eventually, new_id
from workshop.orders import api_client

pytestmark = pytest.mark.deployed

SCHEDULE = "reconciler-schedule"
EVENTBRIDGE = {"Service": "events.amazonaws.com"}


@pytest.fixture
def prefix(stack):
    """The start of every name of the stack."""
    return stack.outputs.function_names["payment"].removesuffix("-payment")


@pytest.fixture
def granted(stack, prefix):
    """What the roles' policies allow, as they are deployed: action by action."""
    iam = stack.client("iam")
    found = set()
    for role in [*stack.outputs.function_names, SCHEDULE]:
        name = f"{prefix}-{role}"
        assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
        documents = [
            iam.get_role_policy(RoleName=name, PolicyName=each)["PolicyDocument"]
            for each in iam.list_role_policies(RoleName=name)["PolicyNames"]
        ]
        found |= access.in_policies(role, prefix, documents)
    return found


@pytest.fixture
def new_uses(stack, cloud):
    """Return the uses since the test began by the functions and AWS's services, not by probes."""
    before = cloud.permission_uses()
    functions = {*stack.outputs.function_names.values(), ""}

    def read():
        return {each for each in cloud.permission_uses() - before if each.function in functions}

    return read


@pytest.fixture
def copied_schedule(stack):
    """Copy a schedule: a new one invokes its target at once, with the same role."""
    scheduler, made = stack.client("scheduler"), []

    def copy(name):
        found = scheduler.get_schedule(Name=name)
        kept = ("ScheduleExpression", "FlexibleTimeWindow", "Target")
        made.append(new_id("schedule"))
        scheduler.create_schedule(Name=made[0], **{key: found[key] for key in kept})

    yield copy
    for name in made:
        scheduler.delete_schedule(Name=name)


def test_roles_have_the_permissions_of_the_documented_matrix(granted):
    """docs/permissions.md is generated from the same permissions: those of Terraform's files."""
    assert granted == set(access.in_terraform())


def test_statements_for_services_of_aws_have_their_actions(granted):
    """Each has the actions that the document gives a reason for, in every role that needs it."""
    found = {(each.sid, each.action) for each in granted if each.sid in access.FOR_AWS}
    assert found == {
        ("WriteOwnLogs", "logs:CreateLogStream"),
        ("WriteOwnLogs", "logs:PutLogEvents"),
        ("WriteTraces", "xray:PutTraceSegments"),
        ("WriteTraces", "xray:PutTelemetryRecords"),
        ("SendOwnFailures", "sqs:SendMessage"),
    }


def test_roles_use_all_their_permissions_and_no_others(
    stack, prefix, granted, new_uses, recovery, order, final_status, copied_schedule
):
    """Normal, repeated, out of stock, refund, dead letters, redrive, reconcile, schedule."""
    copied_schedule(f"{prefix}-reconciler")
    shipped, refunded = _orders(stack, order, final_status)
    events = _events(stack, [shipped, refunded])
    with _switched_off(stack):
        stalled = order({"MOUSE": 1})
        _put(stack, events)
        eventually(lambda: recovery.reconcile()["republished"])  # the index is a moment late
        recovery.settled()
    with _without_permissions(stack):
        _put(stack, events)
        recovery.settled()
    own = {shipped, refunded, stalled}
    assert _waiting(recovery, own) == {
        (consumer, kind) for consumer in access.consumers() for kind in access.KINDS
    }
    recovery.redrive(rate=100)
    assert final_status(stalled) == "SHIPMENT_PREPARED"
    assert _waiting(recovery, own) == set()

    expected = {
        (each.role, each.action, each.resource, each.event)
        for each in granted
        if each.sid not in access.NOT_REQUESTED_LOCALLY
    }
    eventually(lambda: SCHEDULE in {role for role, *_ in _used(new_uses(), prefix)})
    used = _used(new_uses(), prefix)
    assert sorted(expected - used) == [], "granted, and no path uses it"
    assert sorted(used - expected) == [], "used, and not granted"
    assert [each for each in new_uses() if not each.allowed] == []
    if "WORKSHOP_RECORD" in os.environ:
        write(_record(granted, expected))


def _record(granted, used):
    """Return the figures for docs/reliability.md."""
    return Record(
        suite="permissions",
        title="Permissions: used and granted",
        what=[
            "Every path of every function runs, and each request with a role is recorded.",
            "The policies must grant what is used, and nothing else.",
        ],
        command="make stack ARGS=tests/flow/test_used_permissions.py",
        figures=[
            {"name": "roles", "value": len({each.role for each in granted})},
            {"name": "permissions: a role, an action and a resource", "value": len(granted)},
            {"name": "used by a path", "value": len(used)},
            {"name": "used by Lambda for logs and traces", "value": len(granted) - len(used)},
            {"name": "granted and not used", "value": 0},
            {"name": "used and not granted", "value": 0},
        ],
        not_covered=[
            "Lambda's own use of logs and X-Ray: the local cloud does not check it.",
            "Whether the pipeline uses all permissions of its roles.",
        ],
    )


def _waiting(recovery, order_ids):
    """Return the queues with dead letters of these orders, as a dry run lists them."""
    messages = recovery.redrive(dry_run=True)["messages"]
    return {(each["consumer"], each["queue"]) for each in messages if each["order_id"] in order_ids}


def _used(uses, prefix):
    """Return uses in the form of grants."""
    return {
        (
            each.role.removeprefix(f"{prefix}-"),
            each.action,
            access.resource_name(each.resource, prefix),
            f"{each.source} {each.detail_type}".strip(),
        )
        for each in uses
    }


def _orders(stack, order, final_status):
    """Place an order that ships, twice, and one that is refunded; read one and the list."""
    api_client.set_stock(stack, {"MOUSE": 100, "MONITOR": 0})
    customer_id = new_id("customer")
    request = api_client.order_request({"MOUSE": 1}, customer_id=customer_id)
    key = new_id("key")
    order_ids = {api_client.place_order(stack, request, key=key)["order_id"] for _ in range(2)}
    (shipped,) = order_ids
    refunded = order({"MONITOR": 1})
    assert (final_status(shipped), final_status(refunded)) == ("SHIPMENT_PREPARED", "REFUNDED")
    for path in (f"/orders/{shipped}", f"/customers/{quote(customer_id)}/orders"):
        assert api_client.call_api(stack, "GET", path).status == 200
    return shipped, refunded


def _events(stack, order_ids):
    """Return the events of orders as they were published."""
    control = Control(stack.target.endpoint_url)
    return [each.content for order_id in order_ids for each in control.events(order_id)]


def _put(stack, events):
    """Put events on the bus again."""
    entries = [
        {
            "Source": each["source"],
            "DetailType": each["detail-type"],
            "Detail": json.dumps(each["detail"]),
            "EventBusName": stack.outputs.event_bus_name,
        }
        for each in events
    ]
    for start in range(0, len(entries), 10):
        answer = stack.client("events").put_events(Entries=entries[start : start + 10])
        assert answer["FailedEntryCount"] == 0


@contextmanager
def _switched_off(stack):
    """Give all consumers a reserved concurrency of 0: Lambda sends their events to the queues."""
    client = stack.client("lambda")
    names = [stack.outputs.function_names[each] for each in access.consumers()]
    try:
        for name in names:
            client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        yield
    finally:
        for name in names:
            client.delete_function_concurrency(FunctionName=name)


@contextmanager
def _without_permissions(stack):
    """Remove the rules' permissions: EventBridge sends the consumers' events to the queues."""
    client = stack.client("lambda")
    removed = []
    try:
        for key in access.consumers():
            name = stack.invokable(key)
            policy = json.loads(client.get_policy(FunctionName=name)["Policy"])
            (rule,) = [each for each in policy["Statement"] if each["Principal"] == EVENTBRIDGE]
            client.remove_permission(FunctionName=name, StatementId=rule["Sid"])
            removed.append((name, rule))
        yield
    finally:
        for name, rule in removed:
            ((_, source),) = rule["Condition"]["ArnLike"].items()
            client.add_permission(
                FunctionName=name,
                StatementId=rule["Sid"],
                Action="lambda:InvokeFunction",
                Principal=EVENTBRIDGE["Service"],
                SourceArn=source,
            )

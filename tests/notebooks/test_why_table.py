"""Tests of the table that shows why an event does not arrive."""

import json

import boto3
import pytest

from tests.fixtures.in_process import BUS
from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.errors import UsageError
from workshop.notebooks import Connection, why_table
from workshop.notebooks.tables import NOTHING
from workshop.paths import in_stages

ENTRY = {
    "Source": "orderflow.inventory",
    "DetailType": "InventoryUpdated",
    "Detail": json.dumps({"data": {"inventory": {"status": "OUT_OF_STOCK"}}}),
}


@pytest.fixture
def connection(aws, monkeypatch):
    """A connection to a bus with all rules of the stages, without targets."""
    for path in in_stages("terraform/patterns/*.json"):
        boto3.client("events").put_rule(
            Name=path.stem, EventBusName=BUS, EventPattern=path.read_text("utf-8")
        )
    monkeypatch.setattr(Target, "client", lambda _, service: boto3.client(service))
    target = Target("aws-1", "us-east-1", "123456789012", None, own=False)
    return Connection(Stack(target, 4, Outputs("", BUS, "us-east-1", {}, {}, {})), "customer")


def test_each_refusing_field_has_a_row(connection):
    found = why_table(connection, ENTRY)
    assert found.loc["shipping", "field"] == "detail.data.inventory.status"
    assert found.loc["shipping", "change"] == 'set it to "RESERVED"'
    assert len(found.loc[["inventory"]]) == 3
    assert found.loc["payment-refund", "rule"] == "no permission"
    assert found.loc["payment-refund", "field"] == NOTHING
    assert found.loc["payment-refund", "remark"] == "The rule has no target."


def test_an_event_as_delivered_gives_the_same_table(connection):
    event = {"source": ENTRY["Source"], "detail-type": ENTRY["DetailType"]}
    event["detail"] = json.loads(ENTRY["Detail"])
    assert why_table(connection, event).equals(why_table(connection, ENTRY))


def test_what_is_no_event_is_refused(connection):
    with pytest.raises(UsageError, match="This is no event"):
        why_table(connection, {"Source": "a"})

"""Any AWS tool reaches the stack with what `workshop env` prints, and nothing else."""

import os
import re
import subprocess
import sys

import boto3
import pytest

from tests.fixtures.deployed import new_id
from workshop.orders import api_client
from workshop.paths import ROOT

pytestmark = pytest.mark.deployed


@pytest.fixture
def exports(stack, monkeypatch):
    """What `workshop env` prints, as the environment of this process; no AWS setting besides."""
    printed = subprocess.run(
        [sys.executable, "-m", "workshop", "env"],
        cwd=ROOT,
        env=os.environ | {"WORKSHOP_CLOUD": stack.target.name},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in re.findall(r"^export (\w+)='(.*)'$", printed, re.MULTILINE):
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("exports")
def test_plain_boto3_sees_an_order_in_all_four_tables(stack, final_status):
    """A client that knows nothing of the workshop finds the order where Terraform says."""
    api_client.set_stock(stack, {"MOUSE": 100})
    placed = api_client.place_order(stack, api_client.order_request({"MOUSE": 1}))
    order_id = placed["order_id"]
    final_status(order_id)
    dynamodb = boto3.resource("dynamodb")
    keys = {
        "orders": {"order_id": order_id},
        "payments": {"order_id": order_id},
        "inventory": {"sku": f"reservation#{order_id}"},
        "shipments": {"order_id": order_id},
    }
    for table, key in keys.items():
        assert dynamodb.Table(stack.outputs.table_names[table]).get_item(Key=key)["Item"]


@pytest.mark.usefixtures("exports")
def test_plain_boto3_invokes_and_publishes(stack):
    """Lambda and EventBridge answer it as well."""
    names = [f["FunctionName"] for f in boto3.client("lambda").list_functions()["Functions"]]
    assert set(stack.outputs.function_names.values()) <= set(names)
    entry = {
        "Source": "somebody.else",
        "DetailType": new_id("Nothing"),
        "Detail": "{}",
        "EventBusName": stack.outputs.event_bus_name,
    }
    assert boto3.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def test_the_tables_are_those_the_in_process_tests_use(stack):
    """Keys and indexes that Terraform makes are the ones the other tests are run on."""
    from tests.fixtures.in_process import TABLES  # noqa: PLC0415  (imports moto)

    for key, name in stack.outputs.table_names.items():
        table = stack.client("dynamodb").describe_table(TableName=name)["Table"]
        found = {"key": table["KeySchema"][0]["AttributeName"]}
        for index in table.get("GlobalSecondaryIndexes", []):
            names = {part["KeyType"]: part["AttributeName"] for part in index["KeySchema"]}
            found[index["IndexName"]] = (names["HASH"], names["RANGE"])
        assert found == TABLES[key]

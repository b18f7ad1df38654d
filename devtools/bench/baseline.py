"""Deploying the bare twin beside the stack, on the same local cloud."""

import io
import json
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

from workshop.deployment.stack import Stack
from workshop.errors import WorkshopError

SOURCE = Path(__file__).with_name("baseline_function.py")
"""The code of all of its functions."""

PREFIX = "bare-twin"
BUS = f"{PREFIX}-bus"
TABLES = {"orders": "order_id", "payments": "order_id", "inventory": "sku", "shipments": "order_id"}
CONSUMES = {
    "track": ["OrderCreated", "PaymentProcessed", "InventoryUpdated", "ShipmentPrepared"],
    "charge": ["OrderCreated"],
    "reserve": ["PaymentProcessed"],
    "prepare": ["InventoryUpdated"],
}
"""Function → the detail-types it gets."""
FUNCTIONS = ("api", *CONSUMES)

ALLOWED = ["dynamodb:*", "events:PutEvents"]


def deploy(stack: Stack) -> None:
    """Make the twin's bus, tables, functions and rules.

    Raises:
        WorkshopError: A function does not become ready.
    """
    dynamodb, events = stack.client("dynamodb"), stack.client("events")
    for table, key in TABLES.items():
        dynamodb.create_table(
            TableName=f"{PREFIX}-{table}",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        )
    dynamodb.put_item(
        TableName=f"{PREFIX}-inventory",
        Item={"sku": {"S": "STOCK"}, "on_hand": {"N": "1000000"}},
    )
    events.create_event_bus(Name=BUS)
    role = _role(stack)
    for function in FUNCTIONS:
        arn = _function(stack, function, role)
        if function in CONSUMES:
            _rule(stack, function, arn)


def _role(stack: Stack) -> str:
    iam = stack.client("iam")
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    allow = {"Effect": "Allow", "Action": ALLOWED, "Resource": "*"}
    role = iam.create_role(RoleName=PREFIX, AssumeRolePolicyDocument=_policy(trust))["Role"]
    iam.put_role_policy(RoleName=PREFIX, PolicyName="all", PolicyDocument=_policy(allow))
    return str(role["Arn"])


def _policy(statement: Mapping[str, object]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _function(stack: Stack, function: str, role: str) -> str:
    client = stack.client("lambda")
    name = f"{PREFIX}-{function}"
    client.create_function(
        FunctionName=name,
        Role=role,
        Runtime="python3.13",
        Handler=f"{SOURCE.stem}.{function}",
        Code={"ZipFile": _zip()},
        Timeout=15,
        Environment={"Variables": {"EVENT_BUS_NAME": BUS, "PREFIX": PREFIX}},
    )
    deadline = time.monotonic() + 30
    while True:
        state = client.get_function_configuration(FunctionName=name)
        if state["State"] == "Active":
            return str(state["FunctionArn"])
        if time.monotonic() > deadline:
            raise WorkshopError(f"{name} is still {state['State']} after 30 s")
        time.sleep(0.05)


def _rule(stack: Stack, function: str, arn: str) -> None:
    name = f"{PREFIX}-{function}"
    events = stack.client("events")
    pattern = json.dumps({"source": [PREFIX], "detail-type": CONSUMES[function]})
    rule = events.put_rule(Name=name, EventBusName=BUS, EventPattern=pattern)["RuleArn"]
    events.put_targets(Rule=name, EventBusName=BUS, Targets=[{"Id": "function", "Arn": arn}])
    stack.client("lambda").add_permission(
        FunctionName=name,
        StatementId="bus",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.write(SOURCE, SOURCE.name)
    return buffer.getvalue()

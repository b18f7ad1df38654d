"""Each function may do what it must, and nothing else: tried with its own role."""

import io
import json
import zipfile

import pytest

from tests.fixtures.deployed import eventually, new_id
from workshop.orders.cleanup import delete_dead_letters
from workshop.stages import flow

pytestmark = pytest.mark.deployed

PROBE = """
import boto3
from botocore.exceptions import ClientError

def handler(event, context):
    answers = []
    for service, operation, parameters in event:
        try:
            answer = getattr(boto3.client(service), operation)(**parameters)
            failed = answer.get("FailedEntryCount", 0)
            answers.append(answer["Entries"][0]["ErrorCode"] if failed else "allowed")
        except ClientError as error:
            answers.append(error.response["Error"]["Code"])
    return answers
"""
"""Runs under a function's role and returns the result of each call."""

OWN_TABLE = {
    "order-api": "orders",
    "order-tracker": "orders",
    "payment": "payments",
    "payment-refund": "payments",
    "inventory": "inventory",
    "shipping": "shipments",
    "redrive": None,
    "reconciler": "orders",
}
PUBLISHES = {
    "order-api": ("orderflow.order", "OrderCreated"),
    "payment": ("orderflow.payment", "PaymentProcessed"),
    "payment-refund": ("orderflow.payment", "PaymentProcessed"),
    "inventory": ("orderflow.inventory", "InventoryUpdated"),
    "shipping": ("orderflow.shipping", "ShipmentPrepared"),
    "reconciler": ("orderflow.order", "OrderCreated"),
}
EVENT_TYPES = set(PUBLISHES.values())
ALLOWED = {
    "order-api": {"put_item", "get_item"},
    "order-tracker": {"update_item"},
    "payment": {"update_item"},
    "payment-refund": {"update_item"},
    "inventory": {"put_item", "update_item"},
    "shipping": {"put_item"},
    "redrive": set(),
    "reconciler": {"get_item"},
}
KEYS = {name: table.key for name, table in flow().tables.items()}


@pytest.fixture(scope="module")
def probes():
    """The probe functions there are, by the role's function: made once, removed in the end."""
    made = {}
    yield made
    for client, name in made.values():
        client.delete_function(FunctionName=name)


@pytest.fixture
def as_role_of(stack, probes):
    """Run AWS calls under a function's own role; returns the answers."""
    client = stack.client("lambda")

    def run(key, calls):
        if key not in probes:
            probes[key] = client, _probe(client, stack.outputs.function_names[key])
        answer = client.invoke(FunctionName=probes[key][1], Payload=json.dumps(calls))
        return json.loads(answer["Payload"].read())

    return run


def _probe(client, function):
    role = client.get_function_configuration(FunctionName=function)["Role"]
    name = new_id("probe")
    client.create_function(
        FunctionName=name,
        Role=role,
        Runtime="python3.13",
        Handler="probe.handler",
        Code={"ZipFile": _zip("probe.py", PROBE)},
        Timeout=30,
    )
    eventually(lambda: client.get_function_configuration(FunctionName=name)["State"] == "Active")
    return name


def _zip(name, text):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, text)
    return buffer.getvalue()


def _call(operation, table, key):
    parameters = {"TableName": table}
    item = {key: {"S": "probe"}}
    if operation == "put_item":
        parameters["Item"] = item
    elif operation == "update_item":
        parameters |= {
            "Key": item,
            "UpdateExpression": "SET probe = :p",
            "ExpressionAttributeValues": {":p": {"S": "p"}},
            # Never true: the call is allowed or not, and writes nothing either way.
            "ConditionExpression": "attribute_exists(no_such_attribute)",
        }
    elif operation != "scan":
        parameters["Key"] = item
    if operation == "put_item":
        parameters["ConditionExpression"] = "attribute_exists(no_such_attribute)"
    return ["dynamodb", operation, parameters]


def _put_events(bus, source, detail_type):
    entry = {"Source": source, "DetailType": detail_type, "Detail": "{}", "EventBusName": bus}
    return ["events", "put_events", {"Entries": [entry]}]


@pytest.mark.parametrize("key", sorted(OWN_TABLE))
def test_a_function_has_its_own_table_alone(stack, as_role_of, key):
    """What it needs of its own table it may do; every other table and action is denied."""
    calls, expected = [], []
    for table, name in stack.outputs.table_names.items():
        for operation in ("put_item", "update_item", "delete_item", "get_item", "scan"):
            calls.append(_call(operation, name, KEYS[table]))
            allowed = table == OWN_TABLE[key] and operation in ALLOWED[key]
            answer = "allowed" if operation == "get_item" else "ConditionalCheckFailedException"
            expected.append(answer if allowed else "AccessDeniedException")
    assert as_role_of(key, calls) == expected


@pytest.mark.parametrize("key", sorted(OWN_TABLE))
def test_a_function_publishes_its_own_events_alone(stack, as_role_of, key):
    """Another service's source or detail-type, and another bus, are denied."""
    bus = stack.outputs.event_bus_name
    own = PUBLISHES.get(key)
    others = sorted(EVENT_TYPES - {own})
    mixed = [(own[0], "Forged"), ("forged", own[1])] if own else []
    calls = [_put_events(bus, *pair) for pair in [*others, *mixed]]
    calls.append(_put_events("default", *(own or others[0])))
    assert set(as_role_of(key, calls)) == {"AccessDeniedException"}


def test_a_forged_entry_beside_a_good_one_is_denied(stack, as_role_of):
    """Every entry of a PutEvents call is checked, not the first alone."""
    bus = stack.outputs.event_bus_name
    good = _put_events(bus, "orderflow.payment", "PaymentProcessed")[2]["Entries"]
    forged = _put_events(bus, "orderflow.shipping", "ShipmentPrepared")[2]["Entries"]
    (answer,) = as_role_of("payment", [["events", "put_events", {"Entries": good + forged}]])
    assert answer == "AccessDeniedException"


@pytest.mark.parametrize("key", ["payment", "redrive", "reconciler"])
def test_only_its_one_sender_writes_to_a_dead_letter_queue(stack, as_role_of, key):
    """A consumer may send to its own `failed` queue; nobody else, and to nothing else."""
    queues = stack.outputs.dead_letter_queue_urls
    sends, expected = [], []
    for consumer, urls in queues.items():
        for kind, url in urls.items():
            sends.append(["sqs", "send_message", {"QueueUrl": url, "MessageBody": "probe"}])
            own = (consumer, kind) == (key, "failed")
            expected.append("allowed" if own else "AccessDenied")
    try:
        assert as_role_of(key, sends) == expected
    finally:
        delete_dead_letters(stack, "probe")


@pytest.mark.parametrize("key", ["inventory", "reconciler"])
def test_only_the_redrive_reads_a_dead_letter_queue(stack, as_role_of, key):
    """Reading, emptying and deleting are for the redrive alone, and none of it is purging."""
    urls = [url for urls in stack.outputs.dead_letter_queue_urls.values() for url in urls.values()]
    reads = [["sqs", "receive_message", {"QueueUrl": url}] for url in urls]
    purges = [["sqs", "purge_queue", {"QueueUrl": url}] for url in urls]
    assert set(as_role_of(key, reads + purges)) == {"AccessDenied"}
    assert set(as_role_of("redrive", purges)) == {"AccessDenied"}


def test_the_redrive_invokes_consumers_alone(stack, as_role_of):
    """It can start no other function: not the API, not the reconciler, not itself."""
    names = stack.outputs.function_names
    others = sorted(names.keys() - stack.outputs.dead_letter_queue_urls.keys())
    calls = [["lambda", "invoke", {"FunctionName": names[key]}] for key in others]
    assert others == ["order-api", "reconciler", "redrive"]
    assert set(as_role_of("redrive", calls)) == {"AccessDeniedException"}

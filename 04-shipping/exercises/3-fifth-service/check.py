"""What must hold at the end of exercise 04.3, in the order in which one builds the service."""

import copy
import importlib
import json
import sys
from functools import cache

import boto3
import pytest

from local_cloud.control import Control
from orderflow import contract
from orderflow.dynamodb import from_wire
from orderflow.errors import InvalidEventError
from orderflow.event import Event
from tests.fixtures.deployed import PATIENCE
from tests.fixtures.events import delivered, example
from tests.fixtures.in_process import BUS
from workshop.deployment.stack import current
from workshop.errors import WorkshopError
from workshop.event_patterns import InvalidPatternError, matches
from workshop.journeys import order_rows
from workshop.orders import api_client
from workshop.paths import ROOT, STAGE_FOLDERS
from workshop.stages import flow

TYPE, SOURCE, STEP = "InvoiceIssued", "orderflow.invoice", "invoice-issued"
STAGE, FOLDER = 7, "07-invoice"
SERVICE = ROOT / FOLDER
TABLE = "orderflow-invoices"
TRACKER = ROOT / "01-order-service/terraform/patterns/order-tracker.json"


def missing(path):
    """Fail because a file is not there yet."""
    pytest.fail(f"There is no {path.relative_to(ROOT)} yet.", pytrace=False)


def invoice_event(**invoice):
    """Return an InvoiceIssued of the order `example-1`, with changed fields of its invoice."""
    paid = example("PaymentProcessed", "succeeded")
    metadata = {
        "event_id": f"example-1/{STEP}",
        "correlation_id": "example-1",
        "causation_id": paid.event_id,
        "schema_version": 1,
        "occurred_at": paid.occurred_at,
    }
    usual = {
        "invoice_id": "INV-1",
        "amount": paid.part("payment")["amount"],
        "currency": paid.part("payment")["currency"],
        "issued_at": paid.occurred_at,
    }
    changed = {name: each for name, each in (usual | invoice).items() if each is not None}
    return Event(TYPE, {"metadata": metadata, "data": {"order": paid.order, "invoice": changed}})


def problem(event):
    """Return why the contract refuses an event; empty if it accepts it."""
    path = contract.CONTRACTS / TYPE / "v1.schema.json"
    if not path.exists():
        missing(path)
    try:
        contract.validate(event)
    except InvalidEventError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - whatever a schema in work can cause
        pytest.fail(f"{path.name} cannot be used: {error!r}", pytrace=False)
    return ""


def test_contract_accepts_an_invoice():
    """The contract knows InvoiceIssued, and who may publish it"""
    why = problem(invoice_event())
    assert not why, f"This event is refused: {invoice_event().detail['data']['invoice']}. {why}"
    assert contract.source(TYPE) == SOURCE, f"Its source is {contract.source(TYPE)}."


def test_contract_refuses_what_is_no_invoice():
    """The contract refuses an invoice with a missing, wrong or unknown field"""
    wrong = {
        "without an invoice_id": {"invoice_id": None},
        "without an amount": {"amount": None},
        "without a currency": {"currency": None},
        "without an issued_at": {"issued_at": None},
        "with an empty invoice_id": {"invoice_id": ""},
        "with the amount '100'": {"amount": "100"},
        "with the amount -1": {"amount": -1},
        "with the currency 'euro'": {"currency": "euro"},
        "with the issued_at 'yesterday'": {"issued_at": "yesterday"},
        "with an unknown field": {"colour": "red"},
    }
    accepted = [what for what, changed in wrong.items() if not problem(invoice_event(**changed))]
    assert not accepted, f"An invoice {', and one '.join(accepted)}, is accepted."


def test_there_is_an_example():
    """There is an example of the event"""
    path = contract.CONTRACTS / TYPE / "v1.example.json"
    if not path.exists():
        missing(path)
    try:
        raw = json.loads(path.read_text("utf-8"))
        event, source = Event(raw["detail-type"], raw["detail"]), raw["source"]
        named = event.type, source, event.step, event.detail["metadata"]["causation_id"]
    except (ValueError, KeyError, TypeError) as error:
        pytest.fail(f"v1.example.json is no example of an event: {error!r}", pytrace=False)
    assert not problem(event), f"The example breaks its own contract: {problem(event)}"
    cause = f"{event.correlation_id}/payment-succeeded"
    assert named == (TYPE, SOURCE, STEP, cause), (
        "An example is a whole event: type, source, the step at the end of event_id, and the "
        f"causation_id. Expected: {TYPE}, {SOURCE}, {STEP}, {cause}. Found: {', '.join(named)}."
    )


def other_events():
    """Return every example of the other events, by name, as EventBridge delivers it."""
    own = f"{TYPE}/"
    paths = sorted(contract.CONTRACTS.glob("*/v*.example.json"))
    named = {path.relative_to(contract.CONTRACTS).as_posix(): path for path in paths}
    raw = {name: json.loads(path.read_text("utf-8")) for name, path in named.items()}
    return {
        name.removesuffix(".example.json"): delivered(Event(each["detail-type"], each["detail"]))
        for name, each in raw.items()
        if not name.startswith(own)
    }


def selects(path, event):
    """Return whether the pattern in a file selects an event."""
    if not path.exists():
        missing(path)
    try:
        return matches(path.read_text("utf-8"), event)
    except InvalidPatternError as error:
        return pytest.fail(f"EventBridge refuses {path.name}: {error}", pytrace=False)


def test_order_tracker_receives_it():
    """The order tracker receives the event, and all that it received before"""
    own = {**delivered(example("OrderCreated")), "source": SOURCE, "detail-type": TYPE}
    events = other_events() | {TYPE: own}
    left_out = [name for name, event in events.items() if not selects(TRACKER, event)]
    assert not left_out, f"{TRACKER.name} does not select {', '.join(left_out)}."


@pytest.fixture
def described():
    """What stage.toml says of the service: its function and its table."""
    if not (SERVICE / "stage.toml").exists():
        missing(SERVICE / "stage.toml")
    if STAGE_FOLDERS.get(STAGE) != FOLDER:
        pytest.fail(f'The first line of stage.toml must be: folder = "{FOLDER}"', pytrace=False)
    try:
        found = flow()
    except WorkshopError as error:
        pytest.fail(str(error), pytrace=False)
    return found.functions.get("invoice"), found.tables.get("invoices")


def test_stage_is_described(described):
    """stage.toml describes the function and the table"""
    function, table = described
    assert function, "stage.toml has no [functions.invoice]."
    assert function.consumes == ("payment-succeeded",), "It consumes the step payment-succeeded."
    assert function.publishes == (STEP,), f"It publishes the step {STEP}."
    assert table, 'stage.toml has no [table] with the name "invoices".'
    assert table.key == "order_id", "The table's key is order_id."


@pytest.fixture
def calls(aws):
    """A DynamoDB client with the empty table of the service, and the operations it has done."""
    client, done = boto3.client("dynamodb"), []
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "order_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "order_id", "AttributeType": "S"}],
    )
    client.meta.events.register(
        "before-call.dynamodb", lambda model, **_: done.append(model.name), unique_id="calls"
    )
    return client, done


def imported(name):
    """Return a module of the service."""
    path = SERVICE.joinpath(*name.split(".")).with_suffix(".py")
    if not path.exists():
        missing(path)
    if str(SERVICE) not in sys.path:
        sys.path.insert(0, str(SERVICE))
    try:
        return importlib.import_module(name)
    except Exception as error:  # noqa: BLE001 - whatever code in work can cause
        pytest.fail(f"{path.relative_to(ROOT)} cannot be imported: {error!r}", pytrace=False)


@pytest.fixture
def service(calls, bus, context):
    """A function that invokes the service with an event; returns what it published."""
    environment = {"TABLE_NAME": TABLE, "EVENT_BUS_NAME": BUS}
    module = imported("invoice_service.app")
    if not hasattr(module, "build"):
        pytest.fail("invoice_service/app.py has no function build.", pytrace=False)
    app = module.build(environment, dynamodb=calls[0], events=bus)

    def issue(event):
        before = len(bus.entries)
        app.issue(delivered(event), context)
        return bus.entries[before:]

    return issue


@pytest.fixture
def items(calls):
    """A function that returns all items of the table."""
    return lambda: [from_wire(item) for item in calls[0].scan(TableName=TABLE)["Items"]]


def paid(order_id="example-1"):
    """Return a payment that succeeded."""
    return example("PaymentProcessed", "succeeded", order_id=order_id)


def test_paid_order_gets_an_invoice(service):
    """A paid order gets an invoice"""
    published = service(paid())
    assert len(published) == 1, f"The service published {len(published)} events instead of one."
    (entry,) = published
    assert (entry["Source"], entry["DetailType"]) == (SOURCE, TYPE)
    event = Event.from_json(TYPE, entry["Detail"])
    assert event.step == STEP, f"The step is {event.step}."
    assert event.detail["metadata"]["causation_id"] == paid().event_id
    payment = copy.deepcopy(paid())
    payment.order["lines"][0]["quantity"] += 1
    payment.order["total"] += payment.order["lines"][0]["unit_price"]
    payment.part("payment")["amount"] = payment.order["total"]
    text = payment.to_json().replace("example-1", "example-2").replace('"EUR"', '"USD"')
    (entry,) = service(Event.from_json(payment.type, text))
    invoice = Event.from_json(TYPE, entry["Detail"]).part("invoice")
    expected = {"amount": payment.order["total"], "currency": "USD"}
    found = {name: invoice[name] for name in expected}
    assert found == expected, f"The payment is {expected}, and the invoice has {found}."


def test_each_order_has_an_invoice_of_its_own(service, items):
    """Two orders get two invoices, with two numbers"""
    for order_id in ("order-1", "order-2"):
        service(paid(order_id))
    assert len(items()) == 2, f"The table has {len(items())} items after two orders."
    numbers = {each.get("invoice_id") for each in items()}
    assert None not in numbers, "An item of the table has no invoice_id."
    assert len(numbers) == 2, f"Both invoices have the invoice_id {numbers.pop()}."


def test_invoice_is_issued_once(service, items):
    """The same event again: one invoice, and the stored event is published again"""
    (first,) = service(paid())
    stored = items()
    (second,) = service(paid())
    assert len(items()) == 1, f"The table has {len(items())} items after one order."
    assert second["Detail"] == first["Detail"], "The second event differs from the first one."
    assert items() == stored, "The second event changed the stored invoice."


def test_crash_before_the_event_is_published_loses_nothing(service, bus, items):
    """A crash between write and publish loses no invoice"""
    bus.crash = SystemExit("killed")
    with pytest.raises(SystemExit):
        service(paid())
    bus.crash = None
    assert len(items()) == 1, "The service published before it wrote: write first."
    stored = items()
    published = service(paid())
    assert published, "The service found the stored invoice, and published nothing."
    assert items() == stored
    invoice = Event.from_json(TYPE, published[0]["Detail"]).part("invoice")
    assert invoice["invoice_id"] == stored[0]["invoice_id"], "The event has another invoice_id."


def test_event_that_breaks_the_contract_is_refused(service, items):
    """An event that breaks the contract is refused, and nothing is written"""
    broken = paid()
    del broken.part("payment")["amount"]
    try:
        service(broken)
    except InvalidEventError:
        assert items() == []
    else:
        pytest.fail("A payment without an amount got an invoice.", pytrace=False)


def test_item_has_what_make_follow_shows(service, items, described):
    """The item has the attributes that stage.toml shows"""
    service(paid())
    (item,) = items()
    _, table = described
    assert table, 'stage.toml has no [table] with the name "invoices".'
    unknown = {*table.shows, table.summary} - item.keys()
    assert not unknown, (
        f"stage.toml shows {', '.join(sorted(unknown))} of the table (`shows`, and `summary`, "
        f"which is `status` by default). The item has {', '.join(sorted(item))}."
    )


def test_only_a_successful_payment_invokes_the_function():
    """The pattern selects payments that succeeded, and nothing else"""
    path = SERVICE / "terraform/patterns/invoice.json"
    selected = [name for name, event in other_events().items() if selects(path, event)]
    assert selected == ["PaymentProcessed/v1.succeeded"], (
        f"{path.name} selects {', '.join(selected) or 'nothing'}."
    )


@cache
def outcome():
    """Apply the configuration to a mock of AWS, once for all checks."""
    from tests.fixtures import mocked_terraform  # noqa: PLC0415 - only when it is needed

    try:
        return mocked_terraform.apply(STAGE)
    except WorkshopError as error:
        return error


@pytest.fixture
def applied(described):
    """What Terraform creates at stage 7; a function that selects resources of the service."""
    if not (SERVICE / "terraform").exists():
        missing(SERVICE / "terraform")
    found = outcome()
    if isinstance(found, WorkshopError):
        listed = "The lists at the top of terraform/main.tf need your functions and your tables."
        why = f"{found}\n{listed}" if "Invalid index (05-errors-dlq" in str(found) else found
        pytest.fail(f"Terraform refuses the configuration:\n{why}", pytrace=False)

    def of_service(resource_type, name):
        function = "orderflow-invoice"
        return [each for each in found.of_type(resource_type) if each[name] == function]

    return of_service


def test_terraform_creates_the_function(applied, monkeypatch, aws):
    """Terraform creates the function orderflow-invoice, its rule and its table"""
    functions = applied("aws_lambda_function", "function_name")
    assert functions, "At stage 7, Terraform creates no function orderflow-invoice."
    rules = applied("aws_cloudwatch_event_rule", "name")
    assert rules, "Terraform creates no rule orderflow-invoice: `consumes` of the module."
    written = json.loads((SERVICE / "terraform/patterns/invoice.json").read_text("utf-8"))
    assert json.loads(rules[0]["event_pattern"]) == written, "The rule has another pattern."
    tables = [each["name"] for each in outcome().of_type("aws_dynamodb_table")]
    assert TABLE in tables, f"Terraform creates no table {TABLE}: {', '.join(tables)}."
    known = outcome().outputs["table_names"].get("invoices")
    assert known == TABLE, "The list of tables at the top of terraform/main.tf does not have yours."
    settings = functions[0]["environment"][0]["variables"]
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    module, _, name = functions[0]["handler"].rpartition(".")
    assert callable(getattr(imported(module), name, None)), (
        f"The function's handler is {functions[0]['handler']}, and there is no such function."
    )


def test_function_has_only_its_permissions(applied, service, calls):
    """The function may do what it does, on its own table and for its own event, and no more"""
    policies = [each["policy"] for each in applied("aws_iam_role_policy", "role")]
    statements = [each for policy in policies for each in json.loads(policy)["Statement"]]
    service(paid())
    service(paid())
    used = {f"dynamodb:{name}" for name in calls[1]}
    allowed = {
        action for each in statements for action in each["Action"] if action.startswith("dynamodb:")
    }
    assert allowed == used, (
        f"The service uses {', '.join(sorted(used))}. "
        f"Its role allows {', '.join(sorted(allowed)) or 'nothing'}."
    )
    tables = {each["name"]: each["arn"] for each in outcome().of_type("aws_dynamodb_table")}
    for each in statements:
        if each["Action"][0].startswith("dynamodb:"):
            assert each["Resource"] == [tables.get(TABLE)], (
                f"It may use other tables: {each['Resource']}"
            )
    publishing = [
        each.get("Condition", "any event")
        for each in statements
        if "events:PutEvents" in each["Action"]
    ]
    expected = {"StringEquals": {"events:source": SOURCE, "events:detail-type": TYPE}}
    assert publishing == [expected], (
        f"It may publish {TYPE} of {SOURCE}, and no more. Found: {publishing or 'nothing'}."
    )


def test_no_failed_event_is_lost(applied):
    """Both dead-letter queues receive what fails"""
    targets = applied("aws_cloudwatch_event_target", "rule")
    assert targets, "Terraform creates no target for the rule orderflow-invoice."
    assert targets[0]["dead_letter_config"], (
        "An event that EventBridge cannot deliver is lost: the rule's target has no dead-letter "
        "queue. The root passes failure_handling to each stage, and the stage to its function."
    )
    configured = applied("aws_lambda_function_event_invoke_config", "function_name")
    assert configured, "An event that fails three times is lost: the function has no destination."


def test_service_works_on_the_stack(request, placed):
    """On your stack, a paid order gets its invoice"""
    try:
        stack = current()
    except WorkshopError:
        stack = None
    if not stack or "invoice" not in stack.outputs.function_names or not stack.target.own:
        pytest.skip("No stack with your service is up. The task shows how to deploy it.")
    request.getfixturevalue("learner_stack")  # fills the stock, and removes the order afterwards
    order = api_client.place_order(stack, api_client.order_request({"MOUSE": 1}))
    placed.add(str(order["order_id"]))
    Control(stack.target.endpoint_url, timeout=PATIENCE).wait_idle(PATIENCE)
    assert "invoices" in order_rows.rows(stack, str(order["order_id"])), (
        "The order is paid, and has no invoice. make logs ARGS=invoice and make dlq show why."
    )

"""The flow that the `stage.toml` files describe, and what a mistake in one of them says."""

import re
import shutil
import subprocess
import sys

import pytest

from workshop.errors import WorkshopError
from workshop.paths import ROOT, STAGE_FOLDERS
from workshop.stages import flow

RECOVERY = "05-errors-dlq"
CREATED = 'publishes = ["order-created"]'


def test_functions_are_in_the_order_of_the_flow():
    assert list(flow().functions) == [
        *("order-api", "reconciler", "redrive", "payment", "inventory", "shipping"),
        *("payment-refund", "order-tracker"),
    ]
    assert [each.key for each in flow().good_path] == [
        *("order-api", "payment", "inventory", "shipping")
    ]


def test_statuses_follow_from_the_steps():
    assert list(flow().statuses.values()) == [
        *("CREATED", "PAID", "PAYMENT_DECLINED", "RESERVED", "SHIPMENT_PREPARED", "REFUNDED")
    ]
    assert flow().endings() == {"PAYMENT_DECLINED", "SHIPMENT_PREPARED", "REFUNDED"}
    assert [flow().final_status(stage) for stage in range(1, 6)] == [
        *("CREATED", "PAID", "RESERVED", "SHIPMENT_PREPARED", "SHIPMENT_PREPARED")
    ]


def test_a_table_knows_the_key_of_an_order():
    keys = {name: table.key_of("ord_1") for name, table in flow().tables.items()}
    assert keys == {
        "orders": {"order_id": {"S": "ord_1"}},
        "payments": {"order_id": {"S": "ord_1"}},
        "inventory": {"sku": {"S": "reservation#ord_1"}},
        "shipments": {"order_id": {"S": "ord_1"}},
    }


@pytest.fixture
def stage_files(tmp_path):
    """The repository's stage.toml files, to be changed."""
    for folder in STAGE_FOLDERS.values():
        (tmp_path / folder).mkdir()
        shutil.copy(ROOT / folder / "stage.toml", tmp_path / folder)
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('title = "payment"', "title = 2", "title must be text"),
        ('title = "payment"', "", "title is missing"),
        ('title = "payment"', 'titel = "payment"', "title is missing"),
        ('name = "payments"', 'nam = "payments"', "table.name is missing"),
        ('name = "payments"', 'name = "payments"\nkye = "x"', "table.kye is unknown; known: name"),
        ('colour = "#087f5b"', 'colour = "green"', "payment.colour must have the form #087f5b"),
        ('["order-created"]', "[1]", "functions.payment.consumes must be a list, or"),
        ('["order-created"]', '"order-created"', "consumes must be a list of steps"),
        ('["order-created"]', '["ordered"]', "consumes: no function publishes ordered"),
        ('payment-refunded = "R', 'payed-back = "R', "steps: no function publishes payed-back"),
        ('refunded = "REFUNDED"', "refunded = 3", "steps.payment-refunded must be text"),
        ("[steps]", "[steps", "at line"),
        ("[functions.payment]", "[functions.order-api]", "describe the function order-api"),
        ('name = "payments"', 'name = "orders"', "describe the table orders"),
    ],
)
def test_a_mistake_names_the_file_and_the_key(stage_files, old, new, message):
    path = stage_files / "02-payment/stage.toml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(WorkshopError, match=r"stage\.toml") as caught:
        flow(stage_files)
    assert message in str(caught.value)
    assert "02-payment" in str(caught.value) or "Two stage.toml files" in str(caught.value)


@pytest.mark.parametrize(
    ("folder", "old", "new", "message"),
    [
        ("01-order-service", 'consumes = "all"', "", 'one function must have: consumes = "all"'),
        ("02-payment", '["order-created"]', '"all"', 'one function must have: consumes = "all"'),
        ("03-inventory", "#{order_id}", "#{id}", "table.order_key must contain {order_id} once"),
        ("03-inventory", "#{order_id}", "", "table.order_key must contain {order_id} once"),
    ],
)
def test_a_flow_that_cannot_be_read_says_why(stage_files, folder, old, new, message):
    path = stage_files / folder / "stage.toml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(WorkshopError, match=re.escape(message)):
        flow(stage_files)


def test_a_flow_without_a_first_function_says_so(stage_files):
    for folder, new in (("01-order-service", 'consumes = ["payment-refunded"]\n'), (RECOVERY, "")):
        path = stage_files / folder / "stage.toml"
        changed = path.read_text("utf-8").replace(CREATED, new + CREATED if new else "")
        path.write_text(changed, "utf-8")
    with pytest.raises(WorkshopError, match="no function publishes without `consumes`"):
        flow(stage_files)


def test_endings_are_known_when_events_form_a_cycle(stage_files):
    """A declined payment charges again: then it is no ending."""
    path = stage_files / "02-payment/stage.toml"
    text = path.read_text("utf-8")
    again = text.replace('["order-created"]', '["order-created", "payment-declined"]')
    path.write_text(again, "utf-8")
    assert flow(stage_files).endings() == {"SHIPMENT_PREPARED", "REFUNDED"}


@pytest.mark.parametrize(
    ("name", "first"), [("07-loyalty", "loyalty"), ("08-loyalty", "08-loyalty")]
)
def test_a_new_stage_needs_its_name_and_the_next_number(stage_files, name, first):
    (stage_files / name).mkdir()
    (stage_files / name / "stage.toml").write_text(f'folder = "{first}"\n', "utf-8")
    with pytest.raises(WorkshopError, match=rf'{name}/stage.toml: .*`folder = "{name}"`'):
        flow(stage_files)


def test_a_copy_of_a_stage_changes_nothing(stage_files):
    shutil.copytree(stage_files / "02-payment", stage_files / "02-payment copy")
    assert flow(stage_files) == flow()


def test_help_reads_no_description_of_a_stage():
    script = (
        "import sys; from workshop.cli import app; from workshop import stages; "
        "stages._read = None; sys.argv = ['workshop', '--help']; app()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")

"""A stack may have a stage whose folder is removed again, such as a learner's own service."""

from dataclasses import asdict

from workshop.deployment.stack import Outputs, Record, current
from workshop.journeys import order_rows
from workshop.paths import LAST_STAGE

OUTPUTS = Outputs(
    api_endpoint="http://127.0.0.1:9/api",
    event_bus_name="orderflow-bus",
    region="us-east-1",
    function_names={},
    table_names={"orders": "orders", "shipments": "shipments", "invoices": "invoices"},
    dead_letter_queue_urls={},
)


def test_stack_with_a_removed_stage_is_at_the_last_stage(monkeypatch):
    record = Record("us-east-1", "0", None, None, stage=LAST_STAGE + 1, outputs=asdict(OUTPUTS))
    monkeypatch.setattr(Record, "load", lambda _: record)
    stack = current("mine")
    assert stack.stage == LAST_STAGE
    assert order_rows.final_status(stack) == "SHIPMENT_PREPARED"

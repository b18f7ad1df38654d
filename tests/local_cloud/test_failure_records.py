"""What is written down: AWS's formats, the journal, PutEvents."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from local_cloud.delivery import failure_records
from local_cloud.delivery.clock import Clock, backoff, handler_error_wait
from local_cloud.delivery.delivery_log import Delivery, Journal, Origin, Outcome
from local_cloud.delivery.emulator_port import Function
from local_cloud.ministack import iam_put_events
from tests.local_cloud.fake_cloud import ARN, RAISED, RULE_ARN, THROTTLED
from workshop.paths import ROOT

CHARGE = Function(ARN, "charge")


def test_a_minute_is_scaled() -> None:
    assert Clock(1).real(60) == 1
    assert Clock(1).real(90) == 1.5
    assert Clock(0.1).real(3600) == pytest.approx(6)
    assert [handler_error_wait(retry) for retry in (1, 2)] == [60, 120]
    assert [backoff(refusals) for refusals in (1, 2, 9, 10, 5000)] == [1, 2, 256, 300, 300]


def test_the_on_failure_record_is_awss() -> None:
    """Field by field as the Lambda Developer Guide has it."""
    record = failure_records.destination_record(
        CHARGE, "id", {"a": 1}, condition="RetriesExhausted", invocations=3, last=RAISED
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record.pop("timestamp"))
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": "id",
            "functionArn": f"{ARN}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": {"a": 1},
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
        "responsePayload": {"errorType": "ValueError", "errorMessage": "wrong"},
    }


def test_an_alias_stays_in_the_arn() -> None:
    live = Function(f"{ARN}:live", "charge", version="7")
    assert failure_records.qualified(live) == f"{ARN}:live"
    assert failure_records.qualified(Function(ARN, "charge")) == f"{ARN}:$LATEST"


def test_dead_letter_attributes() -> None:
    found = failure_records.dead_letter_attributes("id", RAISED, "RetriesExhausted")
    assert found["RequestID"]["StringValue"] == "id"
    assert found["ErrorCode"] == {"DataType": "Number", "StringValue": "200"}
    assert found["ErrorMessage"]["StringValue"] == "wrong"
    found = failure_records.dead_letter_attributes("id", THROTTLED, "EventAgeExceeded")
    assert found["ErrorCode"]["StringValue"] == "429"
    found = failure_records.dead_letter_attributes("id", None, "ZeroReservedConcurrency")
    assert found["ErrorMessage"]["StringValue"] == "ZeroReservedConcurrency"


def test_target_attributes_name_the_limit_only_when_one_was_reached() -> None:
    plain = failure_records.target_attributes(RULE_ARN, ARN, code="NO_RESOURCE", message="gone")
    assert set(plain) == {"RULE_ARN", "TARGET_ARN", "ERROR_CODE", "ERROR_MESSAGE"}
    limit = failure_records.target_attributes(
        RULE_ARN, ARN, code="THROTTLING", message="", retries=3, exhausted="MaximumRetryAttempts"
    )
    assert limit["RETRY_ATTEMPTS"] == {"DataType": "String", "StringValue": "3"}


def test_an_origin_is_read_as_far_as_it_goes() -> None:
    event = {
        "id": "1",
        "detail-type": "OrderCreated",
        "detail": {"metadata": {"event_id": "e", "correlation_id": "order-1"}},
    }
    assert Origin.of(event, rule="r") == Origin("1", "e", "order-1", "OrderCreated", "r")
    assert Origin.of({"id": "1", "detail": "text"}) == Origin("1", "1")
    others: list[Any] = [None, 3, "text", [], {"id": 3, "detail": {"metadata": 1}}]
    for other in others:
        assert Origin.of(other) == Origin()


def test_the_journal_keeps_the_newest_and_counts_all() -> None:
    journal = Journal(size=3)
    for number in range(5):
        origin = Origin(correlation_id=f"order-{number % 2}")
        journal.add(Delivery("charge", Outcome.DELIVERED, origin, attempt=number))
    assert [record.attempt for record in journal.records()] == [2, 3, 4]
    assert [record.attempt for record in journal.records("order-0")] == [2, 4]
    assert [record.attempt for record in journal.records(limit=1)] == [4]
    assert journal.totals()["delivered"] == 5
    assert journal.totals()["dropped"] == 0


def test_a_delivery_survives_json() -> None:
    delivery = Delivery("charge", Outcome.FAILED, Origin("1", "e"), 2, "ValueError", "", 1.5)
    assert Delivery.from_json(json.loads(json.dumps(delivery.to_json()))) == delivery


def test_put_events_is_authorised_by_entry_and_bus() -> None:
    asked = []

    def enforce(bus: str, keys: dict[str, Any]) -> Any:
        asked.append((bus.rpartition("/")[2], keys))
        return "denied" if keys.get("events:source") == "thief" else None

    def allowed(*entries: dict[str, Any], bus: str = "default") -> bool:
        asked.clear()
        arn = f"arn:aws:events:r:1:event-bus/{bus}"
        return iam_put_events.authorise(list(entries), arn, "r", "1", enforce) is None

    good, bad = {"Source": "shop", "DetailType": "Sold"}, {"Source": "thief"}
    assert allowed(good, good)
    assert asked == [("default", {"events:source": "shop", "events:detail-type": "Sold"})] * 2
    assert not allowed(good, bad)
    assert not allowed(bad, good)
    # Each bus is asked about on its own, with its own entries.
    assert allowed(good, {**bad, "EventBusName": "other"})
    assert not allowed(good, {**bad, "EventBusName": "other"}, bus="other")
    # A request without a usable entry is still asked about, without keys.
    assert allowed()
    assert asked == [("default", {})]


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b"{}", b'{"Entries": [1, null]}'])
def test_a_malformed_put_events_has_no_entries(body: bytes) -> None:
    assert iam_put_events.entries_of(body) == []


def test_the_delivery_code_needs_no_ministack() -> None:
    """All but the few modules that attach it can be imported anywhere."""
    code = (
        "import sys\n"
        "import local_cloud.process\n"
        "import local_cloud.endpoints.control_api\n"
        "import local_cloud.server\n"
        "print([name for name in ('ministack', 'hypercorn', 'boto3') if name in sys.modules])"
    )
    said = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True)
    assert said.strip() == "[]"

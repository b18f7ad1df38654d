"""The settings of the redrive, and the requests that it gets."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from recovery.redrive import request
from recovery.redrive.queues import Queue
from recovery.redrive.service import Filter
from recovery.redrive.settings import from_environment, queues_and_functions

from orderflow.errors import SettingsError

ROOT = Path(__file__).resolve().parents[2]

URLS = {"payment": {"undelivered": "https://u", "failed": "https://f"}}
PAYMENT = "arn:aws:lambda:us-east-1:000000000000:function:orderflow-payment"
QUEUES = [
    Queue("payment", "undelivered", "https://u", PAYMENT),
    Queue("payment", "failed", "https://f", PAYMENT),
]


def test_terraforms_outputs_tell_queues_and_consumers():
    """Of all functions only the consumers: those that have queues."""
    names = {"payment": PAYMENT, "order-api": "orderflow-order-api"}
    assert queues_and_functions(URLS, names) == (QUEUES, {"payment": PAYMENT})
    assert queues_and_functions({}, names) == ([], {})


def test_a_buffer_adds_its_dead_letters():
    urls = {"payment": {**URLS["payment"], "unprocessed": "https://b"}}
    expected = [*QUEUES, Queue("payment", "unprocessed", "https://b", PAYMENT)]
    assert queues_and_functions(urls, {"payment": PAYMENT})[0] == expected


def test_the_environment_has_the_same():
    """As Terraform writes it for the function."""
    settings = {"payment": {"function": PAYMENT, **URLS["payment"]}}
    found = from_environment({"CONSUMERS": json.dumps(settings)})
    assert found == (QUEUES, {"payment": PAYMENT})


@pytest.mark.parametrize(
    "function",
    [PAYMENT, f"{PAYMENT}:live", f"{PAYMENT}:$LATEST"],
)
def test_a_consumer_may_be_named_with_its_alias(function):
    """Invoked as it is named; its dead letters are known by the function's own ARN."""
    assert queues_and_functions(URLS, {"payment": function}) == (QUEUES, {"payment": function})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "CONSUMERS is missing"),
        ("", "CONSUMERS is missing"),
        ("[]", "no JSON object"),
        ("{", "no JSON object"),
        ('{"payment": "x"}', "no JSON object of objects"),
        ('{"payment": {"undelivered": "u", "failed": "f"}}', "payment has no function"),
        (
            '{"payment": {"function": "x", "failed": "f"}}',
            "payment has no function, or it is no ARN",
        ),
        (
            json.dumps({"payment": {"function": PAYMENT, "failed": "f"}}),
            "payment has no queue undelivered",
        ),
    ],
)
def test_settings_that_lack_something_are_named(text, reason):
    """One sentence says what."""
    with pytest.raises(SettingsError, match=reason):
        from_environment({"CONSUMERS": text} if text is not None else {})


def test_a_request_names_what_is_meant():
    """Everything may be left out, or be null."""
    asked = request.parse({}, ["payment"])
    assert (asked.wanted, asked.dry_run, asked.rate) == (Filter(), False, request.RATE)
    asked = request.parse(
        {"order_id": "order-1", "consumer": "payment", "error": None, "dry_run": True, "rate": 5},
        ["payment"],
    )
    assert asked.wanted == Filter(order_id="order-1", consumer="payment")
    assert (asked.dry_run, asked.rate) == (True, 5.0)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (None, "JSON object"),
        ([], "JSON object"),
        ({"ada@example.org": 1}, "knows consumer, dry_run, error, message_id, order_id, rate"),
        ({"order_id": 3}, "order_id must be a text"),
        ({"error": ""}, "error must be a text"),
        ({"dry_run": "ada@example.org"}, "dry_run must be true or false"),
        ({"rate": "ada@example.org"}, "rate must be a number"),
        ({"rate": 0}, "rate must be a number from 0.1 to 100"),
        ({"rate": True}, "rate must be a number"),
        ({"rate": float("nan")}, "rate must be a number"),
        ({"consumer": "ada@example.org"}, "consumer must be one of inventory, payment"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(event, reason):
    """The field and the rule, never the value: it may be personal, and ends in a log."""
    with pytest.raises(request.InvalidRequestError, match=reason) as caught:
        request.parse(event, ["payment", "inventory"])
    assert "ada@example.org" not in str(caught.value)


def test_the_redrive_needs_only_boto3():
    """The command line runs it where Powertools and the contract's validator are not installed."""
    code = (
        "import sys\n"
        "sys.path.append('05-errors-dlq')\n"
        "from recovery.redrive import consumers, dead_letter, queues, request, service, settings\n"
        "print([n for n in ('aws_lambda_powertools', 'orderflow.contract') if n in sys.modules])"
    )
    said = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True)
    assert said.strip() == "[]"

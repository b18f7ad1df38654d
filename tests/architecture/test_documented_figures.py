"""What the documents say of times and numbers is what Terraform and the code say."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STAGE = ROOT / "05-errors-dlq"
TERRAFORM = "".join(path.read_text("utf-8") for path in sorted(STAGE.glob("terraform/*.tf")))
FAILURES = (ROOT / "docs/error-handling.md").read_text("utf-8")
LESSON = (STAGE / "README.md").read_text("utf-8")
ADR = "docs/adr/0008-announce-when-the-age-doubles.md"


def terraform(pattern: str) -> str:
    """The one place where Terraform says something."""
    (found,) = set(re.findall(pattern, TERRAFORM))
    return found


def test_messages_and_events_are_kept_as_long_as_documented():
    days = terraform(r"kept_days = (\d+)")
    assert f"{days} days from the first failure" in FAILURES
    assert f"every event for {days} days" in FAILURES
    assert f"keeps a message for {days} days" in LESSON
    minutes, seconds = (
        terraform(r"run_every_minutes = (\d+)"),
        terraform(r'AFTER_SECONDS = "(\d+)"'),
    )
    assert f"when it is {int(seconds) // 60} minutes old" in LESSON
    assert {"5": "every five minutes"}[minutes] in LESSON


def test_the_reconciler_runs_as_documented():
    minutes = terraform(r"run_every_minutes = (\d+)")
    seconds = terraform(r'STUCK_AFTER_SECONDS = "(\d+)"')
    orders = terraform(r'ORDERS_PER_RUN\s*= "(\d+)"')
    assert f"Every {minutes} minutes the reconciler" in FAILURES
    assert f"that are {int(seconds) // 60} minutes old" in FAILURES
    assert f"At most {orders} orders a run" in FAILURES
    assert f"announces {orders} orders at most" in (ROOT / ADR).read_text("utf-8")


def test_tries_are_as_documented():
    retries = terraform(r"maximum_retry_attempts\s*= ([2-9])\b")
    assert retries == "2"
    assert "by Lambda, twice: after 1 min and 2 min" in FAILURES
    assert terraform(r"event_age_seconds = (60 \* 60)")
    attempts = terraform(r"maximum_retry_attempts\s*= (1\d\d)")
    assert f"up to {attempts} times within 1 hour" in FAILURES


def test_a_killed_redrive_gives_back_as_documented():
    source = (STAGE / "recovery/redrive/queues.py").read_text("utf-8")
    assert "OUT_OF_SIGHT_SECONDS = 120\n" in source
    assert "visible again within 2 minutes" in FAILURES


@pytest.mark.parametrize("error", ["InvalidEventError", "UnknownSkuError", "InvalidStockError"])
def test_errors_are_named_as_in_the_code(error):
    assert error in FAILURES
    sources = [*ROOT.glob("0[1-4]-*/*_service/*.py"), *ROOT.glob("orderflow/*.py")]
    assert any(f"class {error}(" in path.read_text("utf-8") for path in sources)

"""Tests of the commands `dlq` and `redrive`."""

import json
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from recovery.redrive.consumers import Failure
from recovery.redrive.dead_letter import FAILED, UNDELIVERED
from typer.testing import CliRunner

from tests.workshop.fake_queues import CONSUMERS, NOW, ORDER, FakeConsumers, FakeQueues, dead_letter
from workshop import console
from workshop.cli import app
from workshop.commands import recovery as commands
from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.errors import UsageError, WorkshopError
from workshop.journeys import order_rows
from workshop.paths import ROOT
from workshop.recovery import dead_letter_view, dead_letters
from workshop.recovery.dead_letters import DeadLetters

GATEWAY = dead_letter("aaaa1111-0000")
SKU = dead_letter(
    "bbbb2222-0000",
    "inventory",
    seconds=3 * 3600,
    event_id=f"{ORDER}/payment-succeeded",
    error="UnknownSkuError",
    reason="no stock item for HEADSET",
)
PERMISSION = dead_letter(
    "aaaa3333-0000",
    "order-tracker",
    UNDELIVERED,
    event_id=f"{ORDER}/shipment-prepared",
    seconds=86_400 * 2,
    error="NO_PERMISSIONS",
    reason="EventBridge may not invoke the function",
    attempts=1,
    attributes={"RULE_ARN": "arn:of-the-rule", "ERROR_CODE": "NO_PERMISSIONS"},
)
UNRECOGNISED = dead_letter(
    "ffff4444-0000",
    "shipping",
    seconds=5,
    body="hello\x1b[31m",
    event=None,
    order_id=None,
    event_id=None,
    event_type=None,
    error="?",
    reason="",
    attempts=0,
    unrecognised="no JSON object that can be read (5 bytes)",
)


@pytest.fixture
def queues(monkeypatch):
    """The queues of a stack of stage 5."""
    made = FakeQueues()
    consumers = FakeConsumers()
    made.consumers = consumers
    made.absent = []
    stack = _stack({}, {})
    monkeypatch.setattr(commands, "current", lambda: stack)
    monkeypatch.setattr(dead_letters, "missing_queues", lambda *_: made.absent)
    monkeypatch.setattr(
        dead_letters, "of", lambda *_, **__: DeadLetters(made, consumers, CONSUMERS)
    )
    monkeypatch.setattr(order_rows, "row_of", lambda *_: None)
    monkeypatch.setattr(console.out, "width", 80)
    # Ages are computed from the time of the import, however long earlier tests took.
    clock = SimpleNamespace(now=lambda _: NOW, fromisoformat=datetime.fromisoformat)
    monkeypatch.setattr(commands, "datetime", clock)
    return made


def run(*arguments):
    return CliRunner().invoke(app, arguments, standalone_mode=False)


def lines(done):
    return done.stdout.splitlines()


def test_dead_letters_are_listed_oldest_first_in_80_columns(queues):
    queues.put(GATEWAY, SKU, PERMISSION)
    done = run("dlq")
    assert done.exception is None
    assert lines(done)[0] == "3 dead letters, the oldest first:"
    rows = [line.split() for line in lines(done)[3:] if not line.startswith(" ")]
    assert rows == [
        ["aaaa3333", "order-tracker", "shipment-prepared", "NO_PERMISSIONS", "1", "2d"],
        ["bbbb2222", "inventory", "payment-succeeded", "UnknownSkuError", "3", "3h"],
        ["aaaa1111", "payment", "order-created", "GatewayUnavailableError", "3", "12m"],
    ]
    assert max(map(len, lines(done))) <= 80


def test_reason_is_below_with_the_full_order_id(queues):
    queues.put(SKU, PERMISSION)
    text = " ".join(run("dlq").stdout.split())
    assert f"{ORDER}: no stock item for HEADSET" in text
    assert f"{ORDER}: not delivered: EventBridge may not invoke the function" in text


def test_widest_dead_letter_fits_80_columns():
    """The longest consumer, event, error, number and age in one line."""
    widest = dead_letter(
        "a" * 36,
        "payment-refund",
        event_id=f"{ORDER}/shipment-prepared",
        error="GatewayUnavailableError",
        attempts=186,
        seconds=86_400 * 14,
    )
    shown = [str(text) for text in dead_letter_view.listed([widest], now=NOW, width=80)]
    assert max(map(len, shown)) <= 80
    assert "GatewayUnavailableError" in shown[1]


def test_long_error_is_cut_and_a_long_reason_is_wrapped():
    wordy = dead_letter("a" * 36, error="E" * 500, reason="why " * 100)
    shown = [str(text) for text in dead_letter_view.listed([wordy], now=NOW, width=80)]
    assert max(map(len, shown)) <= 80
    assert all(line.startswith(" " * 10) for line in shown[2:])


def test_empty_queues_are_reported(queues):
    done = run("dlq")
    assert (done.stdout, done.stderr, done.exit_code) == ("No dead letters.\n", "", 0)


def test_unrecognised_message_is_listed_with_its_reason(queues):
    queues.put(UNRECOGNISED)
    done = run("dlq")
    assert "left alone: no JSON object that can be read (5 bytes)" in done.stdout
    assert "make redrive" not in done.stderr


def test_list_names_the_next_commands(queues):
    queues.put(GATEWAY)
    errors = run("dlq").stderr
    assert "make redrive" in errors
    assert "make dlq ARGS=aaaa1111" in errors


@pytest.mark.parametrize(
    ("held", "text"), [(1, "1 dead letter is invisible"), (2, "2 dead letters are invisible")]
)
def test_messages_that_another_command_holds_are_counted(queues, held, text):
    queues.held_by_another = held
    for command in ("dlq", "redrive"):
        done = run(command)
        assert done.stdout == "No dead letters.\n"
        assert text in done.stderr


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--consumer", "inventory"], ["bbbb2222"]),
        (["--error", "NO_PERMISSIONS"], ["aaaa3333"]),
        (["--order", ORDER, "--consumer", "payment"], ["aaaa1111"]),
        (["--order", "ord_other"], []),
    ],
)
def test_list_and_redrive_filter_alike(queues, options, found):
    queues.put(GATEWAY, SKU, PERMISSION)
    for command in (["dlq"], ["redrive", "--dry-run"]):
        listed = [line.split()[0] for line in lines(run(*command, *options)) if line]
        assert [each for each in listed if each.endswith(("1111", "2222", "3333"))] == found
    assert len(queues.dead_letters) == 3
    assert queues.received == set()
    run("redrive", *options)
    assert {name[:8] for name in queues.dead_letters} == {"aaaa1111", "bbbb2222", "aaaa3333"} - set(
        found
    )


def test_one_dead_letter_is_shown_in_full(queues):
    queues.put(GATEWAY, PERMISSION)
    shown = run("dlq", "aaaa3").stdout
    assert "message   aaaa3333-0000" in shown
    assert "order-tracker, undelivered" in shown
    assert "error     NO_PERMISSIONS: EventBridge may not invoke the function" in shown
    assert "attribute RULE_ARN: arn:of-the-rule" in shown
    assert json.loads(shown[shown.index("{\n") :]) == json.loads(PERMISSION.body)
    assert '\n  "requestPayload": {' in shown


def test_body_is_shown_without_control_characters(queues):
    queues.put(UNRECOGNISED)
    shown = run("dlq", "ffff").stdout
    assert "hello�[31m" in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize(
    ("beginning", "sentence"),
    [
        ("aaaa", "2 dead letters' ids begin with aaaa. Give more characters"),
        ("zzzz", "No dead letter's id begins with zzzz"),
    ],
)
def test_id_that_matches_none_or_several_is_an_error(queues, beginning, sentence):
    queues.put(GATEWAY, PERMISSION)
    done = run("dlq", beginning)
    assert sentence in str(done.exception)
    assert "\n" not in str(done.exception)
    assert done.stdout == ""


def test_redrive_shows_attempts_and_invokes_only_failed_functions(queues):
    queues.put(GATEWAY, SKU)
    done = run("redrive", "--rate", "1000")
    assert done.exception is None
    assert queues.consumers.invoked == [("inventory", SKU.event), ("payment", GATEWAY.event)]
    assert [line.split() for line in lines(done)] == [
        ["✓", "inventory", "payment-succeeded", ORDER],
        ["✓", "payment", "order-created", ORDER],
        ["2", "redriven,", "0", "failed", "again"],
    ]
    assert max(map(len, lines(done))) <= 80
    assert queues.dead_letters == {}


def test_message_that_fails_again_stays_and_is_an_error(queues):
    queues.put(GATEWAY, SKU)
    queues.consumers.answers["payment"] = Failure("GatewayUnavailableError", "still no answer")
    done = run("redrive", "--rate", "1000")
    assert isinstance(done.exception, WorkshopError)
    assert done.exception.exit_code == 1
    assert "1 message failed again" in str(done.exception)
    assert "GatewayUnavailableError: still no answer" in done.stdout
    assert lines(done)[-1] == "1 redriven, 1 failed again"
    assert list(queues.dead_letters) == [GATEWAY.message_id]
    assert queues.received == set()


def test_unrecognised_message_is_left_alone_and_counted(queues):
    queues.put(GATEWAY, UNRECOGNISED)
    done = run("redrive", "--rate", "1000")
    assert done.exception is None
    assert lines(done)[1].split() == ["–", "shipping", "message", "ffff4444"]
    assert "left alone: no JSON object" in done.stdout
    assert lines(done)[-1] == "1 redriven, 0 failed again, 1 not ours and left alone"
    assert list(queues.dead_letters) == [UNRECOGNISED.message_id]


def test_redrive_of_nothing_is_no_error(queues):
    assert run("redrive").stdout == "No dead letters.\n"
    queues.put(GATEWAY)
    assert run("redrive", "--order", "ord_other").stdout == "No such dead letters.\n"


def test_dry_run_invokes_no_function(queues):
    queues.put(GATEWAY, UNRECOGNISED)
    done = run("redrive", "--dry-run", "--rate", "2.5")
    assert lines(done)[-1] == "Dry run: 1 would be redriven, at most 2.5 a second."
    assert queues.consumers.invoked == []
    assert len(queues.dead_letters) == 2


def test_ctrl_c_releases_received_messages_and_says_so(queues):
    queues.put(SKU, GATEWAY)
    queues.consumers.answers["payment"] = KeyboardInterrupt()
    done = run("redrive", "--rate", "1000")
    assert done.return_value == 130
    assert "Interrupted: 1 redriven, 0 failed again." in done.stderr
    assert "are released" in done.stderr
    assert list(queues.dead_letters) == [GATEWAY.message_id]
    assert queues.received == set()


def test_interruption_while_an_attempt_is_shown_releases_the_rest(queues, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    queues.put(SKU, GATEWAY)
    monkeypatch.setattr(dead_letter_view, "attempted", interrupt)
    run("redrive", "--rate", "1000")
    assert list(queues.dead_letters) == [GATEWAY.message_id]
    assert queues.received == set()


def test_error_for_an_unknown_consumer_lists_the_consumers():
    """A known consumer is used with its own queues only."""
    urls = {key: {"failed": f"{key}-f", "undelivered": f"{key}-u"} for key in CONSUMERS}
    stack = _stack(urls, {key: f"orderflow-{key}" for key in CONSUMERS})
    with pytest.raises(UsageError) as caught:
        dead_letters.of(stack, "payments")
    assert (
        str(caught.value)
        == f"There is no consumer payments. The consumers are {', '.join(CONSUMERS)}."
    )
    assert dead_letters.of(stack, "payment").keys == ("payment",)
    assert dead_letters.of(stack).keys == CONSUMERS


@pytest.mark.parametrize("command", ["dlq", "redrive"])
@pytest.mark.parametrize("option", ["--order", "--consumer", "--error"])
def test_empty_option_is_a_usage_error(queues, command, option):
    """Otherwise an unset shell variable would redrive everything."""
    queues.put(GATEWAY)
    done = run(command, option, "")
    assert isinstance(done.exception, UsageError)
    assert queues.consumers.invoked == []


@pytest.mark.parametrize("rate", ["0", "-1", "nan", "inf", "fast", "1e-300"])
def test_rate_is_a_number_above_0(queues, rate):
    done = run("redrive", f"--rate={rate}")
    assert isinstance(done.exception, UsageError)
    assert f"from 0.01: '{rate}' is not" in str(done.exception)


def test_long_redrive_shows_its_progress(queues, monkeypatch):
    monkeypatch.setattr(console.Spinner, "_LINE_EVERY", -1.0)
    queues.put(SKU, GATEWAY)
    errors = run("redrive", "--rate", "1000").stderr
    assert "1 of about 2 tried" in errors
    queues.put(SKU, GATEWAY)
    assert "of about" not in run("redrive", "--rate", "1000", "--consumer", "payment").stderr


@pytest.mark.parametrize(
    ("seconds", "age"),
    [(-3, "0s"), (59, "59s"), (60, "1m"), (3599, "59m"), (3600, "1h"), (86_399, "23h")],
)
def test_age_takes_at_most_three_characters(seconds, age):
    assert dead_letter_view.age(dead_letter("a", seconds=seconds), NOW) == age
    assert len(age) <= 3


def _stack(urls, functions, stage=5):
    outputs = Outputs("", "bus", "us-east-1", functions, {}, urls)
    return Stack(Target.local("default", "http://127.0.0.1:9"), stage, outputs)


def test_stack_of_stage_5_without_queues_is_incomplete():
    with pytest.raises(WorkshopError, match="last `make up` did not finish"):
        dead_letters.of(_stack({}, {}, stage=5))


def test_error_before_stage_5_names_the_command():
    with pytest.raises(WorkshopError) as caught:
        dead_letters.of(_stack({}, {}, stage=3))
    assert str(caught.value) == (
        "Dead-letter queues come with stage 5. The stack is at stage 3. Run: make up STAGE=5"
    )


def test_consumer_is_invoked_once_with_a_long_timeout():
    """A retry of the client would run the function twice."""
    urls = {"payment": {FAILED: "http://q/failed", UNDELIVERED: "http://q/undelivered"}}
    made = dead_letters.of(_stack(urls, {"payment": "orderflow-payment"}))
    assert made.keys == ("payment",)
    config = made.consumers._lambda.meta.config
    assert config.read_timeout >= 30
    assert config.retries["total_max_attempts"] == 1


def test_discarded_dead_letter_is_shown_and_deleted(queues):
    """The others stay in their queues."""
    queues.put(GATEWAY, SKU, UNRECOGNISED)
    done = run("dlq", "bbbb", "--discard")
    assert done.exception is None
    assert "no stock item for HEADSET" in done.stdout
    assert queues.dead_letters.keys() == {GATEWAY.message_id, UNRECOGNISED.message_id}
    assert not queues.received


def test_discard_needs_the_id_of_one_message(queues):
    """Not without an id, with an ambiguous one, or while another command holds the message."""
    queues.put(GATEWAY, PERMISSION)
    with pytest.raises(UsageError, match="--discard needs the message"):
        raise run("dlq", "--discard").exception
    with pytest.raises(WorkshopError, match="2 dead letters' ids begin with aaaa"):
        raise run("dlq", "aaaa", "--discard").exception
    assert len(queues.dead_letters) == 2
    assert dead_letters.discard(queues, "another's") is False
    assert len(queues.dead_letters) == 2


@pytest.mark.parametrize(
    ("status", "minutes", "text"),
    [
        ("CREATED", 5, "still open (CREATED). The reconciler re-publishes its OrderCreated when"),
        ("PAID", 5, "when it is 15m old, so the dead letter may return"),
        ("PAID", 15, "OrderCreated in its next run, or when it is 30m old"),
        ("PAID", 24, "OrderCreated in its next run, or when it is 30m old"),
        ("PAID", 25, "OrderCreated when it is 30m old"),
        ("PAID", 200, "OrderCreated when it is 4h old"),
        ("SHIPMENT_PREPARED", 5, None),
        (None, 5, None),
    ],
)
def test_discard_says_what_follows_for_an_open_order(queues, monkeypatch, status, minutes, text):
    """The message is gone, and its order is not: without a hint, its return is a riddle."""
    placed_at = (NOW - timedelta(minutes=minutes)).isoformat()
    row = {"status": status, "placed_at": placed_at} if status else None
    monkeypatch.setattr(order_rows, "row_of", lambda *_: row)
    monkeypatch.setattr(order_rows, "is_settled", lambda _, now: now == "SHIPMENT_PREPARED")
    queues.put(GATEWAY)
    done = run("dlq", "aaaa", "--discard")
    assert done.exception is None
    if text:
        assert text in done.stderr
        assert "End an order that cannot continue" in done.stderr
    else:
        assert done.stderr == "Deleted. The output above is the only copy.\n"


def test_page_that_a_discard_names_has_the_section():
    text = (ROOT / "docs/error-handling.md").read_text("utf-8")
    assert "\n## End an order that cannot continue\n" in text


def test_missing_queue_is_named_after_the_others(queues):
    queues.put(GATEWAY)
    queues.absent = ["shipping-failed"]
    done = run("dlq")
    assert "aaaa1111" in done.stdout
    assert str(done.exception) == (
        "Not shown, because the queue is missing: shipping-failed. "
        "Recreate it with: make up STAGE=5"
    )


def test_queues_that_do_not_exist_are_found_and_left_out(monkeypatch):
    def get_queue_attributes(QueueUrl, AttributeNames):  # noqa: N803 - boto3's names
        if QueueUrl == "http://q/failed":
            code = "AWS.SimpleQueueService.NonExistentQueue"
            raise ClientError({"Error": {"Code": code}}, "GetQueueAttributes")

    client = SimpleNamespace(get_queue_attributes=get_queue_attributes)
    monkeypatch.setattr(Target, "client", lambda *_: client)
    urls = {"payment": {FAILED: "http://q/failed", UNDELIVERED: "http://q/undelivered"}}
    stack = _stack(urls, {"payment": "orderflow-payment"})
    assert dead_letters.missing_queues(stack) == ["payment-failed"]
    found = dead_letters.of(stack, without=["payment-failed"])
    assert list(found.queues._queues) == [("payment", UNDELIVERED)]

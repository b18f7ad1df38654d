"""Dead letters as a person meets them: listed, shown whole, brought back."""

import json
from types import SimpleNamespace

import pytest
from recovery.redrive.consumers import Refusal
from recovery.redrive.dead_letter import FAILED, UNDELIVERED
from typer.testing import CliRunner

from tests.workshop.fake_queues import CONSUMERS, NOW, ORDER, FakeConsumers, FakeQueues, letter
from workshop import console
from workshop.cli import app
from workshop.commands import recovery as verbs
from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.errors import UsageError, WorkshopError
from workshop.recovery import dead_letter_view, dead_letters
from workshop.recovery.dead_letters import DeadLetters

GATEWAY = letter("aaaa1111-0000")
SKU = letter(
    "bbbb2222-0000",
    "inventory",
    seconds=3 * 3600,
    event_id=f"{ORDER}/payment-succeeded",
    error="UnknownSkuError",
    reason="no stock item for HEADSET",
)
PERMISSION = letter(
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
FOREIGN = letter(
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
    foreign="no JSON object that can be read (5 bytes)",
)


@pytest.fixture
def queues(monkeypatch):
    """The queues of a stack of stage 5."""
    made = FakeQueues()
    consumers = FakeConsumers()
    made.consumers = consumers
    monkeypatch.setattr(verbs, "current", lambda: None)
    monkeypatch.setattr(dead_letters, "of", lambda *_: DeadLetters(made, consumers, CONSUMERS))
    monkeypatch.setattr(console.out, "width", 80)
    # Ages are those at the import, however long the tests before this one took.
    monkeypatch.setattr(verbs, "datetime", SimpleNamespace(now=lambda _: NOW))
    return made


def run(*arguments):
    return CliRunner().invoke(app, arguments, standalone_mode=False)


def lines(done):
    return done.stdout.splitlines()


def test_every_dead_letter_is_listed_the_oldest_first_in_80_columns(queues):
    queues.put(GATEWAY, SKU, PERMISSION)
    done = run("dlq")
    assert done.exception is None
    assert lines(done)[0] == "3 dead letters, the oldest first:"
    told = [line.split() for line in lines(done)[3:] if not line.startswith(" ")]
    assert told == [
        ["aaaa3333", "order-tracker", "shipment-prepared", "NO_PERMISSIONS", "1", "2d"],
        ["bbbb2222", "inventory", "payment-succeeded", "UnknownSkuError", "3", "3h"],
        ["aaaa1111", "payment", "order-created", "GatewayUnavailableError", "3", "12m"],
    ]
    assert max(map(len, lines(done))) <= 80


def test_the_reason_stands_below_with_the_whole_order_id(queues):
    queues.put(SKU, PERMISSION)
    text = " ".join(run("dlq").stdout.split())
    assert f"{ORDER}: no stock item for HEADSET" in text
    assert f"{ORDER}: not delivered: EventBridge may not invoke the function" in text


def test_the_widest_there_is_fits_80_columns():
    """The longest consumer, event, error, number and age, side by side."""
    widest = letter(
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


def test_an_endless_error_is_cut_and_a_long_reason_hangs_below():
    wordy = letter("a" * 36, error="E" * 500, reason="why " * 100)
    shown = [str(text) for text in dead_letter_view.listed([wordy], now=NOW, width=80)]
    assert max(map(len, shown)) <= 80
    assert all(line.startswith(" " * 10) for line in shown[2:])


def test_none_is_said_in_two_words(queues):
    done = run("dlq")
    assert (done.stdout, done.stderr, done.exit_code) == ("No dead letters.\n", "", 0)


def test_what_is_not_ours_is_named_with_its_reason(queues):
    queues.put(FOREIGN)
    done = run("dlq")
    assert "left alone: no JSON object that can be read (5 bytes)" in done.stdout
    assert "make redrive" not in done.stderr


def test_the_list_says_what_to_do_next(queues):
    queues.put(GATEWAY)
    told = run("dlq").stderr
    assert "make redrive" in told
    assert "make dlq ARGS=aaaa1111" in told


@pytest.mark.parametrize(
    ("held", "said"), [(1, "1 dead letter is out of sight"), (2, "2 dead letters are out of sight")]
)
def test_what_another_command_holds_is_counted(queues, held, said):
    queues.held_by_another = held
    for verb in ("dlq", "redrive"):
        done = run(verb)
        assert done.stdout == "No dead letters.\n"
        assert said in done.stderr


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--consumer", "inventory"], ["bbbb2222"]),
        (["--error", "NO_PERMISSIONS"], ["aaaa3333"]),
        (["--order", ORDER, "--consumer", "payment"], ["aaaa1111"]),
        (["--order", "ord_other"], []),
    ],
)
def test_the_list_and_the_redrive_choose_alike(queues, options, found):
    queues.put(GATEWAY, SKU, PERMISSION)
    for command in (["dlq"], ["redrive", "--dry-run"]):
        listed = [line.split()[0] for line in lines(run(*command, *options)) if line]
        assert [each for each in listed if each.endswith(("1111", "2222", "3333"))] == found
    assert len(queues.letters) == 3
    assert queues.taken == set()
    run("redrive", *options)
    assert {name[:8] for name in queues.letters} == {"aaaa1111", "bbbb2222", "aaaa3333"} - set(
        found
    )


def test_one_is_shown_whole(queues):
    queues.put(GATEWAY, PERMISSION)
    shown = run("dlq", "aaaa3").stdout
    assert "message   aaaa3333-0000" in shown
    assert "order-tracker, undelivered" in shown
    assert "error     NO_PERMISSIONS: EventBridge may not invoke the function" in shown
    assert "attribute RULE_ARN: arn:of-the-rule" in shown
    assert json.loads(shown[shown.index("{\n") :]) == json.loads(PERMISSION.body)
    assert '\n  "requestPayload": {' in shown


def test_a_body_that_is_no_json_is_shown_without_what_a_terminal_obeys(queues):
    queues.put(FOREIGN)
    shown = run("dlq", "ffff").stdout
    assert "hello�[31m" in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize(
    ("beginning", "sentence"),
    [
        ("aaaa", "2 dead letters' ids begin with aaaa: say more of it"),
        ("zzzz", "No dead letter's id begins with zzzz"),
    ],
)
def test_an_id_that_names_not_exactly_one_is_answered_in_a_sentence(queues, beginning, sentence):
    queues.put(GATEWAY, PERMISSION)
    done = run("dlq", beginning)
    assert sentence in str(done.exception)
    assert "\n" not in str(done.exception)
    assert done.stdout == ""


def test_each_attempt_is_shown_and_only_the_failed_function_runs(queues):
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
    assert queues.letters == {}


def test_what_fails_again_stays_and_is_a_failure(queues):
    queues.put(GATEWAY, SKU)
    queues.consumers.answers["payment"] = Refusal("GatewayUnavailableError", "still no answer")
    done = run("redrive", "--rate", "1000")
    assert isinstance(done.exception, WorkshopError)
    assert done.exception.exit_code == 1
    assert "1 message failed again" in str(done.exception)
    assert "GatewayUnavailableError: still no answer" in done.stdout
    assert lines(done)[-1] == "1 redriven, 1 failed again"
    assert list(queues.letters) == [GATEWAY.message_id]
    assert queues.taken == set()


def test_what_is_not_ours_is_left_and_counted(queues):
    queues.put(GATEWAY, FOREIGN)
    done = run("redrive", "--rate", "1000")
    assert done.exception is None
    assert lines(done)[1].split() == ["–", "shipping", "message", "ffff4444"]
    assert "left alone: no JSON object" in done.stdout
    assert lines(done)[-1] == "1 redriven, 0 failed again, 1 not ours and left alone"
    assert list(queues.letters) == [FOREIGN.message_id]


def test_nothing_to_redrive_is_no_failure(queues):
    assert run("redrive").stdout == "No dead letters.\n"
    queues.put(GATEWAY)
    assert run("redrive", "--order", "ord_other").stdout == "No such dead letters.\n"


def test_a_dry_run_invokes_nobody(queues):
    queues.put(GATEWAY, FOREIGN)
    done = run("redrive", "--dry-run", "--rate", "2.5")
    assert lines(done)[-1] == "Dry run: 1 would be redriven, at most 2.5 a second."
    assert queues.consumers.invoked == []
    assert len(queues.letters) == 2


def test_ctrl_c_puts_back_what_was_held_and_says_so(queues):
    queues.put(SKU, GATEWAY)
    queues.consumers.answers["payment"] = KeyboardInterrupt()
    done = run("redrive", "--rate", "1000")
    assert done.return_value == 130
    assert "Until here: 1 redriven, 0 failed again." in done.stderr
    assert "back in its queue" in done.stderr
    assert list(queues.letters) == [GATEWAY.message_id]
    assert queues.taken == set()


def test_an_interruption_while_an_attempt_is_shown_puts_back_the_rest(queues, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    queues.put(SKU, GATEWAY)
    monkeypatch.setattr(dead_letter_view, "attempted", interrupt)
    run("redrive", "--rate", "1000")
    assert list(queues.letters) == [GATEWAY.message_id]
    assert queues.taken == set()


def test_an_unknown_consumer_is_answered_with_those_there_are():
    """And a known one brings its own queues alone: nobody else's can stand in the way."""
    urls = {key: {"failed": f"{key}-f", "undelivered": f"{key}-u"} for key in CONSUMERS}
    stack = _stack(urls, {key: f"orderflow-{key}" for key in CONSUMERS})
    with pytest.raises(UsageError) as caught:
        dead_letters.of(stack, "payments")
    assert str(caught.value) == f"There is no consumer payments: {', '.join(CONSUMERS)}."
    assert dead_letters.of(stack, "payment").keys == ("payment",)
    assert dead_letters.of(stack).keys == CONSUMERS


@pytest.mark.parametrize("verb", ["dlq", "redrive"])
@pytest.mark.parametrize("option", ["--order", "--consumer", "--error"])
def test_an_empty_option_does_not_mean_all(queues, verb, option):
    """A shell's variable that was never set would redrive everything."""
    queues.put(GATEWAY)
    done = run(verb, option, "")
    assert isinstance(done.exception, UsageError)
    assert queues.consumers.invoked == []


@pytest.mark.parametrize("rate", ["0", "-1", "nan", "inf", "fast", "1e-300"])
def test_a_rate_is_a_number_above_0(queues, rate):
    done = run("redrive", f"--rate={rate}")
    assert isinstance(done.exception, UsageError)
    assert f"from 0.01: '{rate}' is not" in str(done.exception)


def test_long_runs_tell_how_far_they_are(queues, monkeypatch):
    monkeypatch.setattr(console.SignOfLife, "_LINE_EVERY", -1.0)
    queues.put(SKU, GATEWAY)
    told = run("redrive", "--rate", "1000").stderr
    assert "1 of about 2 tried" in told
    queues.put(SKU, GATEWAY)
    assert "of about" not in run("redrive", "--rate", "1000", "--consumer", "payment").stderr


@pytest.mark.parametrize(
    ("seconds", "age"),
    [(-3, "0s"), (59, "59s"), (60, "1m"), (3599, "59m"), (3600, "1h"), (86_399, "23h")],
)
def test_an_age_takes_three_characters(seconds, age):
    assert dead_letter_view.age(letter("a", seconds=seconds), NOW) == age
    assert len(age) <= 3


def _stack(urls, functions, stage=5):
    outputs = Outputs("", "bus", "us-east-1", functions, {}, urls)
    return Stack(Target.local("default", "http://127.0.0.1:9"), stage, outputs)


def test_a_stack_of_stage_5_without_queues_is_not_finished():
    with pytest.raises(WorkshopError, match="last `make up` has not come to its end"):
        dead_letters.of(_stack({}, {}, stage=5))


def test_before_stage_5_the_way_there_is_named():
    with pytest.raises(WorkshopError) as caught:
        dead_letters.of(_stack({}, {}, stage=3))
    assert str(caught.value) == (
        "Dead-letter queues come with stage 5, and this is stage 3. Go on with: make up STAGE=5"
    )


def test_a_consumer_is_asked_once_and_waited_for():
    """Asked a second time it would run a second time; it may take longer than most answers do."""
    urls = {"payment": {FAILED: "http://q/failed", UNDELIVERED: "http://q/undelivered"}}
    made = dead_letters.of(_stack(urls, {"payment": "orderflow-payment"}))
    assert made.keys == ("payment",)
    config = made.consumers._lambda.meta.config
    assert config.read_timeout >= 30
    assert config.retries["total_max_attempts"] == 1


def test_a_discarded_letter_is_shown_whole_and_deleted(queues):
    """What can never pass is taken out on purpose, one by one; the others stay."""
    queues.put(GATEWAY, SKU, FOREIGN)
    done = run("dlq", "bbbb", "--discard")
    assert done.exception is None
    assert "no stock item for HEADSET" in done.stdout
    assert queues.letters.keys() == {GATEWAY.message_id, FOREIGN.message_id}
    assert not queues.taken


def test_nothing_is_discarded_by_accident(queues):
    """Not without naming one, not by an ambiguous id, not what another command holds."""
    queues.put(GATEWAY, PERMISSION)
    with pytest.raises(UsageError, match="Say which"):
        raise run("dlq", "--discard").exception
    with pytest.raises(WorkshopError, match="2 dead letters' ids begin with aaaa"):
        raise run("dlq", "aaaa", "--discard").exception
    assert len(queues.letters) == 2
    assert dead_letters.discard(queues, "another's") is False
    assert len(queues.letters) == 2

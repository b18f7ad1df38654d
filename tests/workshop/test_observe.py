"""What `status` says of the local cloud."""

from types import SimpleNamespace

import pytest

from local_cloud.delivery.delivery_log import Outcome
from workshop.commands import observe
from workshop.deployment.stack import Outputs, Stack
from workshop.deployment.target import Target
from workshop.recovery import dead_letters
from workshop.recovery.dead_letters import FAILED, UNDELIVERED, DeadLetters, Waiting


@pytest.fixture
def told(monkeypatch):
    """What the local cloud says of itself, by label, given its counts."""

    def tell(totals, queued=0, running=0, later=0):
        now = SimpleNamespace(totals=totals, queued=queued, running=running, later=later)
        control = SimpleNamespace(status=lambda: now, trouble=lambda: None)
        monkeypatch.setattr(observe, "switch", lambda _: control)
        return dict(observe._local_cloud(None))

    return tell


def test_only_what_there_is_is_counted(told):
    counts = dict.fromkeys(Outcome, 0) | {"delivered": 10, "dropped": 1}
    lines = told(counts, later=2)
    assert [line.partition(":")[0] for line in lines["deliveries"].splitlines()] == [
        "10 delivered",
        "1 lost",
    ]
    assert lines["under way"] == "2 to be retried"


def test_nothing_is_said_in_words(told):
    lines = told(dict.fromkeys(Outcome, 0))
    assert (lines["deliveries"], lines["under way"]) == ("none yet", "nothing")


def test_every_outcome_has_its_words_in_80_columns():
    assert set(observe.OUTCOMES) == set(Outcome)
    label = len("function payment-refund  ")
    assert all(len(f"9999 {words}") <= 80 - label for words in observe.OUTCOMES.values())


@pytest.fixture
def queues(monkeypatch):
    """What is told of the queues, given what they hold."""

    def tell(waiting):
        counting = SimpleNamespace(waiting=lambda: waiting)
        monkeypatch.setattr(dead_letters, "of", lambda _: DeadLetters(counting, None, ()))
        urls = {key: {FAILED: "http://f", UNDELIVERED: "http://u"} for key, _ in waiting}
        outputs = Outputs("", "bus", "us-east-1", {}, {}, urls)
        return observe._dead_letters(
            Stack(Target.local("default", "http://127.0.0.1:9"), 5, outputs)
        )

    return tell


def test_each_consumers_queues_are_one_line(queues):
    waiting = {
        ("payment", FAILED): Waiting(2, 1),
        ("payment", UNDELIVERED): Waiting(4, 0),
        ("shipping", FAILED): Waiting(0, 0),
        ("shipping", UNDELIVERED): Waiting(0, 0),
    }
    assert queues(waiting) == [
        ("payment", "3 failed, 4 not delivered (1 held just now)"),
        ("shipping", "empty"),
    ]


def test_before_stage_5_there_are_no_queues_to_tell_of(queues):
    assert queues({}) == []

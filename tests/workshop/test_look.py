"""What `status` says of the local cloud."""

from types import SimpleNamespace

import pytest

from workshop.commands import look
from workshop.local_cloud.adapter.journal import Outcome


@pytest.fixture
def told(monkeypatch):
    """What the local cloud says of itself, by label, given its counts."""

    def tell(totals, queued=0, running=0, later=0):
        now = SimpleNamespace(totals=totals, queued=queued, running=running, later=later)
        control = SimpleNamespace(status=lambda: now, trouble=lambda: None)
        monkeypatch.setattr(look, "switch", lambda _: control)
        return dict(look._local_cloud(None))

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
    assert set(look.OUTCOMES) == set(Outcome)
    label = len("function payment-refund  ")
    assert all(len(f"9999 {words}") <= 80 - label for words in look.OUTCOMES.values())

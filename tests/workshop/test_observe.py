"""Tests of what `status` shows of the local cloud."""

from types import SimpleNamespace

import pytest

from local_cloud.delivery.delivery_log import Outcome
from workshop.commands import observe


@pytest.fixture
def status_rows(monkeypatch):
    """Return the rows about a local cloud with these counts, by label."""

    def rows(totals, queued=0, running=0, later=0):
        now = SimpleNamespace(totals=totals, queued=queued, running=running, later=later)
        control = SimpleNamespace(status=lambda: now, faults=lambda: None)
        monkeypatch.setattr(observe, "switch", lambda _: control)
        return dict(observe._local_cloud(None))

    return rows


def test_zero_counts_are_left_out(status_rows):
    counts = dict.fromkeys(Outcome, 0) | {"delivered": 10, "dropped": 1}
    lines = status_rows(counts, later=2)
    assert [line.partition(":")[0] for line in lines["deliveries"].splitlines()] == [
        "10 delivered",
        "1 lost",
    ]
    assert lines["under way"] == "2 to be retried"


def test_status_without_deliveries_has_words(status_rows):
    lines = status_rows(dict.fromkeys(Outcome, 0))
    assert (lines["deliveries"], lines["under way"]) == ("none yet", "nothing")


def test_every_outcome_has_a_text_within_80_columns():
    assert set(observe.OUTCOMES) == set(Outcome)
    label = len("function payment-refund  ")
    assert all(len(f"9999 {words}") <= 80 - label for words in observe.OUTCOMES.values())

"""A step of the flow: what it returns, raises, logs and counts."""

import io
import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from orderflow import step
from orderflow.errors import InvalidEventError, TransientError, UnexpectedError
from orderflow.publisher import Publisher
from orderflow.store import Stored
from tests.fixtures.events import delivered, example

RESERVED = example("InventoryUpdated", "reserved")
PREPARED = example("ShipmentPrepared")


@dataclass(frozen=True, slots=True)
class App:
    """An app with one step."""

    decide: Any
    publisher: Publisher

    @step.entry_point
    def handle(self, raw, context):
        """Run the step."""
        return step.run_step(raw, self.decide, self.publisher)


@pytest.fixture
def lines(monkeypatch):
    """Return what was logged: order, message and the line's own fields."""
    stream = io.StringIO()
    monkeypatch.setattr(step.logger.registered_handler, "stream", stream)
    names = ("correlation_id", "level", "message", "event_id", "took_ms", "error", "reason")

    def read():
        found = [json.loads(line) for line in stream.getvalue().splitlines()]
        return [{name: line[name] for name in names if name in line} for line in found]

    return read


@pytest.fixture
def counts(capsys):
    """Return the metrics that were written, name → value; all of them are counts."""

    def read():
        (line,) = capsys.readouterr().out.splitlines()
        written = json.loads(line)
        (directive,) = written["_aws"]["CloudWatchMetrics"]
        assert {metric["Unit"] for metric in directive["Metrics"]} == {"Count"}
        return {metric["Name"]: written[metric["Name"]] for metric in directive["Metrics"]}

    return read


@pytest.fixture
def run(bus, context, monkeypatch):
    """Run the step with one decision; publishing takes 12.34 ms."""

    def with_decision(decide, raw=None):
        moments = iter([10.0, 10.01234])
        monkeypatch.setattr(step, "time", SimpleNamespace(perf_counter=moments.__next__))
        app = App(decide, Publisher(bus, "bus", sleep=lambda _: None))
        return app.handle(delivered(RESERVED) if raw is None else raw, context)

    return with_decision


def line(message, **fields):
    return {"correlation_id": "example-1", "level": "INFO", "message": message, **fields}


@pytest.mark.parametrize(
    ("repeated", "message", "metric"),
    [(False, "published", "shipment-prepared"), (True, "published again", "repeated")],
)
def test_step_logs_and_counts_what_it_did(run, lines, counts, bus, repeated, message, metric):
    decided = []

    def decide(event):
        decided.append(event)
        return Stored(PREPARED, repeated=repeated)

    assert run(decide) == {"consumed": RESERVED.event_id, "published": PREPARED.event_id}
    assert decided == [RESERVED]
    assert [entry["Detail"] for entry in bus.entries] == [PREPARED.to_json()]
    assert lines() == [
        line("consumed", event_id=RESERVED.event_id),
        line(message, event_id=PREPARED.event_id, took_ms=12.3),
    ]
    assert counts() == {"consumed": [1.0], metric: [1.0]}


@pytest.mark.parametrize(
    ("error", "raised", "name", "reason"),
    [
        (TransientError("try again"), TransientError, "TransientError", "try again"),
        (KeyError("ada@example.org"), UnexpectedError, "KeyError", ""),
    ],
)
def test_failure_is_logged_counted_and_raised(run, lines, counts, bus, error, raised, name, reason):
    """Of an unexpected error, whose text may be personal, only the type goes on."""

    def decide(event):
        raise error

    with pytest.raises(raised) as caught:
        run(decide)
    assert str(caught.value) == (reason or name)
    assert raised is not UnexpectedError or caught.value.__suppress_context__
    assert lines()[1:] == [line("failed", level="ERROR", error=name, reason=reason)]
    assert counts() == {"consumed": [1.0], "failed": [1.0]}
    assert bus.entries == []


def test_event_that_breaks_the_contract_is_counted_as_failed_alone(run, lines, counts):
    with pytest.raises(InvalidEventError):
        run(lambda event: pytest.fail("decided"), {})
    (failed,) = lines()
    assert (failed["message"], failed["error"]) == ("failed", "InvalidEventError")
    assert counts() == {"failed": [1.0]}

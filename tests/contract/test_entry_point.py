"""The entry point of an app: one log context for each event."""

import io
import json
from dataclasses import dataclass

import pytest

from orderflow.errors import InvalidEventError
from orderflow.step import entry_point, logged_failures, logger


@dataclass(frozen=True, slots=True)
class App:
    """An app that names its order in every line, if it has one."""

    @entry_point
    def handle(self, raw, context):
        """Log an order's id."""
        if raw:
            logger.append_keys(correlation_id=raw)
        logger.info("handled")
        return {"handled": raw}


@pytest.fixture
def logged(monkeypatch):
    """Return the lines that were logged, parsed."""
    stream = io.StringIO()
    for handler in logger.handlers:
        monkeypatch.setattr(handler, "stream", stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.filterwarnings("ignore:No application metrics")
def test_event_without_an_order_is_not_logged_with_the_order_before(logged, context):
    app = App()
    assert app.handle("ord_1", context) == {"handled": "ord_1"}
    app.handle(None, context)
    first, second = logged()
    assert first["correlation_id"] == "ord_1"
    assert "correlation_id" not in second
    assert second["function_request_id"] == context.aws_request_id


def batch(*bodies):
    """Return a batch of SQS messages as Lambda sends it."""
    return {
        "Records": [
            {"messageId": f"m{number}", "eventSource": "aws:sqs", "body": body}
            for number, body in enumerate(bodies)
        ]
    }


@dataclass(frozen=True, slots=True)
class Strict:
    """An app that accepts only numbers."""

    seen: list

    @entry_point
    def handle(self, raw, context):
        """Note a number."""
        self.seen.append(raw)
        with logged_failures():
            logger.append_keys(correlation_id=f"ord_{raw}")
            if not isinstance(raw, int):
                raise InvalidEventError("not a number")
        return {"handled": raw}


@pytest.mark.filterwarnings("ignore:No application metrics")
def test_one_message_that_fails_does_not_fail_its_neighbours(logged, context):
    app = Strict([])
    answer = app.handle(batch("1", '"poison"', "{", "4"), context)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}, {"itemIdentifier": "m2"}]}
    assert app.seen == [1, "poison", "{", 4]
    failed = [line for line in logged() if line["message"] == "failed"]
    assert [line["message_id"] for line in failed] == ["m1", "m2"]
    assert {line["reason"] for line in failed} == {"not a number"}


@pytest.mark.filterwarnings("ignore:No application metrics")
def test_each_message_is_logged_with_its_own_order(logged, context):
    App().handle(batch('"ord_1"', "null"), context)
    first, second = logged()
    assert (first["correlation_id"], first["message_id"]) == ("ord_1", "m0")
    assert "correlation_id" not in second


@pytest.mark.filterwarnings("ignore:No application metrics")
def test_a_batch_without_failures_reports_none(context):
    assert Strict([]).handle(batch("1", "2"), context) == {"batchItemFailures": []}


@pytest.mark.filterwarnings("ignore:No application metrics")
@pytest.mark.parametrize("event", [{"Records": []}, {"Records": [{"eventSource": "aws:s3"}]}, 7])
def test_what_is_no_batch_reaches_the_app_as_it_is(event, context):
    app = Strict([])
    if event == 7:
        assert app.handle(event, context) == {"handled": 7}
    else:
        with pytest.raises(InvalidEventError):
            app.handle(event, context)
    assert app.seen == [event]

"""What an invocation leaves in its log."""

import signal
from dataclasses import replace
from typing import Any

import pytest

from local_cloud.delivery import invocation_log
from local_cloud.delivery.invocation_log import Invocation, lines_in
from local_cloud.delivery.python_runtime import TIME

PLAIN = Invocation("id", "$LATEST", 128, 1000, 2000, [(1500, "hi")], seconds=0.0031, memory_used=36)


def with_(**changes: Any) -> Invocation:
    return replace(PLAIN, **changes)


def texts(invocation: Invocation) -> list[str]:
    return [message for _, message in invocation.events]


def test_a_log_has_start_lines_end_and_report() -> None:
    """LocalStack, recorded on AWS: test_invocation_type_event_error."""
    *lines, report = texts(PLAIN)
    assert lines == ["START RequestId: id Version: $LATEST\n", "hi\n", "END RequestId: id\n"]
    assert report == (
        "REPORT RequestId: id\tDuration: 3.10 ms\tBilled Duration: 4 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 36 MB\t\n"
    )
    assert [at for at, _ in PLAIN.events] == [1000, 1500, 2000, 2000]


def test_a_line_has_the_time_before_it_or_that_of_the_line_before() -> None:
    first, second = TIME.format(7), TIME.format(9)
    text = f"early\n\n{first}one\nfrom a subprocess\n{second}{first}two\nhalf a "
    assert lines_in(text, at=3) == [
        (3, "early"),
        (7, "one"),
        (7, "from a subprocess"),
        (7, "two"),
        (7, "half a "),
    ]
    assert lines_in("", at=3) == []


def test_a_cold_start_has_its_own_line_and_duration() -> None:
    cold = with_(start_seconds=0.1101, runtime="python3.13", region="eu-west-1")
    [(at, line)] = cold.init()
    assert at == 1000
    assert line.startswith("INIT_START Runtime Version: python:3.13.v1\tRuntime Version ARN: ")
    assert "Init Duration: 110.10 ms" in texts(cold)[-1]
    assert PLAIN.init() == []


def test_an_error_is_one_event_with_its_trace() -> None:
    frame = '  File "/var/task/handler.py", line 6, in handler\n    raise ValueError("no")\n'
    error = {"errorType": "ValueError", "errorMessage": "no", "stackTrace": [frame]}
    [_, _, event, _, _] = texts(with_(error=error))
    assert event == (
        "[ERROR] ValueError: no\nTraceback (most recent call last):\n"
        '\u00a0\u00a0File "/var/task/handler.py", line 6, in handler\n'
        '\u00a0\u00a0\u00a0\u00a0raise ValueError("no")'
    )


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (0, "without providing a reason"),
        (3, "with error: exit status 3"),
        (-signal.SIGKILL, "with error: signal: killed"),
    ],
)
def test_an_exit_reads_as_its_status(status: int, reason: str) -> None:
    """LocalStack, recorded on AWS: test_lambda_handler_exit, …_wrapper_not_found."""
    error = invocation_log.exit_error("id", status)
    assert error == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: id Error: Runtime exited {reason}",
    }
    *_, event, _, report = texts(with_(error=error))
    assert event.endswith("Runtime.ExitError\n")
    assert "Status: error\tError Type: Runtime.ExitError" in report


def test_a_timeout_reads_as_on_lambda() -> None:
    """LocalStack, recorded on AWS: test_lambda_invoke_with_timeout."""
    error = invocation_log.timeout_error("id", 3)
    assert error == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "RequestId: id Error: Task timed out after 3.00 seconds",
    }
    *_, event, _, report = texts(with_(error=error))
    assert event == "1970-01-01T00:00:02.000Z id Task timed out after 3.00 seconds\n\n"
    assert "Status: timeout" in report


def test_the_tail_has_at_most_4_kb() -> None:
    tail = with_(lines=[(1500, "x" * 100)] * 100).tail()
    assert len(tail) == 4096
    assert tail.endswith(b"Max Memory Used: 36 MB\t\n")

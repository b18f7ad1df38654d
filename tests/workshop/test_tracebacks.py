"""Tracebacks show the lines that a learner can change."""

import json
from datetime import UTC, datetime

from workshop.orders import function_logs
from workshop.orders.function_logs import LogLine
from workshop.recovery import dead_letter_view
from workshop.recovery.dead_letters import FAILED, DeadLetter
from workshop.tracebacks import shorten

POWERTOOLS = (
    '  File "/var/task/aws_lambda_powertools/logging/logger.py", line 554, in decorate\n'
    "    return lambda_handler(event, context, *args, **kwargs)\n"
)
OWN = '  File "/var/task/payment_service/handler.py", line 27, in charge\n    return step()\n'
BOTO = (
    '  File "/var/lang/lib/python3.13/site-packages/botocore/client.py", line 9, in _api_call\n'
    "    return self._make_api_call(operation_name, kwargs)\n"
    "           ~~~~~~~~~~~~~~~~~~~^^^^^^^^^^^^^^^^^^^^^^^^\n"
)
HEAD, TAIL = "[ERROR] KeyError: 'x'\nTraceback (most recent call last):\n", "KeyError: 'x'"


def test_traceback_keeps_its_own_frames_only():
    assert shorten(f"{HEAD}{POWERTOOLS}{OWN}{BOTO}{TAIL}") == f"{HEAD}{OWN}{TAIL}"


def test_frame_at_the_end_is_left_out_too():
    assert shorten(f"{HEAD}{OWN}{BOTO.rstrip()}") == f"{HEAD}{OWN}"


def test_other_text_stays_as_it_is():
    text = 'He said: File "a.py", line 1\n    is empty'
    assert shorten(text) == text


def test_readable_log_has_short_tracebacks_and_raw_log_has_not():
    line = LogLine(0, "payment", f"{HEAD}{POWERTOOLS}{OWN}")
    assert POWERTOOLS not in "".join(function_logs.readable([line]))
    assert OWN.rstrip() in "".join(function_logs.readable([line]))
    assert POWERTOOLS in "".join(function_logs.as_written([line]))


def test_dead_letter_is_shown_with_its_own_frames_only():
    body = {"responsePayload": {"errorType": "KeyError", "stackTrace": [POWERTOOLS, OWN, BOTO]}}
    dead_letter = DeadLetter(
        **dict.fromkeys(DeadLetter.__dataclass_fields__, "")
        | {"body": json.dumps(body), "attributes": {}, "event": None, "queue": FAILED}
        | {"sent_at": datetime.now(UTC)}
    )
    shown = "\n".join(dead_letter_view.details(dead_letter, now=datetime.now(UTC)))
    assert json.loads(shown[shown.index("{") :]) == {
        "responsePayload": {"errorType": "KeyError", "stackTrace": [OWN]}
    }

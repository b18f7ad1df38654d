"""The program inside an execution environment, as a process of its own, without a cloud."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local_cloud.delivery import python_runtime
from local_cloud.delivery.invocation_log import lines_in

ENVIRONMENT = {
    "AWS_LAMBDA_FUNCTION_NAME": "charge",
    "AWS_LAMBDA_FUNCTION_VERSION": "7",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
    "AWS_LAMBDA_LOG_STREAM_NAME": "not this one",
    python_runtime.LOG_STREAM: "2026/01/02/[7]abc",
}


class Runtime:
    """A process that runs one module's handler."""

    def __init__(self, folder: Path, code: str, handler: str = "handler") -> None:
        code_dir = folder / "code"
        code_dir.mkdir()
        (code_dir / "module.py").write_text(code)
        start = {"code_dir": str(code_dir), "module": "module", "handler": handler, "env": {}}
        requests = [
            {
                "event": number,
                "request_id": f"id-{number}",
                "arn": "arn",
                "timeout": 3,
                "environment": {"CHANGING": value},
            }
            for number, value in enumerate(["first", None])
        ]
        done = subprocess.run(
            [sys.executable, python_runtime.__file__],
            input="".join(f"{json.dumps(line)}\n" for line in [start, *requests]),
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **ENVIRONMENT},
        )
        self.status, self.log = done.returncode, (folder / python_runtime.LOG).read_text()
        assert done.stderr == ""
        self.ready, *self.answers = [json.loads(line) for line in done.stdout.splitlines()]

    @property
    def lines(self) -> list[str]:
        return [line for _, line in lines_in(self.log, at=0)]

    @property
    def results(self) -> list[Any]:
        return [answer["result"] for answer in self.answers]

    @property
    def error(self) -> dict[str, Any]:
        error: dict[str, Any] = self.answers[0]["error"]
        return error

    @property
    def start_error(self) -> dict[str, Any]:
        assert (self.ready["status"], self.answers, self.status) == ("error", [], 1)
        error: dict[str, Any] = json.loads(self.ready["error"])
        return error


def body(text: str) -> str:
    return f"import os\ndef handler(event, context):\n    {text}\n"


def test_each_event_is_handled_in_one_process(tmp_path: Path) -> None:
    runtime = Runtime(tmp_path, body("return [event, os.getpid()]"))
    assert runtime.ready == {"status": "ready"}
    assert [event for event, _ in runtime.results] == [0, 1]
    assert len({process for _, process in runtime.results}) == 1


def test_the_context_is_lambdas(tmp_path: Path) -> None:
    names = (
        "aws_request_id log_group_name log_stream_name function_name function_version "
        "memory_limit_in_mb invoked_function_arn client_context"
    )
    text = f"return [getattr(context, name) for name in {names.split()}]"
    assert Runtime(tmp_path, body(text)).results[0] == [
        "id-0",
        "/aws/lambda/charge",
        "2026/01/02/[7]abc",
        "charge",
        "7",
        "128",
        "arn",
        None,
    ]


def test_the_time_that_is_left_is_known(tmp_path: Path) -> None:
    [left, _] = Runtime(tmp_path, body("return context.get_remaining_time_in_millis()")).results
    assert 0 < left <= 3000


def test_an_environment_variable_lasts_for_its_invocation(tmp_path: Path) -> None:
    runtime = Runtime(tmp_path, body("return os.environ.get('CHANGING')"))
    assert runtime.results == ["first", None]


def test_what_is_printed_is_in_the_log_and_not_in_the_answer(tmp_path: Path) -> None:
    code = body("print('one'); os.write(1, b'two\\n'); os.system('echo three'); return 4")
    runtime = Runtime(tmp_path, code)
    assert runtime.results == [4, 4]
    assert runtime.lines == ["one", "two", "three"] * 2


def test_a_line_has_the_time_of_its_first_part(tmp_path: Path) -> None:
    """Print writes each of its arguments alone."""
    code = "import sys\n" + body("print('a', 'b'); print('c'); sys.stderr.write('d')")
    marked = re.sub(python_runtime.TIME.format("[0-9]{13}"), "|", Runtime(tmp_path, code).log)
    assert marked == "|a b\n|c\n|d" * 2


def test_a_function_that_reads_its_input_takes_no_event(tmp_path: Path) -> None:
    runtime = Runtime(tmp_path, body("import sys; return sys.stdin.read()"))
    assert runtime.results[0] == ""


def test_logging_has_lambdas_format(tmp_path: Path) -> None:
    code = "import logging\n" + body("logging.warning('out of %s', event)")
    level, at, request, message = Runtime(tmp_path, code).lines[0].split("\t")
    assert (level, request, message) == ("[WARNING]", "id-0", "out of 0")
    assert len(at) == len("2026-01-02T03:04:05.678Z")


def test_an_error_has_its_type_and_the_functions_frames(tmp_path: Path) -> None:
    """LocalStack, recorded on AWS: test_lambda_handler_error."""
    runtime = Runtime(tmp_path, body("raise KeyError('sku')"))
    assert runtime.error == {
        "errorMessage": "'sku'",
        "errorType": "KeyError",
        "requestId": "",
        "stackTrace": [
            "  File \"/var/task/module.py\", line 3, in handler\n    raise KeyError('sku')\n"
        ],
    }
    assert len(runtime.answers) == 2  # it goes on


@pytest.mark.parametrize(
    ("code", "handler", "kind", "message"),
    [
        ("raise KeyError('x')", "handler", "KeyError", "'x'"),
        (
            "import nosuch",
            "handler",
            "Runtime.ImportModuleError",
            "Unable to import module 'module': No module named 'nosuch'",
        ),
        (
            "x = (",
            "handler",
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module 'module': '(' was never closed (module.py, line 1)",
        ),
        (
            "x = 1",
            "handle",
            "Runtime.HandlerNotFound",
            "Handler 'handle' missing on module 'module'",
        ),
    ],
)
def test_a_module_that_cannot_start_says_why(
    tmp_path: Path, code: str, handler: str, kind: str, message: str
) -> None:
    error = Runtime(tmp_path, code, handler).start_error
    assert (error["errorType"], error["errorMessage"]) == (kind, message)
    assert error["requestId"] == ""


@pytest.mark.parametrize(
    ("returned", "kind"),
    [("{1}", "Runtime.MarshalError"), ("'x' * 6291557", "Function.ResponseSizeTooLarge")],
)
def test_an_answer_that_cannot_be_sent_is_an_error(
    tmp_path: Path, returned: str, kind: str
) -> None:
    assert Runtime(tmp_path, body(f"return {returned}")).error["errorType"] == kind


def test_a_decimal_is_a_number(tmp_path: Path) -> None:
    code = "from decimal import Decimal\n" + body("return Decimal('1.5')")
    assert Runtime(tmp_path, code).results[0] == 1.5

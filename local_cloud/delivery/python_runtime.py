"""The program inside an execution environment: it runs a Python function as Lambda's runtime does.

It is started as a file of its own, with nothing of this repository importable. It reads and writes
lines of JSON: first the function's description, then one line for each invocation. What the
function writes, on whichever stream, goes to a file beside its code: nobody waits for a line, and
none is lost if the process is killed.

Source: awslambdaric, AWS's runtime interface client for Python (error types, their wording and
stack traces, the format of `logging`), and LocalStack's recorded answers (TestLambdaErrors).
"""

import importlib
import io
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO

LOG_STREAM = "LOCAL_CLOUD_LOG_STREAM"
"""The environment variable that holds the log stream's name; the function does not see it."""

LOG = "log"
"""The file beside the folder of the code that gets what the function writes."""

TIME = "\x00{}\x00"
"""Before a line in that file: when it was written, in milliseconds since 1970.

Only Python's streams write it. A line that comes by another way, such as from a subprocess, has the
time of the line before.
"""

RESPONSE_LIMIT = 6_291_556
"""How many bytes a function may return."""

CODE = "/var/task"
"""Where Lambda has a function's code."""

_request_id = _code = ""


class FaultError(Exception):
    """A function that cannot be started, in the runtime's own words."""

    def __init__(self, kind: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.payload = _error(message, f"Runtime.{kind}", trace or [])


def load(module: str, name: str) -> Callable[[Any, Any], Any]:
    """Import a function's handler.

    Raises:
        FaultError: The module or the handler cannot be loaded.
        Exception: Whatever the module raises.
    """
    if module.partition(".")[0] in sys.builtin_module_names:
        message = f"Cannot use built-in module {module} as a handler module"
        raise FaultError("BuiltInModuleConflict", message)
    try:
        loaded = importlib.import_module(module)
    except ImportError as error:
        message = f"Unable to import module '{module}': {error}"
        raise FaultError("ImportModuleError", message) from error
    except SyntaxError as error:
        trace = [f'  File "{_named(error.filename or "")}" Line {error.lineno}\n    {error.text}']
        message = f"Syntax error in module '{module}': {error}"
        raise FaultError("UserCodeSyntaxError", message, trace) from error
    try:
        handler: Callable[[Any, Any], Any] = getattr(loaded, name)
    except AttributeError as error:
        message = f"Handler '{name}' missing on module '{module}'"
        raise FaultError("HandlerNotFound", message) from error
    return handler


def error_of(error: Exception) -> dict[str, Any]:
    """Describe an exception of the function, with the function's own frames."""
    if isinstance(error, FaultError):
        return error.payload
    frames = [
        (_named(frame.filename), frame.lineno or 0, frame.name, frame.line)
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    while frames and frames[0][0] == __file__:
        del frames[0]
    return _error(str(error), type(error).__name__, traceback.format_list(frames))


def _named(file: str) -> str:
    """Return the name that a file of the function's code has on Lambda."""
    return file.replace(_code, CODE, 1) if _code and file.startswith(_code) else file


def answer_of(handler: Callable[[Any, Any], Any], request: dict[str, Any]) -> str:
    """Run the handler once; return the members of the answer, as JSON."""
    try:
        result = handler(request["event"], _context(request))
    except Exception as error:  # noqa: BLE001 - whatever the function raises is its answer
        return f'"error": {json.dumps(error_of(error))}'
    try:
        text = json.dumps(result, default=_number)
    except (TypeError, ValueError) as error:
        message = f"Unable to marshal response: {error}"
        return f'"error": {json.dumps(FaultError("MarshalError", message).payload)}'
    if len(text) > RESPONSE_LIMIT:
        return f'"error": {json.dumps(_too_large())}'
    return f'"result": {text}'


def _too_large() -> dict[str, str]:
    return {
        "errorMessage": (
            f"Response payload size exceeded maximum allowed payload size ({RESPONSE_LIMIT} bytes)."
        ),
        "errorType": "Function.ResponseSizeTooLarge",
    }


def _error(message: str, kind: str, trace: list[str]) -> dict[str, Any]:
    return {"errorMessage": message, "errorType": kind, "requestId": "", "stackTrace": trace}


def _number(value: Any) -> float:
    """Return what JSON has for a number that it does not know."""
    if isinstance(value, Decimal):
        return float(value)
    msg = f"Object of type {type(value).__name__} is not JSON serializable"
    raise TypeError(msg)


class _Context(SimpleNamespace):
    """What a handler gets beside its event."""

    deadline: float

    def get_remaining_time_in_millis(self) -> int:
        """Return how many milliseconds are left before the function times out."""
        return max(0, int((self.deadline - time.time()) * 1000))


def _context(request: dict[str, Any]) -> _Context:
    name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    return _Context(
        aws_request_id=request["request_id"],
        log_group_name=os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME", f"/aws/lambda/{name}"),
        log_stream_name=os.environ["AWS_LAMBDA_LOG_STREAM_NAME"],
        function_name=name,
        memory_limit_in_mb=os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"],
        function_version=os.environ["AWS_LAMBDA_FUNCTION_VERSION"],
        invoked_function_arn=request["arn"],
        client_context=None,
        identity=SimpleNamespace(cognito_identity_id=None, cognito_identity_pool_id=None),
        deadline=time.time() + request["timeout"],
    )


class _RequestId(logging.Filter):
    """Gives each record the id of the invocation that logged it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.aws_request_id = _request_id
        return True


def _configure_logging() -> None:
    """Let the root logger write as it does on Lambda."""
    logging.Formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        logging.Formatter(
            "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s",
            "%Y-%m-%dT%H:%M:%S",
        )
    )
    handler.addFilter(_RequestId())
    logging.getLogger().addHandler(handler)


def _extend_path(code: str) -> None:
    """Make the code and its layers importable."""
    sys.path.insert(0, code)
    for layer in filter(None, os.environ.get("_LAMBDA_LAYERS_DIRS", "").split(os.pathsep)):
        folder = Path(layer, "python")
        sys.path.insert(0, str(folder))
        for packages in folder.glob("lib/*/site-packages"):
            import site  # noqa: PLC0415 - few functions have layers

            site.addsitedir(str(packages))


def _private_streams() -> tuple[TextIO, TextIO]:
    """Take the two streams of the protocol away from the function, which may read and print."""
    requests, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    return requests, answers


class _Log(io.TextIOWrapper):
    """What the function writes as text, each write with its time."""

    def __init__(self, path: Path) -> None:
        binary = path.open("ab")
        super().__init__(binary, "utf-8", "backslashreplace", newline="\n", line_buffering=True)
        self._in_line = False

    def write(self, text: str) -> int:
        """Write text; a line gets the time of its first part."""
        if text and not self._in_line:
            super().write(TIME.format(int(time.time() * 1000)))
        self._in_line = not text.endswith("\n") if text else self._in_line
        return super().write(text)

    def end(self) -> None:
        """Write what is left: what comes next belongs to another invocation."""
        self.flush()
        self._in_line = False


def _log_to(path: Path) -> _Log:
    """Let all that the function writes go to a file."""
    log = _Log(path)
    for stream in (1, 2):
        os.dup2(log.fileno(), stream)
    sys.stdout = sys.stderr = log
    return log


def _peak_memory() -> int:
    """Return the most memory that this process has used, in MB; 0 where nobody knows."""
    try:
        import resource  # noqa: PLC0415 - Windows has none
    except ImportError:
        return 0
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size // (1024 if sys.platform != "darwin" else 1024 * 1024)


def run() -> None:
    """Serve invocations until the requests end."""
    global _request_id, _code  # noqa: PLW0603 - logging's records have no other way to it
    requests, answers = _private_streams()

    def answer(line: str) -> None:
        answers.write(f"{line}\n")
        answers.flush()

    start = json.loads(requests.readline())
    os.environ.update(start["env"])
    if LOG_STREAM in os.environ:
        os.environ["AWS_LAMBDA_LOG_STREAM_NAME"] = os.environ.pop(LOG_STREAM)
    _code = start["code_dir"]
    log = _log_to(Path(_code).with_name(LOG))
    _extend_path(_code)
    _configure_logging()
    globals().get("_ms_install_invoke_depth", int)()  # MiniStack's, when it started this program
    try:
        handler = load(start["module"], start["handler"])
    except Exception as error:  # noqa: BLE001 - whatever the module raises is the answer
        log.end()
        answer(json.dumps({"status": "error", "error": json.dumps(error_of(error))}))
        sys.exit(1)
    answer('{"status": "ready"}')
    for line in requests:
        request = json.loads(line)
        _request_id = request["request_id"]
        for name, value in request["environment"].items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        members = answer_of(handler, request)
        log.end()
        answer(f'{{"memory": {_peak_memory()}, {members}}}')


if __name__ == "__main__":
    run()

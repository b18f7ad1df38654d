"""The metrics of functions: each execution counts once, for every kind of caller.

MiniStack 1.5.33 counts an asynchronous invocation when it is accepted and again when it runs. It
counts a throttled one twice and as an invocation, and does not count what an HTTP API invokes.
"""

import time
from collections.abc import Callable
from typing import Any

from ministack.services import lambda_svc

from local_cloud.ministack.cloudwatch.points import record
from local_cloud.ministack.replacing import replace


def install() -> None:
    """Attach the patches."""
    replace(lambda_svc, "_emit_lambda_metrics", lambda _: _throttles_alone)
    replace(lambda_svc, "_execute_function_dispatch", _counted)


def _throttles_alone(
    function_name: str, *, duration_ms: float, throttle: bool, **_others: Any
) -> None:
    """Count a throttle where it happens; MiniStack reports it again with the time it took."""
    if throttle and not duration_ms:
        record("AWS/Lambda", "Throttles", 1, "Count", {"FunctionName": function_name})


def _counted(execute: Callable[..., Any]) -> Callable[..., Any]:
    def counted(func: Any, config: dict[str, Any], *rest: Any) -> Any:
        started = time.monotonic()
        result = execute(func, config, *rest)
        milliseconds = (time.monotonic() - started) * 1000
        failed = isinstance(result, dict) and bool(result.get("error"))
        of_function = {"FunctionName": config["FunctionName"]}
        for metric, value, unit in (
            ("Invocations", 1, "Count"),
            ("Errors", int(failed), "Count"),
            ("Throttles", 0, "Count"),
            ("Duration", milliseconds, "Milliseconds"),
        ):
            record("AWS/Lambda", metric, value, unit, of_function)
        return result

    return counted

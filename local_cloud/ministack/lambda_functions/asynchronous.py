"""Asynchronous invocations: all of them go through Lambda's queue.

AWS retries a failed event twice, with waits of minutes, and keeps it up to six hours. MiniStack
1.5.33 retries in threads of its own, at its own pace; see `local_cloud.delivery.lambda_queue`.
"""

import logging
from typing import Any

from ministack.services import lambda_svc

from local_cloud.delivery.wiring import Parts
from local_cloud.ministack.lambda_functions.executions import invocation_ids
from local_cloud.ministack.replacing import replace

_log = logging.getLogger("local_cloud")


def install(parts: Parts) -> None:
    """Attach it."""

    def enqueue(func: dict[str, Any], event: Any) -> None:
        arn = func["config"]["FunctionArn"]
        if (function := parts.cloud.function(arn)) is None:
            _log.error("an event for %s is dropped: there is no such function", arn)
            return
        request_id = parts.invoker.submit(function, event)
        if (known := invocation_ids.get(None)) is not None:
            known.append(request_id)

    replace(lambda_svc, "invoke_async_with_retry", lambda _: enqueue)

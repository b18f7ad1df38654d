"""The size of a function's environment variables.

AWS: all of them, as JSON, are at most 4 KB. MiniStack 1.5.33 has no limit.

Source: LocalStack's recorded answers (TestLambdaSizeLimits::test_large_environment_variables_fails,
test_lambda_envvars_near_limit_succeeds).
"""

import json
from collections.abc import Callable
from typing import Any

from ministack.services import lambda_svc

from local_cloud.ministack.lambda_functions import answers
from local_cloud.ministack.lambda_functions.answers import Answer
from local_cloud.ministack.replacing import replace

LIMIT = 4096


def install() -> None:
    """Attach it."""
    replace(lambda_svc, "_create_function", _checked)
    replace(lambda_svc, "_update_config", _checked)


def _checked(store: Callable[..., Any]) -> Callable[..., Any]:
    def stored(*request: Any) -> Any:
        return _refused(request[-1]) or store(*request)

    return stored


def _refused(data: dict[str, Any]) -> Answer | None:
    variables = (data.get("Environment") or {}).get("Variables") or {}
    measured = json.dumps(variables, separators=(",", ":"), ensure_ascii=False)
    if len(measured.encode()) <= LIMIT:
        return None
    return answers.invalid(
        "Lambda was unable to configure your environment variables because the environment "
        f"variables you have provided exceeded the 4KB limit. String measured: {measured}"
    )

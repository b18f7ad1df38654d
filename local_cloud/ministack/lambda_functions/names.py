"""Function names in requests: what AWS refuses before it looks for the function.

AWS: a qualifier in the name must match the one beside it; a function of another region is not
reachable; `$LATEST` and aliases cannot be deleted with DeleteFunction. MiniStack 1.5.33 prefers one
of two qualifiers, and deletes the whole function for `$LATEST`.

Source: LocalStack's recorded answers (TestLambdaFunction::test_ops_with_arn_qualifier_mismatch,
test_get_function_wrong_region, test_function_name_and_qualifier_validation).
"""

# ruff: noqa: SLF001 - MiniStack offers no other way in

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from ministack.core.responses import get_region
from ministack.services import lambda_svc

from local_cloud.ministack.lambda_functions import answers, invoke
from local_cloud.ministack.lambda_functions.answers import Answer
from local_cloud.ministack.lambda_functions.destinations import update
from local_cloud.ministack.replacing import replace

_PATH = re.compile(r"/[\d-]+/functions/([^/]+)(?:/([^/]+))?/?")


def install() -> None:
    """Attach it."""
    replace(lambda_svc, "handle_request", _checked)


def _checked(handle: Callable[..., Any]) -> Callable[..., Any]:
    async def handled(
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
    ) -> Any:
        if found := _PATH.fullmatch(unquote(path)):
            name, operation = found.groups()
            given = lambda_svc._qp_first(query_params, "Qualifier")
            if refused := _refused(method, operation, name, given):
                return refused
            if (method, operation) == ("POST", "event-invoke-config"):
                return update(name, given, body)
            invoke.body.set(body)
        try:
            return await handle(method, path, headers, body, query_params)
        except UnicodeDecodeError as error:
            return answers.no_json(error)

    return handled


def _refused(method: str, operation: str | None, reference: str, given: str) -> Answer | None:
    """Return the answer to a request for a function that is named wrongly."""
    parts = reference.split(":")
    if reference.startswith("arn:") and len(parts) > 3 and parts[3] != get_region():
        return answers.missing(
            f"Functions from '{parts[3]}' are not reachable in this region ('{get_region()}')"
        )
    _, derived = lambda_svc._resolve_request_scoped_name_and_qualifier(reference)
    if derived and given and derived != given:
        return answers.invalid(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    qualifier = derived or given
    if method == "DELETE" and operation is None and qualifier:
        if qualifier == "$LATEST":
            return answers.invalid(
                "$LATEST version cannot be deleted without deleting the function."
            )
        if not qualifier.isdecimal():
            return answers.invalid("Deletion of aliases is not currently supported.")
    if method == "PUT" and operation == "concurrency" and derived:
        return answers.invalid(
            "This operation is permitted on Lambda functions only. Aliases and versions do not "
            "support this operation. Please specify either a function name or an unqualified "
            "function ARN."
        )
    return None

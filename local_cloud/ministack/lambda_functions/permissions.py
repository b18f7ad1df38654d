"""Resource policies: a function, each version and each alias have one of their own.

AWS: GetPolicy shows, and RemovePermission changes, the policy of what was named only; AddPermission
refuses `$LATEST`, an alias that does not exist, a principal that is none and an old RevisionId.
A statement's id is unique in its policy; each change gives the named resource a new RevisionId.
MiniStack 1.5.33 has one policy for all, and checks none of it.

Sources: LocalStack's recorded answers (TestLambdaPermissions, TestLambdaRevisions); Lambda API
Reference, AddPermission.
"""

# ruff: noqa: SLF001 - MiniStack offers no other way in

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from ministack.services import lambda_svc

from local_cloud.ministack.lambda_functions import answers, revisions
from local_cloud.ministack.lambda_functions.answers import Answer
from local_cloud.ministack.replacing import replace

_PRINCIPAL = re.compile(r"\*|\d{12}|arn:aws[\w-]*:(iam|sts)::.+|[\w.-]+\.amazon(aws)?\.com(\.cn)?")
"""An account, a role or user, or a service; Alexa's are below amazon.com."""

_NO_POLICY = "The resource you requested does not exist."


def install() -> None:
    """Attach it."""
    replace(lambda_svc, "_add_permission", _checked)
    replace(lambda_svc, "_get_policy", lambda _: _get)
    replace(lambda_svc, "_remove_permission", lambda _: _remove)


def _checked(add: Callable[..., Any]) -> Callable[..., Any]:
    def added(
        func_name: str,
        data: dict[str, Any],
        query_params: dict[str, Any] | None = None,
        path_qualifier: str | None = None,
    ) -> Any:
        func, qualifier, arn = _named(func_name, query_params, path_qualifier)
        refused = _refused(func_name, qualifier, data)
        if refused or func is None:
            return refused or add(func_name, data, query_params, path_qualifier)
        with _only_statements_of(func, arn):
            answer = add(func_name, data, query_params, path_qualifier)
        if answer[0] == HTTPStatus.CREATED:
            revisions.renew(func, qualifier)
        return answer

    return added


def _get(
    func_name: str,
    query_params: dict[str, Any] | None = None,
    path_qualifier: str | None = None,
) -> Any:
    func, qualifier, arn = _named(func_name, query_params, path_qualifier)
    own = _statements(func, arn)
    if func is None or not own:
        return answers.missing(_NO_POLICY)
    policy = json.dumps({**func["policy"], "Statement": own})
    return lambda_svc.json_response(
        {"Policy": policy, "RevisionId": revisions.current(func, qualifier)}
    )


def _remove(
    func_name: str,
    sid: str,
    query_params: dict[str, Any],
    path_qualifier: str | None = None,
) -> Any:
    func, qualifier, arn = _named(func_name, query_params, path_qualifier)
    if func is None:
        return answers.missing(f"No policy found for: {arn}")
    own = _statements(func, arn)
    if not own:
        return answers.missing("No policy is associated with the given resource.")
    revision = lambda_svc._qp_first(query_params, "RevisionId")
    if revision and revision != revisions.current(func, qualifier):
        return answers.stale()
    found = next((each for each in own if each["Sid"] == sid), None)
    if found is None:
        return answers.missing(f"Statement {sid} is not found in resource policy.")
    func["policy"]["Statement"].remove(found)
    revisions.renew(func, qualifier)
    return 204, {}, b""


def _named(
    name: str, query_params: dict[str, Any] | None, path_qualifier: str | None
) -> tuple[dict[str, Any] | None, str | None, str]:
    """Return a function, and the qualifier and the ARN of what a request names."""
    qualifier = lambda_svc._qualifier_from_path_or_query(path_qualifier, query_params)
    arn = lambda_svc._policy_resource_arn(name, qualifier)
    return lambda_svc._functions.get(name), qualifier, arn


@contextmanager
def _only_statements_of(func: dict[str, Any], arn: str) -> Iterator[None]:
    """Hide the other resources' statements, whose ids a new statement may have, too."""
    policy = func["policy"]
    others = [each for each in policy["Statement"] if each["Resource"] != arn]
    policy["Statement"] = _statements(func, arn)
    try:
        yield
    finally:
        policy["Statement"] = [*others, *policy["Statement"]]


def _statements(func: dict[str, Any] | None, arn: str) -> list[dict[str, Any]]:
    statements = func["policy"]["Statement"] if func else []
    return [each for each in statements if each["Resource"] == arn]


def _refused(name: str, qualifier: str | None, data: dict[str, Any]) -> Answer | None:
    """Return the answer to a permission that cannot be added."""
    func, arn = lambda_svc._functions.get(name), lambda_svc._func_arn(name)
    if qualifier == "$LATEST":
        return answers.invalid("We currently do not support adding policies for $LATEST.")
    if not _PRINCIPAL.fullmatch(data.get("Principal", "")):
        return answers.invalid(
            "The provided principal was invalid. Please check the principal and try again."
        )
    if func is None:
        return None  # MiniStack says so
    is_alias = bool(qualifier) and re.fullmatch(r"(?!\d+$)[\w-]+", qualifier or "")
    if is_alias and qualifier not in func["aliases"]:
        return answers.missing(f"Cannot find alias arn: {arn}:{qualifier}")
    revision = data.get("RevisionId")
    if revision and revision != revisions.current(func, qualifier):
        return answers.stale("Call the GetPolicy API to retrieve the latest Revision Id")
    return None

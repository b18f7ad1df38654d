"""Versions and aliases: what AWS refuses.

AWS: an alias points to one or two existing versions; PublishVersion compares CodeSha256 and
RevisionId with the function. MiniStack 1.5.33 checks none of that.

Source: LocalStack's recorded answers (TestLambdaAlias, TestLambdaVersions, TestLambdaRevisions).
"""

# ruff: noqa: SLF001 - MiniStack offers no other way in

from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import lambda_svc

from local_cloud.ministack.lambda_functions import answers, revisions
from local_cloud.ministack.lambda_functions.answers import Answer
from local_cloud.ministack.replacing import replace

LATEST = "$LATEST"


def install() -> None:
    """Attach it."""
    replace(lambda_svc, "_create_alias", _checked_creation)
    replace(lambda_svc, "_update_alias", _checked_update)
    replace(lambda_svc, "_get_alias", _missing_in_aws_words)
    replace(lambda_svc, "_delete_alias", _missing_is_deleted)
    replace(lambda_svc, "_publish_version", _as_seen)
    replace(lambda_svc, "_check_revision", lambda _: _checked_revision)


def _checked_creation(create: Callable[..., Any]) -> Callable[..., Any]:
    def created(func_name: str, data: dict[str, Any]) -> Any:
        func, arn = _function(func_name)
        if func is None:
            return answers.missing(f"Function not found: {arn}:{data.get('FunctionVersion')}")
        if data.get("Name") in func["aliases"]:
            message = f"Alias already exists: {arn}:{data['Name']}"
            return answers.error("ResourceConflictException", message, 409)
        return _refused(func, arn, data) or create(func_name, data)

    return created


def _checked_update(update: Callable[..., Any]) -> Callable[..., Any]:
    def updated(func_name: str, alias_name: str, data: dict[str, Any]) -> Any:
        func, arn = _function(func_name)
        alias = (func or {}).get("aliases", {}).get(alias_name)
        refused = _refused(func, arn, {**alias, **data}) if func and alias else None
        return refused or update(func_name, alias_name, data)

    return updated


def _missing_in_aws_words(get: Callable[..., Any]) -> Callable[..., Any]:
    def got(func_name: str, alias_name: str) -> Any:
        func, arn = _function(func_name)
        if func is not None and alias_name not in func["aliases"]:
            return answers.missing(f"Cannot find alias arn: {arn}:{alias_name}")
        return get(func_name, alias_name)

    return got


def _missing_is_deleted(delete: Callable[..., Any]) -> Callable[..., Any]:
    def deleted(func_name: str, alias_name: str) -> Any:
        func, _ = _function(func_name)
        if func is not None and alias_name not in func["aliases"]:
            return 204, {}, b""
        return delete(func_name, alias_name)

    return deleted


def _as_seen(publish: Callable[..., Any]) -> Callable[..., Any]:
    """Publish a version only if the caller knows the current code and settings."""

    def published(name: str, data: dict[str, Any]) -> Any:
        func, _ = _function(name)
        if func is None:
            return publish(name, data)
        if refused := _outdated(func["config"], data):
            return refused
        before = len(func["versions"])
        answer = publish(name, data)
        if len(func["versions"]) > before:
            revisions.renew(func)
        return answer

    return published


def _checked_revision(current: Mapping[str, Any], data: Mapping[str, Any]) -> Answer | None:
    wanted = data.get("RevisionId")
    return answers.stale() if wanted and wanted != current.get("RevisionId") else None


def _function(name: str) -> tuple[dict[str, Any] | None, str]:
    return lambda_svc._functions.get(name), lambda_svc._func_arn(name)


def _outdated(config: Mapping[str, Any], data: Mapping[str, Any]) -> Answer | None:
    """Return the response if the function is not as the caller knows it."""
    wanted, code = data.get("CodeSha256"), config["CodeSha256"]
    if wanted and wanted != code:
        return answers.invalid(
            f"CodeSHA256 ({wanted}) is different from current CodeSHA256 in $LATEST ({code}). "
            "Please try again with the CodeSHA256 in $LATEST."
        )
    if (revision := data.get("RevisionId")) and revision != config["RevisionId"]:
        return answers.stale()
    return None


def _refused(func: Mapping[str, Any], arn: str, alias: Mapping[str, Any]) -> Answer | None:
    """Return the response to an alias without an existing version."""
    version = alias.get("FunctionVersion", LATEST)
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    if len(weights) > 1:
        return answers.invalid(
            "Number of items in AdditionalVersionWeights cannot be greater than 1"
        )
    if version in weights:
        return answers.invalid(
            f"Invalid function version {version}. Function version {version} is already included "
            "in routing configuration."
        )
    if version == LATEST and weights:
        return answers.invalid(
            f"{LATEST} is not supported for an alias pointing to more than 1 version"
        )
    for each in (version, *weights):
        if each != LATEST and each not in func["versions"]:
            return answers.missing(f"Function not found: {arn}:{each}")
    return None

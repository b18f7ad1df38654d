"""Aliases through which events and requests still reach the version before for a moment."""

# ruff: noqa: SLF001 - MiniStack offers no other way in

from collections.abc import Callable
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import lambda_svc

from local_cloud.eventual_consistency import ALIAS_SECONDS, LateView, Switch
from local_cloud.ministack.replacing import replace


def install(switch: Switch) -> None:
    """Resolve an alias to the version before, a short time after UpdateAlias."""
    view = LateView(ALIAS_SECONDS)
    resolve = lambda_svc._get_func_record_for_ref

    def version_of(function: str, alias: str) -> str | None:
        record = lambda_svc._functions.get(function) or {}
        found: dict[str, str] = record.get("aliases", {}).get(alias, {})
        return found.get("FunctionVersion")

    def key(function: str, alias: str) -> tuple[str, ...]:
        return (get_account_id(), get_region(), function, alias)

    def noting(update: Callable[..., Any]) -> Callable[..., Any]:
        def updated(func_name: str, alias_name: str, data: dict[str, Any]) -> Any:
            before = version_of(func_name, alias_name)
            result = update(func_name, alias_name, data)
            if switch.on and before not in {None, version_of(func_name, alias_name)}:
                view.changes(key(func_name, alias_name), before)
            return result

        return updated

    def resolved(function_ref: str) -> Any:
        name, qualifier = lambda_svc._resolve_name_and_qualifier(function_ref)
        current = version_of(name, qualifier) if switch.on and qualifier else None
        if current is not None:
            seen = view.seen(key(name, qualifier), current)
            if seen != current:
                function_ref = function_ref.removesuffix(qualifier) + seen
        return resolve(function_ref)

    replace(lambda_svc, "_update_alias", noting)
    replace(lambda_svc, "_get_func_record_for_ref", lambda _: resolved)

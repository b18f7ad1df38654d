"""Policies of a role that apply some seconds after they were changed."""

# ruff: noqa: SLF001 - MiniStack offers no other way in

from collections.abc import Callable
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id
from ministack.services import iam

from local_cloud.eventual_consistency import POLICY_SECONDS, LateView, Switch
from local_cloud.ministack.replacing import replace

CHANGES = ("_put_role_policy", "_delete_role_policy", "_attach_role_policy", "_detach_role_policy")


def install(switch: Switch) -> None:
    """Decide by a role's policies as they were, while the switch is on."""
    view = LateView(POLICY_SECONDS)
    gather = iam_evaluator._gather_role_policies

    def noting(change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(parameters: Any) -> Any:
            role, account = iam._p(parameters, "RoleName"), get_account_id()
            before = gather(role, account)
            result = change(parameters)
            if switch.on:
                view.changes((account, role), before)
            return result

        return changed

    def gathered(role_name: str, account_id: str) -> Any:
        return view.seen((account_id, role_name), gather(role_name, account_id))

    for change in CHANGES:
        replace(iam, change, noting)
    replace(iam_evaluator, "_gather_role_policies", lambda _: gathered)

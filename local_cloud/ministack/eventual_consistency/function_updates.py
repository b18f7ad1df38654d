"""Updates of a function that are refused while another one is in progress.

AWS updates a function for some seconds. MiniStack does so for half a second, and takes the next
update at once.
"""

# ruff: noqa: SLF001 - MiniStack offers no other way in

from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import lambda_svc

from local_cloud.eventual_consistency import Switch
from local_cloud.ministack.replacing import replace

CHANGES = ("_update_code", "_update_config", "_publish_version")


def install(switch: Switch) -> None:
    """Refuse a change of a function that is being updated, while the switch is on."""

    def refusing(change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(name: str, data: dict[str, Any]) -> Any:
            config = (lambda_svc._functions.get(name) or {}).get("config", {})
            if switch.on and config.get("LastUpdateStatus") == "InProgress":
                message = (
                    "The operation cannot be performed at this time. An update is in progress for "
                    f"resource: {config['FunctionArn']}"
                )
                return error_response_json("ResourceConflictException", message, 409)
            return change(name, data)

        return changed

    for change in CHANGES:
        replace(lambda_svc, change, refusing)

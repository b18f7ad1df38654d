"""DeleteEventBus that sees deleted rules for some seconds."""

from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import eventbridge

from local_cloud.eventual_consistency import BUS_SECONDS, LateView, Switch
from local_cloud.ministack.replacing import replace


def install(switch: Switch) -> None:
    """Refuse to delete a bus a short time after its last rule, while the switch is on."""
    rules = LateView(BUS_SECONDS)

    def noting(delete: Callable[..., Any]) -> Callable[..., Any]:
        def deleted(data: dict[str, Any]) -> Any:
            if switch.on:
                bus = (data.get("EventBusName") or "default").rpartition("/")[2]  # perhaps an ARN
                rules.changes(bus, before=True)
            return delete(data)

        return deleted

    def refusing(delete: Callable[..., Any]) -> Callable[..., Any]:
        def deleted(data: dict[str, Any]) -> Any:
            if switch.on and rules.seen(data.get("Name"), current=False):
                message = "EventBus can't be deleted since it has rules."
                return error_response_json("ValidationException", message, 400)
            return delete(data)

        return deleted

    replace(eventbridge, "_delete_rule", noting)
    replace(eventbridge, "_delete_event_bus", refusing)

"""FilterLogEvents with AWS's quota, and with pages that hold no event but a token."""

from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import cloudwatch_logs

from local_cloud.eventual_consistency import LOG_READS_PER_SECOND, Quota, Switch
from local_cloud.ministack.replacing import replace

_FIRST_PAGE = "after-an-empty-page"


def install(switch: Switch) -> None:
    """Throttle reads, and begin each with an empty page, while the switch is on."""
    quota = Quota(LOG_READS_PER_SECOND)

    def limited(read: Callable[..., Any]) -> Callable[..., Any]:
        def filtered(data: dict[str, Any]) -> Any:
            token = data.get("nextToken")
            if switch.on:
                if not quota.allows():
                    return error_response_json("ThrottlingException", "Rate exceeded", 400)
                if token is None:
                    page = {"events": [], "searchedLogStreams": [], "nextToken": _FIRST_PAGE}
                    return json_response(page)
            if token == _FIRST_PAGE:
                data = {key: value for key, value in data.items() if key != "nextToken"}
            return read(data)

        return filtered

    replace(cloudwatch_logs, "_filter_log_events", limited)

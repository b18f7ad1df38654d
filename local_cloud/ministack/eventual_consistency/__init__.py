"""Make MiniStack as late as AWS, while the switch of `local_cloud.eventual_consistency` is on."""

from local_cloud.eventual_consistency import Switch
from local_cloud.ministack.eventual_consistency import (
    aliases,
    event_buses,
    function_updates,
    lists,
    log_reads,
    role_policies,
    transactions,
)


def install(switch: Switch) -> None:
    """Attach all of it. Once per process, before the first request."""
    for each in (
        *(aliases, event_buses, function_updates, lists, log_reads, role_policies),
        transactions,
    ):
        each.install(switch)

"""Lists of buckets, queues, roles and event buses that lag behind what exists."""

# ruff: noqa: SLF001 - MiniStack offers no other way in

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ministack.services import eventbridge, iam, s3, sqs

from local_cloud.eventual_consistency import LIST_SECONDS, LateView, Switch
from local_cloud.ministack.replacing import replace

LISTS = (
    (s3, "_buckets", "_list_buckets", ("_create_bucket", "_delete_bucket")),
    (sqs, "_queues", "_act_list_queues", ("_act_create_queue", "_act_delete_queue")),
    (iam, "_roles", "_list_roles", ("_create_role", "_delete_role")),
    (
        *(eventbridge, "_event_buses", "_list_event_buses"),
        ("_create_event_bus", "_delete_event_bus"),
    ),
)
"""Module, what it lists, the function that lists, and the functions that add and remove."""


def install(switch: Switch) -> None:
    """Make these lists late while the switch is on."""
    for module, store, lists, changes in LISTS:
        view = LateView(LIST_SECONDS)
        _install(switch, module, store, lists, changes, view)


def _install(
    switch: Switch, module: Any, store: str, lists: str, changes: tuple[str, ...], view: LateView
) -> None:
    def noting(change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*arguments: Any, **named: Any) -> Any:
            before = dict(getattr(module, store)._data)
            result = change(*arguments, **named)
            after = getattr(module, store)._data
            if switch.on:
                for key in before.keys() ^ after.keys():
                    view.changes(key, before.get(key))
            return result

        return changed

    def late(listing: Callable[..., Any]) -> Callable[..., Any]:
        def listed(*arguments: Any, **named: Any) -> Any:
            if not switch.on:
                return listing(*arguments, **named)
            with _as_seen(getattr(module, store), view):
                return listing(*arguments, **named)

        return listed

    for change in changes:
        replace(module, change, noting)
    replace(module, lists, late)


@contextmanager
def _as_seen(store: Any, view: LateView) -> Iterator[None]:
    """Show a store as the view sees it, while a list of it is made in the server's one thread."""
    current = store._data
    seen = dict(current)
    for key in view.late():
        record = view.seen(key, current.get(key))
        if record is None:
            seen.pop(key, None)
        else:
            seen[key] = record
    store._data = seen
    try:
        yield
    finally:
        store._data = current

"""Archives and replays: EventBridge's checks, sizes and states.

AWS refuses an archive of an unknown bus and an update of nothing, and reports how large an archive
is. A replay is refused whose end is not after its start, or that is for another bus. It reaches
only the rules that FilterArns names. It passes through STARTING, RUNNING and COMPLETED, or
CANCELLING and CANCELLED, and at most ten run at once. MiniStack 1.5.33 checks little of this,
ignores FilterArns, reports 0 bytes, and completes a cancelled replay.

Source: LocalStack's test_archive_and_replay, recorded on AWS; EventBridge API Reference,
ReplayDestination.
"""

# ruff: noqa: SLF001 - MiniStack has no public interface for any of this

import contextvars
import json
import logging
import time
from collections.abc import Callable
from typing import Any

from ministack.core.responses import get_account_id, get_region, json_response
from ministack.services import eventbridge

from local_cloud.delivery.work_queue import WorkQueue
from local_cloud.ministack.eventbridge.rules import Handler, invalid, missing, page
from local_cloud.ministack.replacing import replace

_log = logging.getLogger("local_cloud")

_TIME_BYTES = 20
"""What AWS counts for an event beside its texts: ten recorded events of 139 bytes have 1590."""

_ACTIVE_REPLAYS = 10
_UNDER_WAY = ("STARTING", "RUNNING")


def install(queue: WorkQueue) -> None:
    """Attach the patches.

    Args:
        queue: Where replays run.
    """
    replace(eventbridge, "_create_archive", _checked_archive)
    replace(eventbridge, "_update_archive", _checked_update)
    replace(eventbridge, "_describe_archive", _without_events)
    replace(eventbridge, "_list_archives", _of_a_known_source)
    replace(eventbridge, "_archive_event", _measured)
    replace(eventbridge, "_start_replay", lambda _: lambda data: _start(queue, data))
    replace(eventbridge, "_cancel_replay", lambda _: _cancel)
    replace(eventbridge, "_list_replays", _whole_replays)


def filter_of(event: dict[str, Any]) -> list[str]:
    """Return the ARNs of the only rules that a replayed event is for; empty if all are."""
    replay = eventbridge._replays.get(event.get("ReplayName")) or {}
    return (replay.get("Destination") or {}).get("FilterArns") or []


def _unknown_bus(arn: str) -> Any:
    """Return the refusal of a bus that does not exist; None if it does."""
    name, error = eventbridge._event_bus_name_from_ref(arn)
    if error or name not in eventbridge._event_buses:
        return missing(f"Event bus {arn.rpartition('/')[2]} does not exist.")
    return None


def _checked_archive(create: Handler) -> Handler:
    def created(data: dict[str, Any]) -> Any:
        if refusal := _unknown_bus(data.get("EventSourceArn") or ""):
            return refusal
        if (name := data.get("ArchiveName")) in eventbridge._archives:
            return invalid(f"Archive {name} already exists.", "ResourceAlreadyExistsException")
        return create(data)

    return created


def _checked_update(update: Handler) -> Handler:
    def updated(data: dict[str, Any]) -> Any:
        if not {"EventPattern", "RetentionDays", "Description"} & data.keys():
            return invalid(
                "At least one of EventPattern, RetentionDays or Description must be provided."
            )
        return update(data)

    return updated


def _without_events(describe: Handler) -> Handler:
    def described(data: dict[str, Any]) -> Any:
        archive = eventbridge._archives.get(data.get("ArchiveName"))
        if archive is None:
            return describe(data)
        return json_response(
            {name: value for name, value in archive.items() if name != "Events" and value != ""}
        )

    return described


def _of_a_known_source(list_archives: Handler) -> Handler:
    def listed(data: dict[str, Any]) -> Any:
        source = data.get("EventSourceArn")
        if source and (refusal := _unknown_bus(source)):
            return refusal
        return page(list_archives(data), "Archives", data)

    return listed


def _measured(archive_event: Callable[..., Any]) -> Callable[..., Any]:
    def archived(event: dict[str, Any], view: Any = None) -> None:
        before = [(each, each.get("EventCount", 0)) for each in eventbridge._archives.values()]
        archive_event(event, view)
        for archive, count in before:
            if archive.get("EventCount", 0) > count:
                archive["SizeBytes"] = archive.get("SizeBytes", 0) + _size(event)

    return archived


def _size(event: dict[str, Any]) -> int:
    texts = [event[name] for name in ("Source", "DetailType", "Detail")] + event["Resources"]
    return _TIME_BYTES + sum(len(str(text).encode()) for text in texts)


def _start(queue: WorkQueue, data: dict[str, Any]) -> Any:
    """StartReplay: check the request, and replay the archive in the work queue."""
    name, destination = data.get("ReplayName") or "", data.get("Destination") or {}
    start, end = (_seconds(data.get(each)) for each in ("EventStartTime", "EventEndTime"))
    source = data.get("EventSourceArn") or ""
    archive_name, error = eventbridge._archive_name_from_ref(source)
    if error:
        return invalid(error[1], error[0])
    if refusal := _unknown_bus(destination.get("Arn") or ""):
        return refusal
    archive = eventbridge._archives.get(archive_name)
    if refused := _refused(name, archive_name, archive, destination, start, end):
        return refused
    replay = {
        "ReplayName": name,
        "ReplayArn": f"arn:aws:events:{get_region()}:{get_account_id()}:replay/{name}",
        "EventSourceArn": source,
        "EventStartTime": start,
        "EventEndTime": end,
        "Destination": destination,
        "State": "STARTING",
        "ReplayStartTime": time.time(),
    } | ({"Description": data["Description"]} if data.get("Description") else {})
    eventbridge._replays[name] = replay
    context = contextvars.copy_context()
    queue.put(lambda: context.run(_run, replay, archive))
    answer = ("ReplayArn", "State", "ReplayStartTime")
    return json_response({each: replay[each] for each in answer})


def _refused(
    name: str, archive_name: str, archive: Any, destination: Any, start: float, end: float
) -> Any:
    """Return the refusal of a replay; None if it may start."""
    if archive is None:
        return invalid(
            f"Parameter EventSourceArn is not valid. Reason: Archive {archive_name} does not exist."
        )
    if start >= end:
        return invalid(
            "Parameter EventEndTime is not valid. "
            "Reason: EventStartTime must be before EventEndTime."
        )
    if destination["Arn"] != archive.get("EventSourceArn"):
        return invalid(
            "Parameter Destination.Arn is not valid. "
            "Reason: Cross event bus replay is not permitted."
        )
    if name in eventbridge._replays:
        return invalid(f"Replay {name} already exists.", "ResourceAlreadyExistsException")
    active = [each for each in eventbridge._replays.values() if each["State"] in _UNDER_WAY]
    if len(active) >= _ACTIVE_REPLAYS:
        return invalid(
            "The requested resource exceeds the maximum number allowed.", "LimitExceededException"
        )
    return None


def _run(replay: dict[str, Any], archive: dict[str, Any]) -> None:
    """Put an archive's events on their bus again."""
    if replay["State"] == "STARTING":
        replay["State"] = "RUNNING"
    try:
        for event in list(archive.get("Events", [])):
            if replay["State"] == "CANCELLING":
                break
            if replay["EventStartTime"] <= event["Time"] <= replay["EventEndTime"]:
                eventbridge._dispatch_event({**event, "ReplayName": replay["ReplayName"]})
                replay["EventLastReplayedTime"] = event["Time"]
    except Exception:  # noqa: BLE001 - whatever it is, the replay failed
        _log.exception("the replay %s failed", replay["ReplayName"])
        replay["State"] = "FAILED"
    else:
        replay["State"] = "CANCELLED" if replay["State"] == "CANCELLING" else "COMPLETED"
    replay["ReplayEndTime"] = time.time()


def _cancel(data: dict[str, Any]) -> Any:
    """CancelReplay: a replay that is over cannot be cancelled."""
    name = data.get("ReplayName")
    replay = eventbridge._replays.get(name)
    if replay is None:
        return missing(f"Replay {name} does not exist.")
    if replay["State"] not in _UNDER_WAY:
        return invalid(
            f"Replay {name} is not in a valid state for this operation.", "IllegalStatusException"
        )
    replay["State"] = "CANCELLING"
    return json_response({"ReplayArn": replay["ReplayArn"], "State": "CANCELLING"})


def _whole_replays(list_replays: Handler) -> Handler:
    def listed(data: dict[str, Any]) -> Any:
        status, headers, body = list_replays(data)
        hidden = {"ReplayArn", "Destination", "Description"}
        replays = [
            {key: value for key, value in replay.items() if key not in hidden}
            for each in json.loads(body)["Replays"]
            if (replay := eventbridge._replays.get(each["ReplayName"]))
        ]
        return page((status, headers, json.dumps({"Replays": replays}).encode()), "Replays", data)

    return listed


def _seconds(value: Any) -> float:
    found = eventbridge._coerce_timestamp(value if value is not None else time.time())
    return float(found)

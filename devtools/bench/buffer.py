"""A burst of orders against a slow consumer, with and without a buffer: the picture of a page."""

import json
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape
from uuid import uuid4

from devtools import charts
from devtools.charts import MARGIN
from local_cloud.delivery.delivery_log import Outcome
from orderflow import contract
from orderflow.event import Event
from workshop.deployment.local import injected_faults
from workshop.deployment.local.up import up
from workshop.deployment.stack import Stack
from workshop.paths import ROOT
from workshop.stages import stage_of

ORDERS = 300
SLOW_TOKEN = "tok_slow"  # noqa: S105 - a payment token, no password
"""The gateway charges such an order after two seconds."""

PICTURE = ROOT / "docs/buffer.svg"

_PATIENCE = 1_800.0
_BATCH = 10
_STAGE = stage_of("payment")
_CONSUMERS = ("order-tracker", "payment")

_HEIGHT, _PANEL_WIDTH, _PANEL_HEIGHT = 300, 384, 170
_GUTTER, _TOP = 54, 70
_LIGHT = """
.without { stroke: #c76a00; } .with { stroke: #1971c2; }
tspan.without { fill: #a85400; stroke: none; } tspan.with { fill: #1971c2; stroke: none; }
""".strip()
_DARK = """
.without { stroke: #ffa94d; } .with { stroke: #4dabf7; }
tspan.without { fill: #ffa94d; } tspan.with { fill: #4dabf7; }
""".strip()

Seconds = dict[str, list[float]]
"""Consumer's key → when it processed each order, in seconds after the first was sent."""


def draw(cloud: str) -> tuple[Seconds, Seconds]:
    """Measure both bursts on a local cloud, and write the picture.

    Returns:
        The times without and with a buffer.
    """
    without = _burst(up(_STAGE, cloud))
    buffered = _burst(up(_STAGE, cloud, buffered=["payment"]))
    PICTURE.write_text(svg(without, buffered), "utf-8")
    return without, buffered


def _burst(stack: Stack) -> Seconds:
    """Send all orders at once, wait for their end, and return when they were processed."""
    control, order_ids = injected_faults.switch(stack), _order_ids()
    entries = [_entry(stack, each) for each in order_ids]
    events, started = stack.client("events"), time.time()
    for first in range(0, len(entries), _BATCH):
        events.put_events(Entries=entries[first : first + _BATCH])
    if not control.wait_idle(_PATIENCE):
        msg = f"The orders are not processed after {_PATIENCE:.0f} s."
        raise RuntimeError(msg)
    keys, wanted = stack.outputs.function_keys, set(order_ids)
    found: Seconds = {key: [] for key in _CONSUMERS}
    for each in control.deliveries():
        key, origin = keys.get(each.function), each.origin
        if (
            key in found
            and each.outcome is Outcome.DELIVERED
            and origin.detail_type == "OrderCreated"
            and origin.correlation_id in wanted
        ):
            found[key].append(datetime.fromisoformat(each.time).timestamp() - started)
    return {key: sorted(times) for key, times in found.items()}


def _order_ids() -> list[str]:
    return [f"ord_{uuid4().hex}" for _ in range(ORDERS)]


def _entry(stack: Stack, order_id: str) -> dict[str, str]:
    text = (contract.CONTRACTS / "OrderCreated/v1.example.json").read_text("utf-8")
    event = Event("OrderCreated", json.loads(text.replace("example-1", order_id))["detail"])
    event.detail["data"]["payment_method"]["token"] = SLOW_TOKEN
    return {
        "EventBusName": stack.outputs.event_bus_name,
        "Source": contract.source(event.type),
        "DetailType": event.type,
        "Detail": event.to_json(),
    }


def svg(without: Seconds, buffered: Seconds) -> str:
    """Draw how many orders each consumer has processed over time.

    Args:
        without: The times without a buffer.
        buffered: The times with one.
    """
    title = f"{ORDERS} orders at once; payment takes 2 seconds for each"
    end = max(max(times) for each in (without, buffered) for times in each.values())
    body: list[str] = []
    for number, key in enumerate(_CONSUMERS):
        left = MARGIN + number * (_PANEL_WIDTH + _GUTTER)
        body += _panel(key, left, end, without[key], buffered[key])
    body.append(
        f'<text class="quiet" x="{MARGIN}" y="{_HEIGHT - 14}">seconds after the first order · '
        'orders processed · <tspan class="without">without a buffer</tspan> · '
        '<tspan class="with">with a buffer in front of payment</tspan></text>'
    )
    words = f"{title}, with and without a buffer"
    return charts.document(title, body, height=_HEIGHT, words=words, light=_LIGHT, dark=_DARK)


def _panel(
    name: str, left: float, end: float, without: Sequence[float], buffered: Sequence[float]
) -> Iterator[str]:
    floor = _TOP + _PANEL_HEIGHT
    yield f'<text class="name" x="{left}" y="{_TOP - 12}">{escape(name)}</text>'
    for count in range(0, ORDERS + 1, 100):
        y = round(floor - _PANEL_HEIGHT * count / ORDERS, 1)
        yield f'<line class="grid" x1="{left}" x2="{left + _PANEL_WIDTH}" y1="{y}" y2="{y}"/>'
        yield f'<text class="quiet" x="{left - 8}" y="{y + 4}" text-anchor="end">{count}</text>'
    for second in range(0, int(end) + 1, 60):
        x = round(left + _PANEL_WIDTH * second / end, 1)
        yield f'<text class="quiet" x="{x}" y="{floor + 18}" text-anchor="middle">{second}</text>'
    for kind, times in (("without", without), ("with", buffered)):
        points = [(0.0, 0), *((second, count) for count, second in enumerate(times, 1))]
        path = " ".join(
            f"{left + _PANEL_WIDTH * second / end:.1f},{floor - _PANEL_HEIGHT * count / ORDERS:.1f}"
            for second, count in points
        )
        yield f'<polyline class="line {kind}" points="{path}"/>'

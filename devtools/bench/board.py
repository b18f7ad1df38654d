"""The board: how long it takes to start, and how late a page shows a delivery."""

import statistics
import time
from datetime import datetime
from urllib.parse import urlsplit

from playwright.sync_api import Page, sync_playwright

from devtools import browsers
from devtools.bench.figures import Figure
from local_cloud.delivery.delivery_log import Outcome
from workshop.board import process
from workshop.deployment.local.injected_faults import switch
from workshop.deployment.stack import Stack
from workshop.errors import WorkshopError

ORDERS = 50
START_BUDGET = 1.5
SHOWN_BUDGET = 300.0
PATIENCE_SECONDS = 60.0
STEPS = 4
"""The events of an order that is shipped."""

# A mark is a consumer of an event; it is noted when it is first shown as delivered.
_NOTE_MARKS = """
() => {
  window.shown = {};
  new MutationObserver(() => {
    const now = Date.now();
    for (const mark of document.querySelectorAll("#events li .mark.delivered")) {
      const key = mark.closest("li").id.slice(6) + " " + mark.title.split(":")[0];
      window.shown[key] ??= now;
    }
  }).observe(document.getElementById("events"), {childList: true, subtree: true});
}
"""


def figures(stack: Stack) -> list[Figure]:
    """Measure the board of a stack with the installed browser; it has placed 50 orders then.

    Raises:
        WorkshopError: There is no browser, or a delivery was not shown.
    """
    name = stack.target.name
    process.stop(name)
    started = time.perf_counter()
    board = process.start(name)
    took = time.perf_counter() - started
    try:
        with sync_playwright() as playwright, browsers.launch(playwright) as browser:
            context = browser.new_context()
            page = context.new_page()
            loading = time.perf_counter()
            page.goto(board.address)
            took += time.perf_counter() - loading
            late = _late(stack, page, context.new_page(), board.site)
    finally:
        process.stop(name)
    p95 = statistics.quantiles(late, n=20)[-1]
    return [
        Figure(
            "board: from its start to its first page", "s", took, "≤ 1.5 s", took <= START_BUDGET
        ),
        Figure(
            "board: from an order's last delivery to the page, p95",
            "ms",
            p95,
            "≤ 300 ms",
            p95 <= SHOWN_BUDGET,
            note=f"{ORDERS} orders; median {statistics.median(late):.0f} ms",
        ),
    ]


def _late(stack: Stack, events: Page, form: Page, site: str) -> list[float]:
    """Place orders on one page; return how late, in ms, the other one shows their last hops."""
    # A page that is loaded before the board has read its source is loaded once again.
    events.wait_for_selector("[data-generation='1']")
    events.wait_for_selector("body[data-connected=yes]")
    events.evaluate(_NOTE_MARKS)
    keys = stack.outputs.function_keys
    late = []
    for _ in range(ORDERS):
        form.goto(f"{site}place-order")
        form.get_by_role("button", name="Place the order").click()
        form.wait_for_url("**/orders/*")
        order_id = urlsplit(form.url).path.rpartition("/")[2]
        late.append(_last_hop(stack, events, order_id, keys))
    return late


def _last_hop(stack: Stack, page: Page, order_id: str, keys: dict[str, str]) -> float:
    deadline = time.monotonic() + PATIENCE_SECONDS
    control = switch(stack)
    while time.monotonic() < deadline:
        done = [each for each in control.deliveries(order_id) if each.outcome is Outcome.DELIVERED]
        if len({each.origin.event_id for each in done}) == STEPS and control.wait_idle(1.0):
            last = control.deliveries(order_id)[-1]
            mark = f"{last.origin.event_id} {keys[last.function]}"
            if (shown := page.evaluate("(key) => window.shown[key]", mark)) is not None:
                return float(shown - datetime.fromisoformat(last.time).timestamp() * 1000)
        time.sleep(0.05)
    raise WorkshopError(f"The board did not show the last delivery of {order_id}.")

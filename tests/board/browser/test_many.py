"""Many events: the list keeps up or says what it leaves out, and its memory is bounded."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import expect

from local_cloud.delivery.delivery_log import Outcome
from tests.board.browser.desk import order
from tests.fixtures.deployed import eventually, new_id
from tests.fixtures.events import delivered, example
from workshop.board.event_list import MOST
from workshop.board.views.events import SHOWN
from workshop.deployment.stack import current

pytestmark = pytest.mark.browser

ORDERS = 300
EVENTS = 10_000


def resident_mb(pid):
    """The memory of a process in MB; 0 where the system does not show it."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


def test_three_hundred_orders_end_as_the_local_cloud_says(desk, cloud):
    page = desk.open().connected()
    with ThreadPoolExecutor(16) as threads:
        orders = set(threads.map(lambda _: order(), range(ORDERS)))
    assert cloud.wait_idle(300)
    expect(page.locator("#events li")).to_have_count(SHOWN)
    last = {}
    for each in cloud.deliveries():
        if each.origin.correlation_id in orders and each.outcome is not Outcome.THROTTLED:
            last[each.origin.event_id, each.function] = each.outcome
    events = {event for event, _ in last}
    assert len(events) == 4 * ORDERS

    def agrees():
        shown = page.evaluate(
            """() => [...document.querySelectorAll("#events li")].map(
                 li => [li.id.slice(6), [...li.querySelectorAll(".mark")].map(m => m.className)])"""
        )
        return [
            (key, marks)
            for key, marks in shown
            if key in events and any("delivered" not in mark for mark in marks)
        ] == []

    assert set(last.values()) == {Outcome.DELIVERED}
    eventually(agrees)
    # The page that is open shows what a page that is loaded now shows.
    live = page.locator("#events li").evaluate_all("all => all.map(e => e.id)")
    page.reload()
    assert page.locator("#events li").evaluate_all("all => all.map(e => e.id)") == live
    note = page.locator(".note", has_text="older ones are not shown")
    expect(note).to_be_visible()


def test_ten_thousand_events_leave_the_board_small(desk, cloud):
    visit = desk.open()
    page = visit.connected()
    before = resident_mb(desk.board.pid)
    client, bus = current().client("events"), current().outputs.event_bus_name
    event = delivered(example("OrderCreated"))

    detail = json.dumps(event["detail"])

    def put(number):
        entries = [
            {
                "EventBusName": bus,
                "Source": "tests.board",
                "DetailType": "BoardTest",
                "Detail": detail.replace("example-1", f"x{number}-{each}"),
            }
            for each in range(10)
        ]
        assert client.put_events(Entries=entries)["FailedEntryCount"] == 0

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(put, range(EVENTS // 10)))
    marker = new_id("last")
    client.put_events(
        Entries=[
            {"EventBusName": bus, "Source": "tests.board", "DetailType": marker, "Detail": "{}"}
        ]
    )
    expect(page.locator("#events li").first).to_contain_text(marker)
    expect(page.locator("#events li")).to_have_count(SHOWN)
    page.reload()
    text = page.locator("main .note").first.text_content()
    older = int(re.search(r"(\d+) older ones are not shown", text)[1])
    removed = int(re.search(r"has removed (\d+) events", text)[1])
    assert older == MOST - SHOWN
    assert removed >= EVENTS - MOST
    after = resident_mb(desk.board.pid)
    print(f"The board's memory: {before:.0f} MB, after {EVENTS} events {after:.0f} MB")  # noqa: T201

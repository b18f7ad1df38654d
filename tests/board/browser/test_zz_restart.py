"""The local cloud stops, restarts or is killed: an open page says so, and continues."""

import os
import signal
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from local_cloud import processes
from tests.board.browser.desk import order
from tests.board.browser.test_events import STEPS, lines
from workshop.board import process
from workshop.deployment.local.up import down, local_cloud, up
from workshop.deployment.stack import cloud_name, current
from workshop.orders import api_client
from workshop.paths import ROOT

pytestmark = pytest.mark.browser


def run(*words):
    command = [sys.executable, "-m", "workshop", *words]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)


def test_board_is_found_again_and_a_killed_one_blocks_nothing(desk):
    first = desk.board
    assert first.address in run("board").stdout
    assert first.token not in run("status").stdout
    assert first.site in run("status").stdout
    os.kill(first.pid, signal.SIGKILL)
    assert processes.ended(first.pid, 60)
    assert process.running(cloud_name()) is None
    second = process.start(cloud_name())
    assert second.token != first.token
    desk.open().connected()


def shows_events_again(page):
    expect(page.locator("#banners .problem")).to_have_count(0)
    page.wait_for_selector("body[data-connected=yes]")
    api_client.set_stock(current(), dict.fromkeys(api_client.DEMO_STOCK, 10_000))
    order_id = order()
    expect(lines(page, order_id)).to_have_count(len(STEPS))


def test_page_continues_after_the_cloud_was_stopped_and_started(desk):
    page = desk.open().connected()
    before = order()
    expect(lines(page, before)).to_have_count(len(STEPS))
    down(cloud_name())
    expect(page.locator("#banners .problem")).to_be_visible()
    expect(lines(page, before)).to_have_count(len(STEPS))
    up(None, cloud_name())
    shows_events_again(page)
    expect(lines(page, before)).to_have_count(0)


def test_page_continues_after_the_cloud_was_killed_and_deployed_again(desk):
    page = desk.open().connected()
    running = local_cloud(cloud_name()).running()
    os.kill(running.pid, signal.SIGKILL)
    expect(page.locator("#banners .problem")).to_be_visible()
    expect(page.locator("#banners .problem")).to_contain_text("make up")
    for path in ("/flow", "/dead-letters", "/place-order"):
        other = desk.open(path)
        expect(other.page.locator("main h1")).to_be_visible()
    up(None, cloud_name())
    shows_events_again(page)


def test_page_says_so_when_the_board_has_ended(desk):
    desk.forgiven |= {"Failed to load resource", "ERR_"}
    page = desk.open().connected()
    process.stop(cloud_name())
    page.wait_for_selector("body[data-connected=no]")
    said = page.evaluate("getComputedStyle(document.body, '::before').content")
    assert "make board" in said
    process.start(cloud_name())
    desk.open().connected()


# The last test, so that the cloud need not start again.
def test_down_ends_the_board(desk):
    pid = desk.board.pid
    assert "The board is stopped." in run("down").stderr
    assert processes.ended(pid, 60)

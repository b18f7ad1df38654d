"""A browser on the board of the running stack. `make browser` deploys one for these tests."""

import pytest
from playwright.sync_api import expect, sync_playwright

from devtools import browsers
from local_cloud.control import Control
from tests.board.browser.desk import Desk, Visit
from workshop.board import process
from workshop.deployment.stack import cloud_name, current
from workshop.errors import WorkshopError
from workshop.orders import api_client

PATIENCE = 60_000
"""Milliseconds until a test gives up on what takes one: a busy machine is no defect."""


@pytest.fixture(scope="session")
def chromium():
    """The installed browser; without one the tests fail."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        try:
            found = browsers.launch(playwright)
        except WorkshopError as error:
            pytest.fail(str(error), pytrace=False)
        yield found
        found.close()


@pytest.fixture(scope="session")
def board():
    """The running board of the stack; there is stock for every test."""
    api_client.set_stock(current(), dict.fromkeys(api_client.DEMO_STOCK, 10_000))
    process.stop(cloud_name())
    yield process.start(cloud_name())
    process.stop(cloud_name())


@pytest.fixture
def desk(chromium, board):
    """Opens pages of the board; afterwards none of them may have reported an error."""
    made = Desk(chromium, PATIENCE)
    yield made
    made.close()


@pytest.fixture
def visit(desk) -> Visit:
    """A page of the board, 1,280 pixels wide, that shows the events."""
    return desk.open()


@pytest.fixture
def cloud():
    """The local cloud's switches; whatever was set is cleared."""
    control = Control(current().target.endpoint_url, timeout=120)
    yield control
    control.clear_faults()
    assert control.wait_idle(300)

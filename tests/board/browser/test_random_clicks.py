"""A hundred and fifty random clicks: no error, and the books balance when all is repaired."""

import random
import subprocess
import sys
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Error

from local_cloud.control import Control
from tests.fixtures.deployed import eventually
from workshop.board.page import VIEWS
from workshop.deployment.release import gateway_switch
from workshop.deployment.stack import current
from workshop.errors import UsageError
from workshop.journeys import order_rows
from workshop.orders import api_client, sending
from workshop.orders.ledger import entry
from workshop.paths import ROOT

pytestmark = pytest.mark.browser

CLICKS = 150
STEP = 1_500
"""Milliseconds for one click: what is covered or gone is left out."""

TARGETS = (
    "main a[href^='/'], main button, main input, main select, main summary, nav a, "
    "#banners a, #banners button"
)
NUMBERS = ("", "0", "1", "3", "100", "-1", "1000000000")
TEXTS = ("", "0", "KEYBOARD", "ü 🙂", "<b>x</b>", "'; --", "x" * 300, "tok_approved")


def act(visit, chance):
    """Do one random thing."""
    page = visit.page
    found = page.locator(TARGETS)
    if chance.random() < 0.15 or not (count := found.count()):
        visit.goto(chance.choice(VIEWS)[1])
        return
    target = found.nth(chance.randrange(count))
    kind = target.evaluate("e => e.tagName + ':' + (e.type ?? '')", timeout=STEP)
    if kind.startswith("SELECT"):
        options = target.locator("option").count()
        target.select_option(index=chance.randrange(options), timeout=STEP)
    elif kind == "INPUT:number":
        target.fill(chance.choice(NUMBERS), timeout=STEP)
    elif kind in {"INPUT:text", "INPUT:search"}:
        target.fill(chance.choice(TEXTS), timeout=STEP)
    else:
        target.click(timeout=STEP)


def orders_without_order_created(request):
    """Return the id of an order that a made-up event begins, if this request sends one.

    Such an order has no OrderCreated: it ships without a payment, or nothing recovers it when its
    dead letter is deleted. So its books need not balance.
    """
    if request.method != "POST" or urlsplit(request.url).path != "/send":
        return set()
    try:
        event = sending.parse(parse_qs(request.post_data or "").get("event", [""])[0])
    except UsageError:
        return set()
    order_id = sending.order_id(event)
    is_new = order_id.startswith(sending.PREFIX)
    return {order_id} if is_new and event["detail-type"] != "OrderCreated" else set()


def run(*words, exit_codes=(0,)):
    done = subprocess.run(
        [sys.executable, "-m", "workshop", *words], cwd=ROOT, check=False, capture_output=True
    )
    assert done.returncode in exit_codes, done.stderr


def all_orders():
    """Return the ids of all orders in the table."""
    table = current().outputs.table_names["orders"]
    pages = current().client("dynamodb").get_paginator("scan").paginate(TableName=table)
    return {item["order_id"]["S"] for page in pages for item in page["Items"]}


@pytest.mark.parametrize("seed", [15])
def test_random_clicks_cause_no_error_and_leave_balanced_books(desk, seed):
    before = all_orders()
    visit = desk.open()
    desk.forgiven |= {"422", "403", "404"}
    visit.page.on("dialog", lambda it: it.dismiss())
    made_up = set()
    visit.page.context.on("request", lambda it: made_up.update(orders_without_order_created(it)))
    chance, steps = random.Random(seed), []
    while len(steps) < CLICKS:
        try:
            act(visit, chance)
            steps.append(visit.page.url)
        except Error:  # what was to be clicked is covered or has gone meanwhile
            continue
    repair()
    orders = all_orders() - before - made_up
    print(f"{len(steps)} random steps, {len(orders)} orders")  # noqa: T201

    def unbalanced():
        return [each for each in orders if not entry(order_rows.rows(current(), each)).is_balanced]

    eventually(lambda: run("reconcile", "--older-than", "0") or not unbalanced())


def repair():
    """Remove every fault, fill the stock, and bring all dead letters back."""
    control = Control(current().target.endpoint_url, timeout=120)
    control.clear_faults()
    gateway_switch.switch(current(), up=True)
    api_client.set_stock(current(), dict.fromkeys(api_client.DEMO_STOCK, 10_000))
    assert control.wait_idle(300)
    run("redrive", exit_codes=(0, 1))  # a payment with tok_unavailable fails again

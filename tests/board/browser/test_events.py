"""The events, live."""

import pytest
from playwright.sync_api import expect

from local_cloud.delivery.fault_injection import Plan, Share
from tests.board.browser.desk import order
from tests.fixtures.events import order_request
from workshop.deployment.stack import current
from workshop.journeys import following
from workshop.orders import api_client

pytestmark = pytest.mark.browser

STEPS = ("order-created", "payment-succeeded", "stock-reserved", "shipment-prepared")


def lines(page, order_id):
    """The lines of an order's events."""
    return page.locator("#events li").filter(has=page.locator(f'a[href="/orders/{order_id}"]'))


def test_events_of_an_order_appear_without_a_reload(visit):
    page = visit.connected()
    page.evaluate("window.mark = 1")
    order_id = order()
    for step in STEPS:
        line = lines(page, order_id).filter(has_text=step)
        expect(line).to_have_count(1)
    expect(lines(page, order_id)).to_have_count(len(STEPS))
    expect(lines(page, order_id).locator(".mark:not(.delivered)")).to_have_count(0)
    assert page.evaluate("window.mark") == 1


def test_newest_event_is_the_first_line(visit):
    page = visit.connected()
    order_id = order()
    expect(lines(page, order_id)).to_have_count(len(STEPS))
    steps = [
        step.split(" ")[-1] for step in lines(page, order_id).locator("small").all_text_contents()
    ]
    assert steps == list(reversed(STEPS))


def test_two_browsers_show_the_same_events(desk):
    one, two = desk.open().connected(), desk.open().connected()
    order_id = order()
    for page in (one, two):
        expect(lines(page, order_id)).to_have_count(len(STEPS))
    ids = "#events li"
    expect(two.locator(ids)).to_have_count(one.locator(ids).count())


def test_paused_list_does_not_change_and_continues_with_what_it_missed(visit):
    page = visit.connected()
    page.get_by_role("button", name="Pause").click()
    order_id = order()
    following.wait_until_settled(current(), order_id, seconds=120)
    assert lines(page, order_id).count() == 0
    page.get_by_role("button", name="Continue").click()
    expect(lines(page, order_id)).to_have_count(len(STEPS))


def test_filter_is_in_the_address_and_survives_a_reload(visit):
    page = visit.connected()
    order_id = order()
    expect(lines(page, order_id)).to_have_count(len(STEPS))
    page.get_by_label("Type").select_option("PaymentProcessed")
    expect(page.locator("#events li", has_text="OrderCreated")).to_have_count(0)
    expect(lines(page, order_id)).to_have_count(1)
    assert "type=PaymentProcessed" in page.url
    page.reload()
    expect(lines(page, order_id)).to_have_count(1)
    expect(page.get_by_label("Type")).to_have_value("PaymentProcessed")


def test_filtered_list_gets_only_matching_events(desk):
    page = desk.open("/?type=ShipmentPrepared").connected()
    order_id = order()
    expect(lines(page, order_id)).to_have_count(1)
    assert set(page.locator("#events a[hx-get]").all_text_contents()) == {
        "ShipmentPrepared shipment-prepared"
    }


def test_detail_shows_payload_attempts_and_log_lines(visit):
    page = visit.connected()
    order_id = order()
    expect(lines(page, order_id).locator(".mark.delivered")).to_have_count(7)
    lines(page, order_id).filter(has_text="order-created").locator("a[hx-get]").click()
    detail = page.locator("#detail")
    expect(detail.get_by_role("heading", name="OrderCreated")).to_be_visible()
    expect(detail.locator("pre").first).to_contain_text(order_id)
    expect(detail.locator("tbody tr").first).to_contain_text("delivered")
    detail.get_by_text("Log lines of the consumers").click()
    expect(detail.locator(".logs pre")).to_contain_text("order-created")


def test_personal_data_is_shown_only_after_the_button(visit):
    page = visit.connected()
    order_id = order()
    lines(page, order_id).filter(has_text="order-created").locator("a[hx-get]").click()
    payload = page.locator("#detail pre").first
    expect(payload).to_contain_text("hidden")
    assert "Ada Example" not in page.content()
    page.get_by_role("button", name="Show personal data").click()
    expect(payload).to_contain_text("Ada Example")


def test_recipient_with_markup_is_text(visit):
    page = visit.connected()
    page.evaluate("() => { window.alert = () => { document.title = 'attacked' } }")
    attack = "<img src=x onerror=alert(1)>"
    request = order_request()
    request["ship_to"]["recipient"] = attack
    order_id = api_client.place_order(current(), request)["order_id"]
    lines(page, order_id).filter(has_text="order-created").locator("a[hx-get]").click()
    page.get_by_role("button", name="Show personal data").click()
    expect(page.locator("#detail pre").first).to_contain_text(attack)
    assert page.locator("img").count() == 0
    assert page.title() != "attacked"


def test_details_of_an_orders_event_come_into_view(desk):
    order_id = order()
    following.wait_until_settled(current(), order_id, seconds=120)
    page = desk.open(f"/orders/{order_id}").page
    page.set_viewport_size({"width": 1280, "height": 400})
    page.locator("#events a[hx-get]").last.evaluate("each => { scrollTo(0, 0); each.click() }")
    expect(page.locator("#detail h2")).to_be_in_viewport()


def test_details_beside_the_list_do_not_scroll_the_page(visit):
    page = visit.connected()
    order_id = order()
    lines(page, order_id).filter(has_text="order-created").locator("a[hx-get]").click()
    expect(page.locator("#detail h2")).to_be_visible()
    assert page.evaluate("scrollY") == 0


def test_new_filter_keeps_the_details_of_an_event_that_still_matches(visit):
    page = visit.connected()
    order_id = order()
    expect(lines(page, order_id)).to_have_count(len(STEPS))
    lines(page, order_id).filter(has_text="order-created").locator("a[hx-get]").click()
    expect(page.locator("#detail h2")).to_have_text("OrderCreated")
    page.get_by_label("Type").select_option("OrderCreated")
    expect(page.locator("#events li", has_text="ShipmentPrepared")).to_have_count(0)
    expect(page.locator("#detail h2")).to_have_text("OrderCreated")
    expect(page.locator("#events li.selected")).to_have_count(1)
    page.get_by_label("Type").select_option("ShipmentPrepared")
    expect(page.locator("#events li", has_text="OrderCreated")).to_have_count(0)
    expect(page.locator("#detail h2")).to_have_count(0)


def test_dropped_event_is_marked_at_its_consumer(visit, cloud):
    page = visit.connected()
    cloud.set_faults(Plan(drop=Share(1.0)))
    order_id = order()
    expect(lines(page, order_id).locator(".mark.dropped").first).to_be_visible()


def test_keyboard_alone_reaches_an_event_and_its_details(visit):
    page = visit.connected()
    order_id = order()
    expect(lines(page, order_id)).to_have_count(len(STEPS))
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content")
    page.keyboard.press("Enter")
    page.locator("#pause").focus()
    page.keyboard.press("Tab")
    expect(page.locator(":focus[hx-get]")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#detail h2")).to_be_visible()


def test_signs_of_the_legend_look_alike(visit):
    boxes = visit.page.locator(".legend li").evaluate_all(
        "all => all.map(e => [e.offsetHeight, getComputedStyle(e).backgroundColor].join())"
    )
    assert len(boxes) > 8
    assert len(set(boxes)) == 1

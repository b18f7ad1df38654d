"""What the board's buttons do to the stack."""

import pytest
from playwright.sync_api import expect

from tests.board.browser.desk import order
from tests.board.browser.test_events import lines
from tests.fixtures import ledger
from tests.fixtures.deployed import eventually, eventually_equal
from workshop.deployment.release import gateway_switch
from workshop.deployment.stack import current
from workshop.journeys import following
from workshop.orders import api_client
from workshop.recovery import dead_letters
from workshop.recovery.dead_letters import Filter

pytestmark = pytest.mark.browser


def test_placed_order_leads_to_its_page_and_is_shipped(desk):
    page = desk.open("/place-order").page
    page.get_by_role("button", name="Place the order").click()
    page.wait_for_url("**/orders/*")
    order_id = page.url.rpartition("/")[2]
    assert following.wait_until_settled(current(), order_id, seconds=120) == "SHIPMENT_PREPARED"
    expect(page.locator("main")).to_contain_text("SHIPMENT_PREPARED")
    ledger.check(current(), order_id)


def test_order_without_items_is_refused_in_place(desk):
    desk.forgiven.add("422")  # a refusal is a response that the console reports
    page = desk.open("/place-order").page
    for each in page.get_by_role("spinbutton").all():
        each.fill("0")
    page.get_by_role("button", name="Place the order").click()
    expect(page.locator("#placed .refused")).to_be_visible()
    assert page.url.endswith("/place-order")


def test_fifty_orders_at_the_same_time_are_counted(desk, cloud):
    page = desk.open("/place-order").page
    page.get_by_role("button", name="at the same time").click()
    expect(page.locator("#placed")).to_contain_text("50 placed, 0 refused")


def test_injected_faults_show_a_banner_on_every_page_until_removed(desk, cloud):
    other = desk.open().connected()
    page = desk.open("/faults").page
    page.locator("#share-drop").fill("100")
    page.get_by_role("button", name="Inject these faults").click()
    expect(other.locator("#banners .faults")).to_be_visible()
    assert cloud.faults().drop.share == 1.0
    order_id = order()
    expect(lines(other, order_id).locator(".mark.dropped").first).to_be_visible()
    page.locator("#banners button").first.click()
    expect(page.locator("#banners .faults")).to_have_count(0)
    expect(other.locator("#banners .faults")).to_have_count(0)
    assert cloud.faults() is None


def test_done_goes_when_the_faults_change(desk, cloud):
    page = desk.open("/faults").connected()
    page.locator("#share-drop").fill("100")
    page.get_by_role("button", name="Inject these faults").click()
    done = page.locator(".result", has_text="Done.")
    expect(done).to_have_count(1)
    cloud.clear_faults()
    expect(page.locator("#banners .faults")).to_have_count(0)
    expect(done).to_have_count(0)


def test_killed_function_is_marked_and_the_order_arrives(desk, cloud):
    page = desk.open("/faults").page
    page.locator("select[name=kill]").select_option("payment")
    page.get_by_role("button", name="Kill it").click()
    eventually(lambda: cloud.faults() is not None)
    order_id = order()
    assert following.wait_until_settled(current(), order_id, seconds=120) == "SHIPMENT_PREPARED"
    events = desk.open(f"/?order={order_id}").page
    expect(events.locator("#events .mark.killed")).to_have_count(1)
    ledger.check(current(), order_id)


def test_gateway_is_switched_off_and_on(desk):
    page = desk.open("/faults").page
    page.get_by_role("button", name="Switch it off").click()
    expect(page.locator("#faults-now")).to_contain_text("down")
    expect(page.locator("#banners .faults")).to_be_visible()
    page.get_by_role("button", name="Switch it on").click()
    expect(page.locator("#faults-now")).to_contain_text("up")
    expect(page.locator("#banners .faults")).to_have_count(0)
    assert set(gateway_switch.state(current()).values()) == {True}


@pytest.fixture
def dead_letter(cloud):
    """Let an order fail at the inventory; return its id. The cause is removed then."""
    api_client.delete_stock_item(current(), "HEADSET")
    order_id = order({"HEADSET": 1})
    queues = dead_letters.of(current()).queues
    eventually(lambda: dead_letters.look(queues, Filter(order_id=order_id)))
    api_client.set_stock(current(), {"HEADSET": 10_000})
    return order_id


def waiting(order_id):
    return len(dead_letters.look(dead_letters.of(current()).queues, Filter(order_id=order_id)))


def row(page, order_id):
    return page.locator("#dead-letters > li").filter(
        has=page.locator(f'a[href="/orders/{order_id}"]')
    )


def test_dead_letter_appears_and_its_redrive_ships_the_order(desk, dead_letter):
    page = desk.open("/dead-letters").page
    found = row(page, dead_letter)
    expect(found).to_contain_text("UnknownSkuError")
    found.get_by_role("button", name="Redrive message").click()
    expect(found).to_contain_text("redriven")
    status = following.wait_until_settled(current(), dead_letter, seconds=120)
    assert status == "SHIPMENT_PREPARED"
    assert waiting(dead_letter) == 0
    ledger.check(current(), dead_letter)


def test_dead_letter_is_discarded_only_after_a_confirmation(desk, dead_letter):
    page = desk.open("/dead-letters").page
    found = row(page, dead_letter)
    found.get_by_role("button", name="Discard message").click()
    expect(found.locator(".confirm")).to_be_visible()
    found.get_by_role("button", name="Keep it").click()
    expect(found.locator(".confirm")).to_have_count(0)
    assert waiting(dead_letter) == 1
    found.get_by_role("button", name="Discard message").click()
    found.get_by_role("button", name="Delete it").click()
    expect(found).to_contain_text("deleted")
    eventually_equal(lambda: waiting(dead_letter), 0)


def test_function_of_the_flow_leads_to_its_events(desk):
    page = desk.open("/flow").connected()
    page.locator("svg a[href*=payment]").first.click()
    page.wait_for_url("**/?*function=payment*")
    expect(page.get_by_label("Function")).to_have_value("payment")

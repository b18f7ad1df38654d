"""Why an event does not arrive, an event of one's own, and the lesson."""

import json

import pytest
from playwright.sync_api import expect

from tests.board.browser.desk import order
from tests.board.browser.test_events import lines
from tests.fixtures.events import delivered, example
from workshop.deployment.stack import current
from workshop.journeys import following

pytestmark = pytest.mark.browser


def test_pasted_event_names_the_field_that_no_rule_matches(desk):
    page = desk.open("/why").page
    event = delivered(example("OrderCreated"), source="somebody.else")
    page.locator("#json").fill(json.dumps(event))
    page.get_by_role("button", name="Explain this event").click()
    answers = page.locator("#answers")
    expect(answers.locator(".rules").first).to_contain_text("source")
    expect(answers).to_contain_text("somebody.else")


def test_events_of_an_order_are_explained(desk):
    order_id = order()
    following.wait_until_settled(current(), order_id, seconds=120)
    page = desk.open("/why").page
    page.get_by_label("Event or order").fill(order_id)
    page.get_by_role("button", name="Explain", exact=True).click()
    expect(page.locator("nav.siblings li")).to_have_count(4)
    expect(page.locator("#answers")).to_contain_text("payment")


def test_event_is_checked_while_typing_and_leads_to_its_journey(desk):
    desk.forgiven.add("422")
    page = desk.open("/send?template=OrderCreated").page
    check = page.locator("#send-check")
    expect(check).to_contain_text("Valid.")
    text = page.locator("#event").input_value()
    page.locator("#event").fill("{")
    expect(check.locator(".refused")).to_be_visible()
    page.locator("#event").fill(text.replace('"EUR"', "7"))
    expect(check).to_contain_text("Invalid")
    page.locator("#event").fill(text)
    expect(check).to_contain_text("Valid.")
    page.get_by_role("button", name="Send", exact=True).click()
    page.wait_for_url("**/orders/*")
    order_id = page.url.rpartition("/")[2]
    following.wait_until_settled(current(), order_id, seconds=120)
    events = desk.open(f"/?order={order_id}").page
    expect(lines(events, order_id).filter(has_text="OrderCreated")).to_have_count(1)


def test_lesson_shows_its_steps_and_every_other_lesson(desk):
    page = desk.open("/lesson?stage=1").page
    expect(page.locator("#steps > li").first).to_be_visible()
    for stage in range(2, 7):
        page.locator("nav.stages").get_by_role("link", name=f"{stage} ").click()
        expect(page.locator("h1")).to_contain_text(f"Lesson {stage}")

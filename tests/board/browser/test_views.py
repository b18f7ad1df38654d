"""What holds on every view: accessible, nothing overlaps, nothing overflows."""

from itertools import pairwise

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.board.browser.desk import order
from tests.board.fakes import PORT, TOKEN, FakeSource
from workshop.board.app import build
from workshop.board.page import VIEWS
from workshop.deployment.stack import current
from workshop.journeys import following

pytestmark = pytest.mark.browser

ROUTES = {
    getattr(each, "path", "") for each in build(FakeSource(), token=TOKEN, port=PORT)._app.routes
}
PATHS = [
    *(path for _, path in VIEWS if path in ROUTES),
    *(path for path in ROUTES if path == "/orders/{order_id}"),
]
"""The views that exist."""

OVERLAPS = """
() => {
  const shown = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, parent = node.parentElement;
    if (!node.data.trim() || !parent.checkVisibility({visibilityProperty: true})) continue;
    if (parent.closest(".hidden, .skip, option, script, style, title")) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) {
      if (box.width < 2 || box.height < 2) continue;
      // What a scrolling box cuts off is not visible.
      let cut = {left: box.left, right: box.right, top: box.top, bottom: box.bottom};
      for (let up = parent; up; up = up.parentElement) {
        const style = getComputedStyle(up);
        if (style.overflowX === "visible" && style.overflowY === "visible") continue;
        const other = up.getBoundingClientRect();
        cut = {left: Math.max(cut.left, other.left), right: Math.min(cut.right, other.right),
               top: Math.max(cut.top, other.top), bottom: Math.min(cut.bottom, other.bottom)};
      }
      if (cut.right - cut.left > 2 && cut.bottom - cut.top > 2)
        shown.push({...cut, text: node.data.trim().slice(0, 40), parent});
    }
  }
  const found = [];
  for (let i = 0; i < shown.length; i++)
    for (let j = i + 1; j < shown.length; j++) {
      const a = shown[i], b = shown[j];
      if (a.parent === b.parent) continue;
      const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      // Lines of text overlap by some pixels because of ascenders.
      if (width > 2 && height > 0.35 * Math.min(a.bottom - a.top, b.bottom - b.top))
        found.push(`${a.text} × ${b.text}`);
    }
  return found.slice(0, 10);
}
"""


@pytest.fixture(scope="module")
def placed(board):
    """Orders with every kind of ending, so that no view is empty."""
    found = [order(), order({"HEADSET": 1}, token="tok_insufficient_funds")]
    for each in found:
        following.wait_until_settled(current(), each, seconds=120)
    return found


@pytest.fixture(params=[*PATHS, "detail"])
def path(request, placed):
    """Each view; `detail` is the events' view with an event selected."""
    return request.param.replace("{order_id}", placed[0])


@pytest.fixture
def shown(desk, path):
    """Open a view at a width and in a theme."""

    def show(width=1280, theme="light"):
        visit = desk.open("/" if path == "detail" else path, width=width, theme=theme)
        page = visit.page
        expect(page.locator("main h1").first).to_be_visible()
        if path == "detail":
            page.locator("#events a[hx-get]").first.click()
            expect(page.locator("#detail h2").first).to_be_visible()
        page.wait_for_load_state("load")
        return page

    return show


# Colours do not depend on the width, so two combinations show both themes and both widths.
@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_view_is_accessible_and_nothing_overlaps_or_overflows(shown, width, theme):
    page = shown(width, theme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(OVERLAPS) == []
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.locator("h1").count() == 1
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(e => +e.tagName[1])")
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page.title()


def test_every_view_of_the_menu_exists():
    assert {path for _, path in VIEWS} <= ROUTES


def test_overlapping_text_is_found(desk):
    page = desk.context().new_page()
    page.set_content("<p>one</p><p style='margin-top: -2.2em'>two</p>")
    assert page.evaluate(OVERLAPS) == ["one × two"]
    page.set_content("<p>one</p><p>two</p>")
    assert page.evaluate(OVERLAPS) == []

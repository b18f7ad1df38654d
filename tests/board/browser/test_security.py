"""What another page in the same browser can do to the board: nothing."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import expect

from tests.board.browser.desk import order
from workshop.deployment.stack import current
from workshop.orders.cleanup import orders_of

pytestmark = pytest.mark.browser


TRIES = """
async (board) => {
  const send = (path, options) => () =>
    fetch(board + path, {credentials: "include", ...options}).then((found) => found.text());
  const body = new URLSearchParams({"quantity-KEYBOARD": "1"});
  const tries = [
    send("", {}),
    send("", {mode: "no-cors"}),
    send("place-order", {method: "POST", mode: "no-cors", body}),
    send("place-order", {method: "POST", headers: {"X-Board-Token": "guess"}, body}),
    () => new Promise((resolve) => {
      const stream = new EventSource(board + "events/live", {withCredentials: true});
      stream.onmessage = (message) => resolve(message.data);
      stream.onerror = () => resolve("");
    }),
  ];
  const found = [];
  for (const each of tries) {
    try { found.push(await each()); } catch { found.push(""); }
  }
  return found;
}
"""
"""Requests of another origin's page: what each of them could read."""

INLINE = """
() => {
  window.refused = [];
  document.addEventListener("securitypolicyviolation", (event) =>
    window.refused.push(event.effectiveDirective));
  const script = document.createElement("script");
  script.textContent = "document.title = 'attacked'";
  document.body.append(script);
  const holder = document.createElement("p");
  holder.innerHTML = "<img src=x onerror=\\"document.title='attacked'\\">";
  document.body.append(holder);
  const link = document.createElement("a");
  link.href = "javascript:document.title='attacked'";
  document.body.append(link);
  link.click();
}
"""
"""Three ways to run script that the page does not load from the board."""


@contextmanager
def site(html):
    """Serve a page on another port: another origin of the same site."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}/", f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_token_is_neither_in_the_address_nor_readable_as_a_cookie(desk):
    visit = desk.open()
    token = desk.board.token
    assert token not in visit.page.url
    assert token not in visit.page.evaluate("document.cookie")
    [cookie] = visit.page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    visit.page.go_back()
    assert token not in visit.page.url


def test_browser_without_the_token_sees_nothing(desk):
    order_id = order()
    page = desk.context().new_page()
    for path in ("", "orders/" + order_id, "flow", "events/live"):
        found = page.goto(desk.board.site + path)
        assert found.status == 403
        assert order_id not in page.content()


@pytest.mark.parametrize("number", [0, 1])
def test_other_site_can_neither_read_post_nor_frame_the_board(desk, number):
    visit = desk.open()
    visit.connected()
    board = desk.board.site
    html = f"""
      <iframe id="frame" src="{board}"></iframe>
      <form id="form" method="post" action="{board}place-order" target="out">
        <input name="quantity-KEYBOARD" value="1"><input name="payment" value="tok_approved">
        <input name="currency" value="EUR"><input name="customer" value="attacker"></form>
      <iframe name="out"></iframe>
    """
    with site(html) as addresses:
        page = visit.page.context.new_page()
        page.goto(addresses[number])
        read = page.evaluate(TRIES, board)
        assert read == [""] * len(read)
        page.evaluate("document.getElementById('form').submit()")
        expect(page.locator("iframe")).to_have_count(2)
        assert all(each.locator("#main").count() == 0 for each in page.frames)
    assert orders_of(current(), "attacker") == []


def test_inline_script_does_not_run(desk):
    page = desk.open().page
    desk.forgiven |= {"Content Security Policy", "Failed to load resource"}
    page.evaluate(INLINE)
    page.wait_for_function("() => window.refused.length >= 3")
    refused = set(page.evaluate("window.refused"))
    assert {"script-src-elem", "script-src-attr"} <= refused
    assert page.title() != "attacked"

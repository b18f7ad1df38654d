"""Attacks on the board: each is refused, and says nothing that helps."""

import asyncio

import pytest

from tests.board.fakes import PORT, TOKEN, Client, FakeSource, bus_event
from workshop.board.access import BODY_LIMIT
from workshop.board.app import build

OWN = f"127.0.0.1:{PORT}"


@pytest.fixture(scope="module")
def board():
    source = FakeSource()
    source.add(bus_event("OrderCreated", "payment"))
    with Client(source) as client:
        client.shows("event-event-1")
        yield client


@pytest.fixture
def stranger(board):
    """The same client without the cookie."""
    cookie, board.cookie = board.cookie, ""
    yield board
    board.cookie = cookie


def test_address_with_the_token_sets_a_strict_cookie_and_hides_it(stranger):
    found = stranger.get(f"/?type=OrderCreated&token={TOKEN}&text=a+b")
    assert found.status == 303
    assert found.headers["location"] == "/?type=OrderCreated&text=a+b"
    assert found.headers["set-cookie"].startswith(f"board-{PORT}={TOKEN};")
    assert "HttpOnly" in found.headers["set-cookie"]
    assert "SameSite=strict" in found.headers["set-cookie"]


@pytest.mark.parametrize("path", ["/", "/events/event-1", "/events/live", "/static/board.css"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"cookie": f"board-{PORT}=wrong"},
        {"cookie": f"board-{PORT}="},
        {"cookie": f"board-{PORT + 1}={TOKEN}"},
        {"x-board-token": TOKEN},
        {"authorization": f"Bearer {TOKEN}"},
    ],
)
def test_request_without_the_cookie_is_refused(stranger, path, headers):
    found = stranger.request("GET", path, headers=headers)
    assert found.status == 403
    assert "make board" in found.text
    assert TOKEN not in f"{found.headers}{found.text}"


@pytest.mark.parametrize("token", ["wrong", "", TOKEN[:-1], f"{TOKEN}x", "%00", "%C3%A9"])
def test_wrong_token_in_the_address_is_refused(board, token):
    found = board.get(f"/?token={token}")
    assert found.status == 403
    assert "set-cookie" not in found.headers


@pytest.mark.parametrize(
    "host",
    ["evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:80", "", f"127.0.0.2:{PORT}"],
)
def test_request_for_another_host_is_refused_even_with_the_cookie(board, host):
    for path in ("/", f"/?token={TOKEN}"):
        assert board.request("GET", path, headers={"host": host}).status == 403


@pytest.mark.parametrize("host", [OWN, f"localhost:{PORT}", f"[::1]:{PORT}"])
def test_each_name_of_the_loopback_address_is_answered(board, host):
    assert board.request("GET", "/", headers={"host": host}).status == 200


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        f"https://{OWN}",
        "http://127.0.0.1",
        f"http://localhost:{PORT}",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_request_from_another_origin_is_refused(board, method, origin):
    headers = {"origin": origin, "x-board-token": TOKEN}
    found = board.request(method, "/", headers=headers)
    assert found.status == 403
    assert "another site" in found.text


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_post_from_another_site_is_refused(board, site):
    found = board.post("/", {"sec-fetch-site": site})
    assert found.status == 403
    assert "another site" in found.text


@pytest.mark.parametrize("token", [None, "", "wrong"])
def test_post_without_the_token_in_its_header_is_refused(board, token):
    headers = {} if token is None else {"x-board-token": token}
    found = board.request("POST", f"/?token={TOKEN}", headers=headers)
    assert found.status == 403
    assert "X-Board-Token" in found.text


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "///evil.example",
        "/%2Fevil.example",
        "/%5Cevil.example",
        "/%09/evil.example",
    ],
)
def test_redirect_never_leads_to_another_host(board, path):
    found = board.get(f"{path}?token={TOKEN}")
    assert found.status == 303
    location = found.headers["location"]
    assert location.startswith("/")
    assert location[1] not in "/\\\t"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-length": str(BODY_LIMIT + 1)}, 413),
        ({"content-length": "many"}, 413),
        ({"transfer-encoding": "chunked"}, 413),
        ({"content-length": str(BODY_LIMIT)}, 405),
    ],
)
def test_large_body_and_one_of_unknown_size_are_refused(board, headers, status):
    assert board.post("/", headers).status == status


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"])
def test_other_methods_are_refused_and_allow_no_other_origin(board, method):
    plain = board.request(method, "/")
    allowed = board.request(method, "/", headers={"x-board-token": TOKEN})
    assert (plain.status, allowed.status) == (403, 405)
    for found in (plain, allowed):
        assert not [name for name in found.headers if name.startswith("access-control")]


def test_head_is_answered_as_get_is(stranger):
    assert stranger.request("HEAD", "/").status == 403
    cookie = stranger.request("HEAD", f"/?token={TOKEN}").headers["set-cookie"]
    assert stranger.request("HEAD", "/", headers={"cookie": cookie}).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/static/../access.py",
        "/static/%2e%2e/access.py",
        "/static/..%2faccess.py",
        "/static//etc/passwd",
    ],
)
def test_path_out_of_the_static_folder_is_not_found(board, path):
    found = board.get(path)
    assert found.status == 404
    assert "import" not in found.text


def test_websocket_is_not_accepted():
    async def run():
        async def never(*_):
            raise AssertionError

        application = build(FakeSource(), token=TOKEN, port=PORT)
        await application({"type": "websocket", "path": "/", "headers": []}, never, never)

    asyncio.run(run())


@pytest.mark.parametrize("path", ["/", "/nothing", "/static/board.js"])
def test_every_response_has_the_security_headers(board, path):
    headers = board.get(path).headers
    policy = dict(
        each.strip().split(" ", 1) for each in headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert not [name for name in headers if name.startswith("access-control")]

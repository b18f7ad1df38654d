"""Which repository may deploy: its name in a git address, and its numbers on GitHub."""

import http.server
import json
import threading

import pytest

from workshop.deployment.aws import github_repository
from workshop.deployment.aws.github_repository import Repository
from workshop.errors import UsageError, WorkshopError


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://github.com/acme/orders.git", "acme/orders"),
        ("https://github.com/acme/orders", "acme/orders"),
        ("https://token@github.com/acme/orders.git", "acme/orders"),
        ("git@github.com:acme/order.s.git", "acme/order.s"),
        ("ssh://git@github.com/acme/orders.git", "acme/orders"),
        ("https://gitlab.com/acme/orders.git", None),
        ("https://github.com.evil.example/acme/orders", None),
        ("https://github.com/acme", None),
        ("/somewhere/on/this/machine", None),
        ("", None),
    ],
)
def test_repository_name_is_read_from_a_git_address(url, name):
    """In each of the forms that GitHub offers; elsewhere there is none."""
    assert github_repository.name_in(url) == name


@pytest.fixture
def github():
    """Serve one answer as GitHub would; returns the address, and where to put the answer."""
    answer = {"status": 200, "body": b"{}"}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            answer["path"] = self.path
            self.send_response(answer["status"])
            self.end_headers()
            self.wfile.write(answer["body"])

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/repos/", answer
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    """What is asked here is on this machine."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def test_look_up_returns_githubs_numbers_and_capitals(github):
    """A trust policy compares capitals, and somebody who types seldom does."""
    api, answer = github
    answer["body"] = json.dumps(
        {"id": 22, "full_name": "Acme/Orders", "owner": {"id": 11}}
    ).encode()
    assert github_repository.look_up("acme/orders", api) == Repository("Acme/Orders", 11, 22)
    assert answer["path"] == "/repos/acme/orders"


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (404, b"{}", "private, or there is none"),
        (403, b"{}", "does not tell the numbers"),
        (200, b"<html>", "does not tell the numbers"),
        (200, b'{"id": 22}', "does not tell the numbers"),
    ],
)
def test_without_the_numbers_there_is_a_way_to_give_them(github, status, body, message):
    """Private, or GitHub does not answer: the message has the command, and the options."""
    api, answer = github
    answer |= {"status": status, "body": body}
    with pytest.raises(WorkshopError, match=message) as error:
        github_repository.look_up("acme/orders", api)
    assert "gh api repos/acme/orders --jq '[.owner.id, .id]'" in str(error.value)
    assert "--owner-id" in str(error.value)


def test_github_out_of_reach_is_a_sentence():
    """No internet: the same message."""
    with pytest.raises(WorkshopError, match="gh api"):
        github_repository.look_up("acme/orders", "http://127.0.0.1:9/")


@pytest.mark.parametrize("name", ["acme", "acme/*", "acme/orders/x", "*/orders", "a b/c", ""])
def test_a_name_that_is_none_is_not_asked_for(name):
    """Above all no wildcard: it would go into a trust policy."""
    with pytest.raises(UsageError, match="owner/name"):
        github_repository.look_up(name, "http://127.0.0.1:9/")

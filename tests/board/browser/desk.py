"""Opens the board's pages in a browser, and records what goes wrong in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page

from workshop.board.process import Running, running
from workshop.deployment.stack import cloud_name, current
from workshop.orders import api_client

ITEMS = {"KEYBOARD": 1}


@dataclass
class Visit:
    """A page, and what it reported.

    Attributes:
        page: The page.
        errors: Errors in the console, exceptions, and responses that are faults of the server.
        foreign: Requests to other hosts.
    """

    page: Page
    site: str
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        host = urlsplit(self.site).netloc
        self.page.on("console", lambda it: it.type == "error" and self.errors.append(it.text))
        self.page.on("crash", lambda _: self.errors.append("the page has crashed"))
        self.page.on("pageerror", lambda it: self.errors.append(str(it)))
        self.page.on(
            "response",
            lambda it: it.status >= 500 and self.errors.append(f"{it.status} {it.url}"),
        )
        self.page.on(
            "request",
            lambda it: urlsplit(it.url).netloc not in {host, ""} and self.foreign.append(it.url),
        )

    def goto(self, path: str) -> Page:
        """Go to a page of the board."""
        self.page.goto(self.site.rstrip("/") + path)
        return self.page

    def connected(self) -> Page:
        """Wait until the page receives changes."""
        self.page.wait_for_selector("body[data-connected=yes]")
        return self.page


class Desk:
    """Opens pages. Each has cookies of its own, as if it were another browser."""

    def __init__(self, browser: Browser, patience: float) -> None:
        self._browser, self._patience = browser, patience
        self._contexts: list[BrowserContext] = []
        self._visits: list[Visit] = []
        self.forgiven: set[str] = set()

    @property
    def board(self) -> Running:
        """The board as it runs now."""
        found = running(cloud_name())
        assert found is not None, "the board has ended"
        return found

    def open(self, path: str = "/", *, width: int = 1280, theme: str = "light") -> Visit:
        """Open the board with its token, then a page of it."""
        board = self.board
        visit = Visit(self.context(width=width, theme=theme).new_page(), board.site)
        self._visits.append(visit)
        visit.page.goto(board.address)
        if path != "/":
            visit.goto(path)
        return visit

    def context(self, *, width: int = 1280, theme: str = "light") -> BrowserContext:
        """Return a browser without cookies."""
        made = self._browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=theme, reduced_motion="reduce"
        )
        made.set_default_timeout(self._patience)
        self._contexts.append(made)
        return made

    def close(self) -> None:
        """Close all pages; none has had an error, and none has asked another host."""
        for each in self._contexts:
            each.close()
        said = [text for visit in self._visits for text in visit.errors]
        assert [text for text in said if not any(each in text for each in self.forgiven)] == []
        assert [url for visit in self._visits for url in visit.foreign] == []


def order(items: Mapping[str, int] = ITEMS, **fields: Any) -> str:
    """Place an order; return its id."""
    request = api_client.order_request(dict(items), **fields)
    return str(api_client.place_order(current(), request)["order_id"])

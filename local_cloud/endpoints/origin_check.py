"""Refuses requests from web pages.

Any page in a learner's browser can send requests to the loopback address, and MiniStack runs code
for every caller. Three signs identify a page, and no AWS client has one of them:

- an Origin header, which browsers add to a page's requests to another site, except to plain GETs;
- a Sec-Fetch-Site header with another value than for an address that a person typed;
- the Host of the page, which an attacker can point to the loopback address (DNS rebinding): for the
  browser, page and local cloud are then the same site.
"""

import re
from collections.abc import Iterable

_OWN_HOST = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\]|[\w.-]+\.localhost)(?::\d+)?", re.ASCII)


def objection(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return why a request with these headers is refused; empty if it is not.

    Args:
        headers: as ASGI has them, with names in lower case.
    """
    hosts = []
    for name, raw in headers:
        value = raw.decode("latin-1").strip().lower()
        if name == b"origin" or (name == b"sec-fetch-site" and value != "none"):
            return "web pages may not talk to the local cloud"
        if name == b"host":
            hosts.append(value)
    if not hosts or not all(_OWN_HOST.fullmatch(host) for host in hosts):
        return "the local cloud is 127.0.0.1 or localhost; it answers to no other name"
    return ""

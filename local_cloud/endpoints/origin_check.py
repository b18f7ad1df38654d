"""Keeps web pages out of the local cloud.

Any page in a learner's browser can send requests to the loopback address, and MiniStack runs code
for whoever asks. Three signs give a page away, and no AWS client shows one of them:

- an Origin header, which browsers add to what a page sends to another site, except to plain GETs;
- a Sec-Fetch-Site header that names another sender than the person at the address bar;
- a Host of the page's own, which an attacker can point to the loopback address (DNS rebinding):
  to the browser, page and local cloud are then one site.
"""

import re
from collections.abc import Iterable

_OWN_HOST = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\]|[\w.-]+\.localhost)(?::\d+)?", re.ASCII)


def objection(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Why a request with these headers is not served; empty when it is.

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

"""The Makefile's list of commands, which `make help` and the command line's own help show."""

import re

from workshop.paths import MAKEFILE

_LINE = re.compile(
    r"^(?:## (?P<title>.+)|(?P<command>[a-z-]+): ; .*## (?P<about>.+))$", re.MULTILINE
)


def groups() -> dict[str, dict[str, str]]:
    """Return group → command → what it does in a line, in the Makefile's order."""
    found: dict[str, dict[str, str]] = {}
    for line in _LINE.finditer(MAKEFILE.read_text("utf-8")):
        if title := line["title"]:
            found[title] = {}
        else:
            found[next(reversed(found))][line["command"]] = line["about"].replace("$$", "$")
    return found

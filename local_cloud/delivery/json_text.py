"""JSON as AWS sends it: text that can always be written in UTF-8."""

import json
import re
from typing import Any

_HALF = re.compile("[\ud800-\udfff]")


def dumps(value: Any, separators: tuple[str, str] | None = None) -> str:
    """Return a value as JSON, in which characters are themselves.

    Half a character (a lone surrogate) has no UTF-8: it stays escaped, as it came.

    Args:
        value: Any JSON value.
        separators: As for `json.dumps`.
    """
    text = json.dumps(value, separators=separators, ensure_ascii=False)
    return _HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", text)

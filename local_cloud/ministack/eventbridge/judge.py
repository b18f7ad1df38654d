"""Answer whether patterns match events; run by its path, in the interpreter that holds MiniStack.

Reads a line of JSON with `pattern` and `event`, both as text, and answers with a line, the response
of TestEventPattern.
"""

import json
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3]))

from ministack.services import eventbridge

from local_cloud.ministack.eventbridge import patterns


def main() -> None:
    """Answer until there is no more input."""
    patterns.install()
    for line in sys.stdin:
        asked = json.loads(line)
        request = {"EventPattern": asked["pattern"], "Event": asked["event"]}
        _, _, body = eventbridge._test_event_pattern(request)  # noqa: SLF001 - as in patterns.py
        sys.stdout.write(body.decode() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

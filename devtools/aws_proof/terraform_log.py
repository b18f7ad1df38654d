"""Read the requests of Terraform's AWS provider from its log, without ids.

The log is JSON. The provider writes a line for each request and for each response, both with the
identifier of the resource's operation that they belong to (aws-sdk-go-base, package logging).
"""

import json
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from workshop.deployment.recording import of_the_stack
from workshop.deployment.redaction import redacted

SENT, RECEIVED = "HTTP Request Sent", "HTTP Response Received"


def variables(log: Path) -> dict[str, str]:
    """Return the environment in which Terraform writes such a log.

    Args:
        log: The file; it holds ids, and the state's values.
    """
    # Only TF_LOG sets the format JSON; the others set the level.
    levels = {"TF_LOG": "JSON", "TF_LOG_CORE": "OFF", "TF_LOG_PROVIDER": "DEBUG"}
    return levels | {"TF_LOG_PATH": str(log)}


def exchanges(lines: Iterable[str], prefix: str) -> Iterator[dict[str, Any]]:
    """Yield each request with its response, in the order of the responses.

    Args:
        lines: The log.
        prefix: Start of the stack's names: of lists, only entries that have it are kept.
    """
    waiting: defaultdict[tuple[str, ...], deque[dict[str, Any]]] = defaultdict(deque)
    for line in lines:
        if SENT not in line and RECEIVED not in line:
            continue
        entry = json.loads(line)
        service, operation = entry.get("rpc.service", ""), entry.get("rpc.method", "")
        key = (entry.get("tf_req_id", ""), service, operation)
        if entry["@message"] == SENT:
            waiting[key].append(entry)
        elif entry["@message"] == RECEIVED and waiting[key]:
            sent = waiting[key].popleft()
            response = _body(entry.get("http.response.body", ""))
            if isinstance(response, dict):
                response = of_the_stack(operation, response, prefix)
            yield {
                "command": "terraform",
                "service": service,
                "operation": operation,
                "method": sent["http.method"],
                "path": redacted(urlsplit(sent["http.url"]).path),
                "request": redacted(_body(sent.get("http.request.body", ""))),
                "status": entry.get("http.status_code"),
                "response": redacted(response),
            }


def _body(text: str) -> Any:
    """Return a body as the service sees it: JSON, a form, or text."""
    text = text.strip()
    try:
        return json.loads(text)
    except ValueError:
        form = text.startswith("Action=")
        return dict(parse_qsl(text, keep_blank_values=True)) if form else text

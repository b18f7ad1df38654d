"""Record what boto3 asks AWS and what AWS answers, without ids, as lines of JSON.

`target.recorded` switches it on, in commands that `devtools prove-aws` started.
"""

import json
import sys
import threading
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from workshop.deployment.aws.account_lists import LISTS
from workshop.deployment.redaction import redacted

FILE = "boto3.jsonl"

_PARAMETERS = "workshop_recorded_parameters"
_LISTS = {
    operation.replace("_", ""): key for _, operation, key, _ in LISTS
} | {"getresources": "ResourceTagMappingList"}  # fmt: skip
"""Lists of all that an account has: operation in lower case → member with the list."""

_lock = threading.Lock()


def watch(session: Any, folder: Path, prefix: str) -> None:
    """Record what clients of a boto3 session do; it needs to be called before they are made.

    Args:
        session: A `boto3.Session`.
        folder: Where `FILE` is.
        prefix: Start of the stack's names: of lists, only entries that have it are kept.
    """
    session.events.register("before-parameter-build", _asked)
    session.events.register("after-call", partial(_answered, folder, prefix))


def write(file: Path, **exchange: Any) -> None:
    """Append a request and its response to a file, as one line of JSON.

    Args:
        file: The file.
        exchange: Its parts, without ids.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with _lock, file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(exchange, ensure_ascii=False) + "\n")


def of_the_stack(operation: str, response: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return a response without what the account holds beside the stack.

    Args:
        operation: Such as `ListTables`.
        response: What AWS answered.
        prefix: Start of the stack's names.
    """
    kept = {name: each for name, each in response.items() if name != "ResponseMetadata"}
    key = _LISTS.get(operation.lower())
    if key in kept:
        kept[key] = [each for each in kept[key] if prefix in json.dumps(each, default=str)]
    return kept


def _asked(params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
    context[_PARAMETERS] = redacted(params)


def _answered(
    folder: Path,
    prefix: str,
    http_response: Any,
    parsed: Mapping[str, Any],
    model: Any,
    context: Mapping[str, Any],
    **_: Any,
) -> None:
    write(
        folder / FILE,
        command=sys.argv[1] if len(sys.argv) > 1 else "",
        service=model.service_model.service_id,
        operation=model.name,
        request=context.get(_PARAMETERS),
        status=http_response.status_code,
        response=redacted(of_the_stack(model.name, parsed, prefix)),
    )

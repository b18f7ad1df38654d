"""From a change in the code to the changed code running."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workshop.bench.figures import Figure
from workshop.errors import WorkshopError
from workshop.paths import ROOT
from workshop.stack import Stack
from workshop.up import up

CHANGED = ROOT / "04-shipping" / "shipping_service" / "service.py"
PATIENCE_SECONDS = 60.0


def figure(stack: Stack) -> Figure:
    """Change a service's source, bring it up, wait until the new code answers; change it back.

    Raises:
        WorkshopError: The new code does not answer.
    """
    with _changed(CHANGED):
        started = time.monotonic()
        before = _code_of(stack)
        up(stack.stage, stack.target.name)
        while _code_of(stack) == before:
            if time.monotonic() - started > PATIENCE_SECONDS:
                raise WorkshopError("the changed code did not go live")
            time.sleep(0.05)
        stack.client("lambda").invoke(
            FunctionName=stack.outputs.function_names["shipping"], Payload=json.dumps({})
        )
        seconds = time.monotonic() - started
    up(stack.stage, stack.target.name)
    return Figure("code change to live", "s", seconds, "≤ 5 s", seconds <= 5)


@contextmanager
def _changed(path: Path) -> Iterator[None]:
    original = path.read_bytes()
    try:
        path.write_bytes(original + f"# changed at {time.time()}\n".encode())
        yield
    finally:
        path.write_bytes(original)


def _code_of(stack: Stack) -> str:
    name = stack.outputs.function_names["shipping"]
    answer = stack.client("lambda").get_function_configuration(FunctionName=name)
    return str(answer["CodeSha256"])

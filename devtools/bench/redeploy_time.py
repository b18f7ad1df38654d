"""The time from a change in the code until the new code runs."""

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from devtools.bench.figures import Figure
from workshop.deployment import bundles
from workshop.deployment.bundles import Bundle
from workshop.deployment.local.up import up
from workshop.deployment.stack import Stack
from workshop.errors import WorkshopError
from workshop.paths import BUNDLES, ROOT

CHANGED = Path("04-shipping", "shipping_service", "service.py")
FUNCTION, PACKAGE = "shipping", "shipping_service"
PATIENCE_SECONDS = 60.0
BUDGET_SECONDS = 3


def figure(stack: Stack) -> Figure:
    """Change a service, deploy it, and wait for the new code; compare with a plain upload.

    Raises:
        WorkshopError: The new code does not run.
    """
    unchanged = (BUNDLES / f"{PACKAGE}.zip").read_bytes()
    name = stack.outputs.function_names[FUNCTION]
    with changed_copy() as build:
        seconds = _until_live(stack, lambda: up(stack.stage, stack.target.name, build=build))
    floor = _until_live(
        stack,
        lambda: stack.client("lambda").update_function_code(FunctionName=name, ZipFile=unchanged),
    )
    return Figure(
        "code change to live",
        "s",
        seconds,
        f"≤ {BUDGET_SECONDS} s",
        seconds <= BUDGET_SECONDS,
        floor,
        note="floor: UpdateFunctionCode alone",
    )


@contextmanager
def changed_copy() -> Iterator[Callable[[], list[Bundle]]]:
    """Build the bundles as if a service had just changed, without a change in the checkout."""
    with tempfile.TemporaryDirectory() as scratch:
        root, target = Path(scratch, "repository"), Path(scratch, "bundles")
        for folder in bundles.source_folders(ROOT):
            leave = shutil.ignore_patterns("__pycache__")
            shutil.copytree(folder, root / folder.relative_to(ROOT), ignore=leave)
        shutil.copytree(BUNDLES, target)  # so that only the changed one is built again
        with (root / CHANGED).open("a", encoding="utf-8") as source:
            source.write(f"# changed at {time.time()}\n")
        yield partial(bundles.build, root, target)


def _until_live(stack: Stack, change: Callable[[], object]) -> float:
    """Return the seconds from the start of a change until the function runs other code."""
    before = _code_of(stack)
    started = time.monotonic()
    change()
    while _code_of(stack) == before:
        if time.monotonic() - started > PATIENCE_SECONDS:
            raise WorkshopError("the changed code did not go live")
        time.sleep(0.05)
    stack.client("lambda").invoke(
        FunctionName=stack.outputs.function_names[FUNCTION], Payload=json.dumps({})
    )
    return time.monotonic() - started


def _code_of(stack: Stack) -> str:
    name = stack.outputs.function_names[FUNCTION]
    answer = stack.client("lambda").get_function_configuration(FunctionName=name)
    return str(answer["CodeSha256"])

"""The local cloud's memory: as many interpreters as its settings allow, never one per event."""

import json

from devtools.bench import baseline
from devtools.bench.figures import Figure
from local_cloud.control import Status
from local_cloud.protocol import STATE_FILE
from local_cloud.settings import Settings
from workshop.deployment.stack import Stack


def figure(stack: Stack, status: Status) -> Figure:
    """Hold the interpreters after a burst against their bound."""
    bound = most_interpreters(settings_of(stack), len(stack.outputs.function_names))
    return Figure(
        "interpreters of both flows after it",
        "",
        status.interpreters,
        f"≤ {bound}: executions at once × functions",
        status.interpreters <= bound,
        note=_megabytes(status),
    )


def most_interpreters(settings: Settings, functions: int) -> int:
    """How many interpreters there can be: each function's, all busy at once in both ways."""
    asynchronous = synchronous = settings.concurrency
    return (asynchronous + synchronous) * (functions + len(baseline.FUNCTIONS))


def settings_of(stack: Stack) -> Settings:
    """What the stack's local cloud was started with."""
    state = json.loads((stack.target.directory / STATE_FILE).read_text("utf-8"))
    return Settings(**state["settings"])


def _megabytes(status: Status) -> str:
    if status.server_bytes is None or status.interpreters_bytes is None:
        return "this system does not tell their memory"
    server, interpreters = status.server_bytes / 1e6, status.interpreters_bytes / 1e6
    return f"{interpreters:,.0f} MB, and the server's {server:,.0f} MB"

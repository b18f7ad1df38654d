"""The learner's command line: ``python -m workshop``."""

from workshop.program import assemble, run

app = assemble(
    "workshop",
    "Event-driven orders on AWS: build them up, run them here, look inside.",
    {
        "stack": ("setup", "up", "down", "rehearse", "env"),
        "demo": ("demo",),
        "board": ("board",),
        "orders": ("order", "follow", "stock"),
        "observe": ("status", "logs"),
        "why": ("why",),
        "recovery": ("dlq", "redrive", "reconcile", "gateway"),
        "replay": ("replay",),
        "faults": ("faults",),
        "check": ("check",),
        "exercise": ("exercise",),
        "incident": ("incident",),
        "progress": ("progress",),
        "lab": ("lab",),
        "clean": ("clean",),
        "bootstrap": ("bootstrap",),
        "deploy": ("plan", "apply", "deploy", "drift", "destroy"),
        "release": ("release", "smoke", "rollback"),
    },
)


def main() -> None:
    """Run the learner's command line, and end the process with its exit code."""
    run(app)

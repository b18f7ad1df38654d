"""The learner's command line: ``python -m workshop``."""

from workshop.program import assemble, run

app = assemble(
    "workshop",
    "Event-driven orders on AWS: build them up, run them here, look inside.",
    {
        "stack": ("setup", "up", "down", "cloud", "env"),
        "demo": ("demo",),
        "orders": ("order", "follow", "stock"),
        "observe": ("status", "logs"),
        "recovery": ("dlq", "redrive", "reconcile", "gateway"),
        "faults": ("trouble",),
        "check": ("check",),
        "exercise": ("exercise",),
        "progress": ("progress",),
        "lab": ("lab",),
        "bootstrap": ("bootstrap",),
        "deploy": ("plan", "apply", "deploy", "drift", "destroy"),
        "release": ("release", "smoke", "rollback"),
    },
)


def main() -> None:
    """Run the learner's command line, and end the process with its exit code."""
    run(app)

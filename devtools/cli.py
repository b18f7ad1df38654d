"""The maintainers' command line: ``python -m devtools``."""

from workshop.program import assemble, run

app = assemble(
    "devtools",
    "Build, test and measure the workshop itself.",
    {
        "quality": (
            *("fmt", "lint", "types", "unit", "terraform", "stack", "exercises"),
            *("security", "deployed", "test", "test-all"),
        ),
        "docs": ("docs",),
        "notebooks": ("notebooks", "notebooks-refresh"),
        "bench": ("bench",),
        "lock": ("lock",),
    },
)


def main() -> None:
    """Run the maintainers' command line, and end the process with its exit code."""
    run(app)

"""The maintainers' command line: ``python -m devtools``."""

from workshop.program import assemble, run

app = assemble(
    "devtools",
    "Build, test and measure the workshop itself.",
    {
        "quality": (
            *("fmt", "lint", "types", "unit", "terraform", "stack", "exercises", "browser"),
            *("security", "deployed", "test", "test-all"),
        ),
        "docs": ("docs", "board-pictures"),
        "notebooks": ("notebooks", "notebooks-refresh"),
        "prove_aws": ("prove-aws",),
        "simulate": ("simulate", "simulate-selftest"),
        "bench": ("bench",),
        "soak": ("soak",),
        "mutants": ("mutants",),
        "lock": ("lock",),
    },
)


def main() -> None:
    """Run the maintainers' command line, and end the process with its exit code."""
    run(app)

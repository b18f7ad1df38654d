"""The maintainers' command line: one module of commands per group, under ``commands/``."""

from workshop.cli import assemble, run

app = assemble(
    "devtools",
    "Build, test and measure the workshop itself.",
    ("quality", "docs", "notebooks", "bench", "lock"),
)


def main() -> None:
    """Run the maintainers' command line, and end the process with its exit code."""
    run(app)

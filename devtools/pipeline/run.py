"""The run on GitHub that this process is part of: its address, and its page's summary."""

import os
from pathlib import Path


def address() -> str | None:
    """Where this run is to be seen; None outside GitHub Actions."""
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, number = (os.environ.get(name) for name in names)
    return f"{server}/{repository}/actions/runs/{number}" if server and number else None


def link() -> str:
    """The same as a line of Markdown; empty outside GitHub Actions."""
    found = address()
    return f"\n[The run that found this]({found})\n" if found else ""


def summarise(markdown: str) -> None:
    """Show something on the run's own page; nothing outside GitHub Actions."""
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(path).open("a", encoding="utf-8") as page:
            page.write(f"{markdown.rstrip()}\n\n")

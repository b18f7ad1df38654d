"""Comments and issues, by GitHub's own command line, which holds the credentials."""

import json
import os
import shutil
import subprocess

from workshop.errors import UsageError, WorkshopError

_MANY = "1000"  # open issues that are looked through


def comment(pull_request: int, text: str) -> str:
    """Say something on a pull request, in place of what was said there before.

    Returns:
        The comment's address.

    Raises:
        UsageError: There is no ``gh``.
        WorkshopError: It failed; the message holds its own words.
    """
    what = ("pr", "comment", str(pull_request), "--edit-last", "--create-if-none")
    return _gh(*what, "--body-file", "-", told=text)


def put_issue(title: str, text: str) -> str:
    """Say something in the open issue of this title, or in a new one; there is only ever one.

    Returns:
        The issue's address.

    Raises:
        UsageError: There is no ``gh``.
        WorkshopError: It failed; the message holds its own words.
    """
    number = _open_issue(title)
    what = ("create", "--title", title) if number is None else ("edit", str(number))
    return _gh("issue", *what, "--body-file", "-", told=text)


def close_issue(title: str, why: str) -> bool:
    """Close the open issue of this title.

    Returns:
        Whether there was one.

    Raises:
        UsageError: There is no ``gh``.
        WorkshopError: It failed; the message holds its own words.
    """
    number = _open_issue(title)
    if number is not None:
        _gh("issue", "close", str(number), "--comment", why)
    return number is not None


def _open_issue(title: str) -> int | None:
    """The oldest open issue of exactly this title."""
    listed = _gh("issue", "list", "--state", "open", "--limit", _MANY, "--json", "number,title")
    same = (each["number"] for each in json.loads(listed) if each["title"] == title)
    return min(same, default=None)


def _gh(*arguments: str, told: str = "") -> str:
    program = shutil.which("gh")
    if program is None:
        raise UsageError(
            "GitHub's command line, gh, is missing: install it (https://cli.github.com), "
            "then run this again."
        )
    if repository := os.environ.get("GITHUB_REPOSITORY"):
        arguments = (*arguments, "--repo", repository)
    done = subprocess.run(
        [program, *arguments],
        input=told,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise WorkshopError(f"{done.stderr.strip()}\ngh {' '.join(arguments[:2])} failed.".strip())
    return done.stdout.strip()

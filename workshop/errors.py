"""Errors that one sentence explains: what happened, and what to do."""

import traceback
from pathlib import Path

from local_cloud.errors import LocalCloudError
from workshop.paths import name_of_own


class WorkshopError(Exception):
    """Something expected went wrong; the message says what, and what to do about it."""

    exit_code = 1


class UsageError(WorkshopError):
    """The command cannot be understood, or this machine lacks something it needs."""

    exit_code = 2


class NoStackError(WorkshopError):
    """No stack is up: none was made, or its local cloud has ended."""


EXPECTED = (WorkshopError, LocalCloudError)
"""What a caller catches to handle every expected error, of the tools and of the local cloud."""


def in_one_line(error: Exception) -> str:
    """Name an error, and the line of this repository's own code that it comes from."""
    said = str(error).partition("\n")[0]
    if isinstance(error, SyntaxError):
        said = said.partition(" (")[0]  # the file and line follow
    return f"{_place(error)}{type(error).__name__}: {said}"


def _place(error: Exception) -> str:
    if isinstance(error, SyntaxError):
        lines = [(error.filename or "", error.lineno)]
    else:
        lines = [(each.filename, each.lineno) for each in traceback.extract_tb(error.__traceback__)]
    ours = [f"{own}:{line}: " for name, line in lines if (own := name_of_own(Path(name)))]
    return ours[-1] if ours else ""
